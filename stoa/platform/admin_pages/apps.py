"""Django's registration of the admin's ground: for its templates."""

from django.apps import AppConfig


class AdminPagesConfig(AppConfig):
    name = "stoa.platform.admin_pages"
    label = "admin_pages"
