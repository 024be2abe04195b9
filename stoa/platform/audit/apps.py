"""Django's registration of the audit trail."""

from django.apps import AppConfig

from stoa.platform.db.triggers import install_after_migrate


class AuditConfig(AppConfig):
    name = "stoa.platform.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        install_after_migrate(self)
