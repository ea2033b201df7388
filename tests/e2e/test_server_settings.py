"""Connections that the server's settings allow."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

import pytest

ROOT_HEADERS = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Protocol": "streamlit",
}


def handshake(address: str, host: str, origin: str) -> int:
    """Request a websocket as a browser does; return the HTTP status, 101 if it is opened."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.putrequest("GET", "/_stcore/stream", skip_host=True)
    for name, value in (ROOT_HEADERS | {"Host": host, "Origin": origin}).items():
        connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_only_allowed_hosts_and_origins_can_connect(
    serve: Callable[[str], AbstractContextManager[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_ALLOWED_HOSTS", "digits.example *.school.example")
    with serve("streamlit") as address:
        for host in ("digits.example", "class.school.example"):
            assert handshake(address, host, f"http://{host}") == 101
        assert handshake(address, "evil.example", "http://evil.example") == 403
        # Another website, in a visitor's browser.
        assert handshake(address, "digits.example", "http://evil.example") == 403
