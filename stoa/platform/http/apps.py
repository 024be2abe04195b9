"""Django's registration of platform/http."""

from django.apps import AppConfig


class HttpConfig(AppConfig):
    name = "stoa.platform.http"
    label = "http"
    default_auto_field = "django.db.models.BigAutoField"
