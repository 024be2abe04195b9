"""Servers that misbehave on the line: one that never answers, one that can be switched between hanging and passing."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_SILENT = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0), backlog=128)
print(listener.getsockname()[1], flush=True)
accepted = []
while True:
    accepted.append(listener.accept())
"""


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that accepts every connection, reads nothing and never answers: a process of its own, so
    that its ends of the lines are not counted among ours."""
    with subprocess.Popen([sys.executable, "-c", _SILENT], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


class SwitchableProxy:
    """In front of a real server. While `hanging` it accepts and forwards nothing; a connection keeps its fate."""

    def __init__(self, host: str, port: int) -> None:
        self.hanging = False
        self._target = (host, port)
        self._lines: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for line in (self._listener, *self._lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller = self._listener.accept()[0]
                self._lines.append(caller)
                if not self.hanging:
                    server = socket.create_connection(self._target)
                    self._lines.append(server)
                    for source, sink in ((caller, server), (server, caller)):
                        threading.Thread(target=_forward, args=(source, sink), daemon=True).start()


def _forward(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def own_sockets() -> int:
    """Open sockets of this process."""
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            count += str(descriptor.readlink()).startswith("socket:")
    return count


def eventually(holds: Callable[[], bool], *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.01)
    return holds()
