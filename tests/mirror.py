"""A web server on the loopback that keeps its promises, or breaks them in one of the ways that mirrors do."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_STEP = 0.01
"""Seconds between the pieces that `drips` and `trickles` send."""


class Mirror(ThreadingHTTPServer):
    """Serves `files` (by name, without folder) in the manner of `behave`, and notes what it is asked for."""

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
            pass  # the client has given up, as some tests want it to

    def announce(self, length: int | None, **headers: str) -> None:
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


Behaviour = Callable[[_Handler, bytes], None]


def serves(handler: _Handler, body: bytes) -> None:
    handler.announce(len(body))
    handler.wfile.write(body)


def declares_gzip_encoding(handler: _Handler, body: bytes) -> None:
    """Calls the file's own gzip a compression of the transfer, which makes the client undo it."""
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
    """Answers with a page of its own, as the login of a public network does."""
    serves(handler, b"<html><body>Welcome to our network!</body></html>")


def stalls(handler: _Handler, body: bytes) -> None:
    handler.announce(len(body))
    handler.wfile.write(body[: len(body) // 2])
    handler.wfile.flush()
    handler.server.released.wait()


def never_answers(handler: _Handler, body: bytes) -> None:
    handler.server.released.wait()


def sends_byte_by_byte(handler: _Handler, body: bytes) -> None:
    """Sends a byte at a time, each well within any timeout of a socket."""
    handler.announce(len(body))
    for byte in body:
        if handler.server.released.wait(_STEP):
            return
        handler.wfile.write(bytes([byte]))


def never_finishes(handler: _Handler, body: bytes) -> None:
    """Sends steadily, but never gets done."""
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
    """A mirror in a thread of its own; whatever it still waits for is released at the end."""
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
    """The address of a port on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/mnist/"
