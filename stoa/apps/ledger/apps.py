"""How Django finds ledger."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "stoa.apps.ledger"
    label = "ledger"
    verbose_name = "Ledger"

    def ready(self) -> None:
        from stoa.apps.ledger.services.rules.declared import declare_rules  # noqa: PLC0415 - models exist only now

        declare_rules()
