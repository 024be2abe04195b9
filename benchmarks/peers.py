"""What Stoa is measured against, served like Stoa itself: same settings, pool and server; only the code differs."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import django
from django.core.wsgi import get_wsgi_application
from django.test.utils import override_settings

_TUTORIAL_MIDDLEWARE = [
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


def with_no_middleware(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return _django([])(environ, start_response)


def with_tutorial_middleware(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return _django(_TUTORIAL_MIDDLEWARE)(environ, start_response)


_built: list[WSGIApplication] = []


def _django(middleware: list[str]) -> WSGIApplication:
    """One application a process: each peer has a server of its own."""
    if not _built:
        django.setup()
        override_settings(ROOT_URLCONF="benchmarks.peer_urls", MIDDLEWARE=middleware).enable()
        _built.append(get_wsgi_application())
    return _built[0]
