"""The shared part of a sign-in's refresh tokens replaces the last spent one."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RenameField("session", "spent_hash", "family_hash")]
