"""`/admin/password_change/`: Django's page over our service, so that guesses at the old password count for the lockout,
the API's sessions end, and the trail knows."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse_lazy
from unfold.forms import AdminOwnPasswordChangeForm

from stoa.apps.accounts.errors import LockedOut, WrongPassword
from stoa.apps.accounts.queries import own_user
from stoa.apps.accounts.services.admin_sign_in import address_of
from stoa.apps.accounts.services.passwords import change_password
from stoa.kit.errors import Invalid


class _Form(AdminOwnPasswordChangeForm):
    def clean_old_password(self) -> str:
        """Looked at by the service, which counts the guess first."""
        given: str = self.cleaned_data["old_password"]
        return given


class _Page(PasswordChangeView):
    form_class = _Form
    success_url = reverse_lazy("admin:password_change_done")

    def form_valid(self, form: Any) -> HttpResponse:
        given, user_id = form.cleaned_data, form.user.pk
        try:
            change_password(
                user_id=user_id,
                session_id=None,
                old=given["old_password"],
                new=given["new_password1"],
                address=address_of(request=self.request),
            )
        except (WrongPassword, LockedOut) as refused:
            form.add_error("old_password", refused.text)
            return self.form_invalid(form)
        except Invalid as refused:
            form.add_error("new_password1", [reason for reasons in refused.fields.values() for reason in reasons])
            return self.form_invalid(form)
        # This cookie goes on; those of other browsers carry a mark of the old password.
        update_session_auth_hash(self.request, own_user(user_id))
        return super(PasswordChangeView, self).form_valid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **admin.site.each_context(self.request)}


_page = _Page.as_view()


def admin_password(request: HttpRequest) -> HttpResponseBase:
    """Wrapped in `admin.site.admin_view`, before the admin's own URLs."""
    return _page(request)
