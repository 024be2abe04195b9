"""`/admin/login/`: Django's page, or ours of the second step where an authenticator is on."""

from django.contrib import admin
from django.contrib.auth import login as keep_in_cookie
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from stoa.apps.accounts.errors import BadCredentials, LockedOut, MfaRefused, MfaRequired
from stoa.apps.accounts.services.admin_sign_in import BACKEND, address_of, finish_in_admin

_HOME = "/admin/"


@never_cache
@csrf_protect
@sensitive_post_parameters()
def admin_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Before the admin's own URLs, and under their address."""
    token = request.POST.get("mfa_token", "")
    try:
        return _second(request, token) if token else admin.site.login(request)
    except MfaRequired as asked:
        return _page(request, token=str(asked.details["mfa_token"]))
    except LockedOut as locked:
        page = _page(request, said=locked.text, status=429)
        page["Retry-After"] = str(locked.retry_after_s)
        return page


def _second(request: HttpRequest, token: str) -> HttpResponse:
    try:
        user = finish_in_admin(token=token, code=request.POST.get("code", "")[:40], address=address_of(request=request))
    except (MfaRefused, BadCredentials):
        return _page(request, token=token, said=MfaRefused.message)
    keep_in_cookie(request, user, backend=BACKEND)
    return HttpResponseRedirect(_next(request))


def _page(request: HttpRequest, *, token: str = "", said: str = "", status: int = 200) -> HttpResponse:
    """The second step; without a token only what is said and the way back."""
    shown = {**admin.site.each_context(request), "title": "Sign in", "mfa_token": token, "said": said}
    return render(request, "accounts/second_step.html", {**shown, "next": _next(request)}, status=status)


def _next(request: HttpRequest) -> str:
    """Only to an address of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or _HOME
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else _HOME
