"""The roles that ship, as they were when this was written: later ones come by migrations of their own."""

from django.db import migrations

from stoa.kit.ids import new_uuid

ROLES = {
    "ORG_ADMIN": (
        "accounts:manage accounts:read audit:read customers:manage customers:read devices:manage devices:read "
        "invites:manage invites:read journal:approve journal:post journal:read journal:reverse members:read "
        "members:remove members:update orders:manage orders:read organization:delete organization:read "
        "organization:update payments:create payments:read payments:refund periods:close periods:read "
        "products:manage products:read reports:export reports:read roles:manage roles:read sales:create "
        "sales:read sales:refund stock:adjust stock:read"
    ),
    "MANAGER": (
        "accounts:read audit:read customers:manage customers:read devices:manage devices:read invites:manage "
        "invites:read journal:post journal:read journal:reverse members:read members:remove members:update "
        "orders:manage orders:read organization:read organization:update payments:create payments:read "
        "payments:refund periods:read products:manage products:read reports:export reports:read roles:read "
        "sales:create sales:read sales:refund stock:adjust stock:read"
    ),
    "FINANCE": (
        "accounts:manage accounts:read audit:read customers:read devices:read invites:read journal:approve "
        "journal:post journal:read journal:reverse members:read orders:read organization:read payments:create "
        "payments:read payments:refund periods:close periods:read products:read reports:export reports:read "
        "roles:read sales:read stock:read"
    ),
    "ACCOUNTANT": (
        "accounts:manage accounts:read journal:post journal:read journal:reverse members:read "
        "organization:read payments:read periods:read reports:export reports:read roles:read"
    ),
    "APPROVER": (
        "accounts:read journal:approve journal:read members:read organization:read payments:read periods:read "
        "reports:export reports:read roles:read sales:read"
    ),
    "CASHIER": (
        "customers:read members:read organization:read payments:create payments:read products:read roles:read "
        "sales:create sales:read stock:read"
    ),
    "INVENTORY_CLERK": (
        "members:read organization:read products:manage products:read roles:read stock:adjust stock:read"
    ),
    "VIEWER": (
        "accounts:read customers:read devices:read journal:read members:read orders:read organization:read "
        "payments:read periods:read products:read reports:read roles:read sales:read stock:read"
    ),
    "VENDOR": (
        "devices:read orders:read organization:read"
    ),
}


def seed(apps, schema_editor):
    role = apps.get_model("organizations", "Role")
    role.objects.bulk_create(
        [role(id=new_uuid(), name=name, permissions=words.split()) for name, words in ROLES.items()]
    )


def remove(apps, schema_editor):
    apps.get_model("organizations", "Role").objects.filter(organization=None, name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [("organizations", "0001_initial")]
    operations = [migrations.RunPython(seed, remove)]
