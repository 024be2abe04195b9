"""How Django finds organizations."""

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "stoa.apps.organizations"
    label = "organizations"
    verbose_name = "Organizations"
