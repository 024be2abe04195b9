"""Requests that leave the process: the id goes along, the deadline holds whatever the other side does."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from stoa.runtime import context
from stoa.runtime.http_client import HttpClient, NoAnswer

Answer = Callable[[socket.socket], None]


@contextmanager
def listening(answer: Answer) -> Iterator[str]:
    """A server that reads a request's head and then does what it is told, for each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=_answer, args=(connection, answer), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def _answer(connection: socket.socket, answer: Answer) -> None:
    with connection:
        try:
            answer(connection)
        except OSError:
            pass


def _head(connection: socket.socket) -> str:
    read = b""
    while b"\r\n\r\n" not in read and (more := connection.recv(4096)):
        read += more
    return read.decode()


def _ok(connection: socket.socket) -> None:
    body = json.dumps({"head": _head(connection)}).encode()
    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))


def _silence(connection: socket.socket) -> None:
    time.sleep(5)


def _dripping_head(connection: socket.socket) -> None:
    _head(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.05)


def _dripping_body(connection: socket.socket) -> None:
    _head(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.05)


def _endless(connection: socket.socket) -> None:
    _head(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def _hangs_up(connection: socket.socket) -> None:
    _head(connection)


def allowed(what: str) -> None:
    pass


def test_the_id_goes_along_and_the_line_has_no_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with listening(_ok) as url, context.scope(request_id="the-id"):
        client = HttpClient("the service", guard=allowed, base_url=url, headers={"X-Client": "stoa"})
        response = client.request("POST", "/pay", params={"token": "hunter2"}, json={"a": 1}, headers={"X-Key": "k"})
        client.close()
    head = response.json()["head"]
    assert response.status_code == 201
    assert head.startswith("POST /pay?token=hunter2 HTTP/1.1")
    for header in ("x-request-id: the-id", "x-client: stoa", "x-key: k"):
        assert header in head.lower()
    (line,) = [record.__dict__["stoa_fields"] for record in caplog.records if record.getMessage() == "outgoing request"]
    assert line.pop("duration_ms") > 0
    assert line == {"service": "the service", "method": "POST", "host": "127.0.0.1", "path": "/pay", "status": 201}
    assert "hunter2" not in caplog.text


def test_outside_any_context_it_makes_an_id() -> None:
    with listening(_ok) as url:
        response = HttpClient("s", guard=allowed, base_url=url).request("GET", "/")
    assert len(response.json()["head"].lower().partition("x-request-id: ")[2].partition("\r")[0]) == 36


@pytest.mark.parametrize("answer", [_silence, _dripping_head, _dripping_body])
def test_the_deadline_holds(answer: Answer) -> None:
    with listening(answer) as url:
        began = time.monotonic()
        with pytest.raises(NoAnswer) as refused:
            HttpClient("slow", guard=allowed, base_url=url).request("GET", "/", deadline_s=0.3)
        assert 0.25 < time.monotonic() - began < 1.5
    assert refused.value.timed_out is True
    assert refused.value.details == {"service": "slow"}


def test_an_answer_without_end_is_cut_off() -> None:
    with listening(_endless) as url, pytest.raises(NoAnswer) as refused:
        HttpClient("long", guard=allowed, base_url=url).request("GET", "/", largest_answer=200_000)
    assert refused.value.timed_out is False


def test_refused_and_broken_connections() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with listening(_hangs_up) as broken:
        for url in (closed, broken):
            with pytest.raises(NoAnswer) as refused:
                HttpClient("gone", guard=allowed, base_url=url).request("GET", "/")
            assert refused.value.timed_out is False


def test_the_guard_refuses_before_anything_leaves() -> None:
    class Inside(Exception):
        pass

    def guard(what: str) -> None:
        raise Inside(what)

    seen: list[socket.socket] = []
    with listening(seen.append) as url, pytest.raises(Inside, match="a request to the bank"):
        HttpClient("the bank", guard=guard, base_url=url).request("GET", "/")
    assert seen == []
