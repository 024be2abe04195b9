"""The real application with two faults, so that the lane is seen to find them: for its own test, never for serving."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from stoa.project.wsgi import application as _sound

if TYPE_CHECKING:
    from wsgiref.types import StartResponse


def application(environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
    """`users/me` refuses with a status it does not document; `profile/me` breaks when it was found."""

    def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
        path = environ["PATH_INFO"]
        if path == "/api/v1/users/me" and status.startswith("401"):
            status = "402 Payment Required"
        if path == "/api/v1/profile/me" and status.startswith("200"):
            status = "500 Internal Server Error"
        return start_response(status, headers, *exc_info)

    return _sound(environ, start)
