"""Django's registration of the asks for a second person."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "stoa.platform.approvals"
    label = "approvals"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from stoa.platform.approvals.rules import declare_rules  # noqa: PLC0415 - once Django is ready

        declare_rules()
