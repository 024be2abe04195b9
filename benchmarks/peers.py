"""What Stoa is measured against, served like Stoa itself: same settings, pool and server; only the code differs."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import django
from django.core.wsgi import get_wsgi_application
from django.test.utils import override_settings

from stoa.runtime.process import declare_role

TUTORIAL_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


def bare(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The raw limit of the server: no framework at all."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "20")])
    return [b'{"status":"healthy"}']


def django_application(middleware: list[str]) -> WSGIApplication:
    """Django with the peers' routes: settings, pool and database role as Stoa's own web process has them."""
    declare_role("web")
    django.setup()
    override_settings(ROOT_URLCONF="benchmarks.peer_urls", MIDDLEWARE=middleware).enable()
    return get_wsgi_application()
