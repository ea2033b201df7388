"""What docs/haproxy.cfg lets through, with the real proxy in front of servers that say what they got."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import re
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import haproxy
from tests.certificates import new_certificate
from tests.e2e.conftest import PAUSE, free_port

FEW = 20
"""Requests in ten seconds that a copy of the configuration allows."""


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers each request with its headers."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # The proxy asks for a status only when it looks whether we live.
            self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def servers() -> Iterator[tuple[int, int]]:
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(2):
            server = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            ports.append(server.server_address[1])
        yield ports[0], ports[1]


def get(connection: http.client.HTTPConnection, **headers: str) -> http.client.HTTPResponse:
    connection.request("GET", "/", headers={name.replace("_", "-"): value for name, value in headers.items()})
    return connection.getresponse()


def connect(port: int) -> http.client.HTTPConnection:
    """A connection to the proxy, once it answers."""
    for _ in range(600):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        with contextlib.suppress(OSError):
            connection.connect()
            return connection
        PAUSE.wait(0.1)
    raise AssertionError("The proxy did not start.")


def test_headers_and_the_largest_upload(servers: tuple[int, int], tmp_path: Path) -> None:
    port = free_port()
    with haproxy.running(port, servers, tmp_path):
        answer = get(connect(port), X_Forwarded_For="6.6.6.6")
        assert json.loads(answer.read())["x-forwarded-for"] == "127.0.0.1"  # Not what the visitor wrote.
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "HttpOnly" in answer.headers["Set-Cookie"]
        assert get(connect(port), Content_Length="68000001").status == 413


def test_one_address_is_limited_with_room_for_a_class(servers: tuple[int, int], tmp_path: Path) -> None:
    config, port = tmp_path / "few.cfg", free_port()
    text, most = haproxy.CONFIG.read_text(), re.compile(r"(?<=sc_http_req_rate\(0\) gt )\d+")
    (limit,) = map(int, most.findall(text))
    # Thirty who all load a page, which are about forty files, and ask for five frames a second.
    assert limit >= 30 * (40 + 10 * 5)
    config.write_text(most.sub(str(FEW), text))
    with haproxy.running(port, servers, tmp_path, config):
        found = [get(connect(port)).status for _ in range(FEW + 1)]
    assert found == [200] * FEW + [429]


def test_commented_lines_for_tls_work(servers: tuple[int, int], tmp_path: Path) -> None:
    config, plain, secure = tmp_path / "tls.cfg", free_port(), free_port()
    certificate, key = new_certificate(tmp_path, "localhost")
    both = tmp_path / "both.pem"
    both.write_text(certificate.read_text() + key.read_text())
    text = haproxy.CONFIG.read_text().replace('    bind "${PLAYGROUND_BIND}"\n', "")
    text, count = re.subn(r"(?m)^    # (?=bind|http-request redirect|http-response set-header Strict)", "    ", text)
    assert count == 4
    text = text.replace("bind :80\n", f"bind 127.0.0.1:{plain}\n").replace("bind :443 ", f"bind 127.0.0.1:{secure} ")
    config.write_text(text.replace("/etc/haproxy/playground.pem", str(both)))
    with haproxy.running(plain, servers, tmp_path, config):
        answer = get(connect(plain))
        assert (answer.status, answer.headers["Location"][:8]) == (302, "https://")
        context = ssl.create_default_context(cafile=str(certificate))
        answer = get(http.client.HTTPSConnection("localhost", secure, timeout=60, context=context))
        assert answer.status == 200
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
