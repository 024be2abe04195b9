"""allauth without its middleware and without its pages in the admin: its providers, and the one table of who is linked.

Its own start insists on a layer around every request, for redirects of pages that Stoa does not have."""

from allauth.account.apps import AccountConfig
from allauth.socialaccount.apps import SocialAccountConfig
from django.contrib import admin


class AllauthAccount(AccountConfig):
    """Its models are imported by the providers; nothing else of it runs."""

    def ready(self) -> None:
        return None


class AllauthSocial(SocialAccountConfig):
    def ready(self) -> None:
        """After the admin has found them: applications (their secrets in clear) and links are not edited by hand."""
        for model in (*self.get_models(), *self.apps.get_app_config("account").get_models()):
            if admin.site.is_registered(model):
                admin.site.unregister(model)
