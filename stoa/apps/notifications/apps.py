"""How Django finds notifications."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "stoa.apps.notifications"
    label = "notifications"
    verbose_name = "Notifications"
