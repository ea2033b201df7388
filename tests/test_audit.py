"""The check for known vulnerabilities, with a local package registry."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

import pytest

from tests import audit
from tests.e2e.conftest import free_port


class Registry(BaseHTTPRequestHandler):
    """Knows one vulnerability, in `package`."""

    package = ""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
        events = [{"introduced": "0"}, {"fixed": "999.0"}]
        vulnerability = {
            "id": "VULN-1",
            "details": "A vulnerability.",
            "published": "2026-01-01T00:00:00Z",
            "affected": [
                {
                    "package": {"name": asked, "ecosystem": "PyPI"},
                    "ranges": [{"type": "ECOSYSTEM", "events": events}],
                }
            ],
        }
        body = json.dumps({"vulns": [vulnerability]} if asked == self.package else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name.
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("package", "status", "expected"),
    [
        ("pillow", 1, f"pillow {version('pillow')} has a known vulnerability: VULN-1"),
        ("", 0, "No known vulnerability in"),
    ],
)
def test_known_vulnerability_fails_the_check(
    package: str,
    status: int,
    expected: str,
    registry: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Registry, "package", package)
    assert audit.main(["--vulnerability-service", "osv", "--osv-url", registry]) == status
    printed = capsys.readouterr().out
    assert expected in printed
    assert ("999.0" in printed) == bool(status)


def test_unreachable_registry_is_reported_and_passes(capsys: pytest.CaptureFixture[str]) -> None:
    unused = f"http://127.0.0.1:{free_port()}/"
    assert audit.main(["--vulnerability-service", "osv", "--osv-url", unused]) == 0
    assert "NOT checked" in capsys.readouterr().out
