"""How Django finds wallet."""

from django.apps import AppConfig


class WalletConfig(AppConfig):
    name = "stoa.apps.wallet"
    label = "wallet"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Wallet"
