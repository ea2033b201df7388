"""A local web server that behaves correctly, or fails in one of the ways in which mirrors fail."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_STEP = 0.01
"""Seconds between the pieces that `sends_byte_by_byte` and `never_finishes` send."""


class Mirror(ThreadingHTTPServer):
    """Serves `files` (by name, without folder) as `behave` does, and records the requested names in `asked`."""

    daemon_threads = True

    def __init__(self, files: Mapping[str, bytes], behave: "Behaviour") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.behave = behave
        self.asked: list[str] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/mnist/"


class _Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        name = self.path.removeprefix("/mnist/")
        self.server.asked.append(name)
        try:
            if name in self.server.files:
                self.server.behave(self, self.server.files[name])
            else:
                self.send_error(404)
        except (BrokenPipeError, ConnectionResetError):
            pass  # The client has given up, as some tests expect.

    def announce(self, length: int | None, **headers: str) -> None:
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""


Behaviour = Callable[[_Handler, bytes], None]


def serves(handler: _Handler, body: bytes) -> None:
    handler.announce(len(body))
    handler.wfile.write(body)


def declares_gzip_encoding(handler: _Handler, body: bytes) -> None:
    """Declares the gzip of the file as a content encoding, so that the client decompresses it."""
    handler.announce(len(body), Content_Encoding="gzip")
    handler.wfile.write(body)


def truncates(handler: _Handler, body: bytes) -> None:
    handler.announce(len(body))
    handler.wfile.write(body[: len(body) // 2])


def truncates_silently(handler: _Handler, body: bytes) -> None:
    handler.announce(None)
    handler.wfile.write(body[: len(body) // 2])


def corrupts(handler: _Handler, body: bytes) -> None:
    half = len(body) // 2
    serves(handler, body[:half] + bytes([body[half] ^ 0xFF]) + body[half + 1 :])


def shows_login_page(handler: _Handler, body: bytes) -> None:
    """Answers with an HTML page, like the login page of a public network."""
    serves(handler, b"<html><body>Welcome to our network!</body></html>")


def stalls(handler: _Handler, body: bytes) -> None:
    handler.announce(len(body))
    handler.wfile.write(body[: len(body) // 2])
    handler.wfile.flush()
    handler.server.released.wait()


def never_answers(handler: _Handler, body: bytes) -> None:
    handler.server.released.wait()


def sends_byte_by_byte(handler: _Handler, body: bytes) -> None:
    """Sends one byte at a time, each within the timeout of a socket."""
    handler.announce(len(body))
    for byte in body:
        if handler.server.released.wait(_STEP):
            return
        handler.wfile.write(bytes([byte]))


def never_finishes(handler: _Handler, body: bytes) -> None:
    """Sends steadily, but never finishes."""
    handler.announce(None)
    while not handler.server.released.wait(_STEP):
        handler.wfile.write(bytes(20_000))


def sends_zeros_for_ever(handler: _Handler, body: bytes) -> None:
    """Sends zeros until the client closes the connection."""
    handler.announce(None)
    while not handler.server.released.is_set():
        handler.wfile.write(bytes(2**16))


def fails_with_500(handler: _Handler, body: bytes) -> None:
    handler.send_error(500)


def sends_wrong_length(handler: _Handler, body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "many")
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def running(files: Mapping[str, bytes], behave: Behaviour = serves) -> Iterator[Mirror]:
    """Run a mirror in a thread; at the end, stop everything that still waits in it."""
    with Mirror(files, behave) as mirror:
        thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield mirror
        finally:
            mirror.released.set()
            mirror.shutdown()
            thread.join()


def closed_url() -> str:
    """Return the URL of a port on which no server listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/mnist/"
