"""Django's registration, for the commands; it has no tables."""

from django.apps import AppConfig


class DbConfig(AppConfig):
    name = "stoa.platform.db"
    label = "db"
