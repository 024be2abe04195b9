"""What the outermost layer does that no route can."""

from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import setup_testing_defaults

from stoa.platform.http.entry import Entry


def test_secrets_of_the_process_do_not_travel_in_a_request() -> None:
    """Granian puts the whole process environment into every WSGI environ, and so into request.META."""
    seen: WSGIEnvironment = {}

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        seen.update(environ)
        start_response("200 OK", [])
        return []

    environ: WSGIEnvironment = {}
    setup_testing_defaults(environ)
    secrets = dict.fromkeys(("DJANGO_SECRET_KEY", "SECRET_KEY", "DATABASE_URL", "POSTGRES_PASSWORD"), "x")
    Entry(application)({**environ, **secrets, "PORT": "8000"}, lambda *_: None)
    assert seen["PORT"] == "8000"
    assert not secrets.keys() & seen.keys()
