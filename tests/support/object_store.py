"""A real object store on this machine, and a network before it that fails when it is told to."""

from __future__ import annotations

import collections
import contextlib
import enum
import http.client
import http.server
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

_INSTALLED = Path(__file__).parents[2] / ".venv" / "bin" / "fake-gcs-server"


def server_program() -> str | None:
    """Where `fake-gcs-server` is installed; `make faults` does it."""
    named = os.environ.get("EMONET_FAKE_GCS_SERVER")
    return named or shutil.which(_INSTALLED) or shutil.which("fake-gcs-server")


@contextlib.contextmanager
def running_server(program: str) -> Iterator[str]:
    """The address of a server that keeps its objects in memory."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    flags = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [program, *flags, "-log-level", "error"], stderr=subprocess.DEVNULL
    ) as server:
        try:
            _wait_for(f"{address}/_internal/healthcheck", server)
            yield address
        finally:
            server.terminate()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=10):
            return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"{server.args!r} does not serve {url}")


class Fault(enum.Enum):
    """What may happen to a request on its way; a status is answered in the server's place."""

    NONE = "it passes"
    SLOW = "its answer comes `delay_s` late"
    CUT = "both connections break halfway through its content, or through that of the answer"
    LOST = "the server obeys, and the connection breaks before it can say so"
    GARBLED = "the last byte of the answer is another one"


class FakeNetwork(http.server.ThreadingHTTPServer):
    """Passes requests on to a server, except for those that are to fail.

    Attributes:
      address: where clients find it.
      delay_s: how long `Fault.SLOW` takes.
      seen: method and path of every request, and what happened to it.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, server: str):
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self.beyond = server.removeprefix("http://")
        self.delay_s = 0.0
        self.seen: list[tuple[str, int | Fault]] = []
        self._lock = threading.Lock()
        self._next: collections.deque[int | Fault] = collections.deque()
        self._then: int | Fault = Fault.NONE

    def fail(self, *faults: int | Fault, then: int | Fault = Fault.NONE) -> None:
        """Decides what happens to the next requests, one by one, and to all that follow."""
        with self._lock:
            self.seen.clear()
            self._next = collections.deque(faults)
            self._then = then

    def fault_of(self, request: str) -> int | Fault:
        """What happens to a request."""
        with self._lock:
            fault = self._next.popleft() if self._next else self._then
            self.seen.append((request, fault))
            return fault

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: a client that gave up is what many tests are about."""


class _Exchange(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeNetwork

    def _pass_on(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.server.fault_of(f"{self.command} {self.path}")
        if isinstance(fault, int):
            self._answer(fault, {}, b"{}", 2)
            return
        halfway = fault is Fault.CUT
        beyond = http.client.HTTPConnection(self.server.beyond, timeout=60)
        with contextlib.closing(beyond):
            beyond.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                beyond.putheader(name, value)
            if halfway and content:
                beyond.endheaders(content[: len(content) // 2])
                self._hang_up()
                return
            beyond.endheaders(content)
            response = beyond.getresponse()
            answer = response.read()
        if fault is Fault.SLOW:
            time.sleep(self.server.delay_s)
        if fault is Fault.GARBLED:
            answer = answer[:-1] + bytes([answer[-1] ^ 1])
        if fault is Fault.LOST:
            self._hang_up()
            return
        self._answer(
            response.status,
            dict(response.getheaders()),
            answer[: len(answer) // 2] if halfway else answer,
            len(answer),
        )
        if halfway:
            self._hang_up()

    do_DELETE = do_GET = do_PATCH = do_POST = do_PUT = _pass_on  # noqa: N815

    def _answer(self, status: int, headers: dict[str, str], content: bytes, promised: int) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(promised))
        self.end_headers()
        self.wfile.write(content)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        pass
