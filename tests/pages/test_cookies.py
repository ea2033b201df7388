"""The workspace cookie, tested with plain requests."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from typing import Any

import pytest

from mnist_core.store import workspaces
from pages.widgets.server import cookies

PAGE = {"accept": "text/html,*/*"}


async def inner(_scope: Any, _receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/html"), (b"cache-control", b"no-cache")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"page"})


def ask(path: str = "/", method: str = "GET", scheme: str = "http", **headers: str) -> tuple[SimpleCookie, bytes, Any]:
    """Return the cookies that a response sets, its body and its other headers."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "path": path, "method": method, "scheme": scheme, "headers": raw}
    answer = cookies.WorkspaceCookie(inner)(scope, None, send)  # type: ignore[arg-type]
    # In a new thread: after browser tests, this one already has an event loop.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, answer).result()
    jar: SimpleCookie = SimpleCookie()
    others = {}
    for name, value in sent[0]["headers"]:
        if name == b"set-cookie":
            jar.load(value.decode())
        else:
            others[name.decode()] = value.decode()
    return jar, sent[1]["body"], others


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests run without a server that sets cookies."""
    monkeypatch.setattr(cookies, "_served", type(cookies._served)())


def test_first_page_sets_a_protected_cookie() -> None:
    jar, body, headers = ask(**PAGE)
    one = jar[cookies.NAME]
    assert workspaces.is_workspace(one.value)
    assert cookies.is_unused(one.value)
    assert (one["httponly"], one["samesite"], one["secure"], one["path"]) == (True, "Lax", "", "/")
    assert body == b"page"
    assert headers["cache-control"] == "private, no-cache"


def test_static_files_set_no_cookie() -> None:
    assert not ask("/static/index.js", accept="*/*")[0]


@pytest.mark.parametrize("how", [{"scheme": "https"}, {"x_forwarded_proto": "https, http"}])
def test_cookie_is_secure_over_https(how: dict[str, str]) -> None:
    assert ask(**PAGE, **how)[0][cookies.NAME]["secure"] is True


def test_cookie_is_renewed_for_the_same_workspace() -> None:
    token = workspaces.new_workspace()
    for name in (cookies.NAME, cookies.READABLE_NAME):
        jar, *_ = ask(**PAGE, cookie=f"odd; other=1; {name}={token}")
        assert jar[cookies.NAME].value == token
        assert int(jar[cookies.NAME]["max-age"]) > 300 * 86_400
    assert not cookies.is_unused(token)


def test_readable_cookie_is_deleted_after_the_exchange() -> None:
    token = workspaces.new_workspace()
    assert cookies.READABLE_NAME not in ask(**PAGE, cookie=f"{cookies.READABLE_NAME}={token}")[0]
    jar, *_ = ask(**PAGE, cookie=f"{cookies.READABLE_NAME}={token}; {cookies.NAME}={token}")
    assert jar[cookies.READABLE_NAME]["max-age"] == "0"


@pytest.mark.parametrize("value", ["", "short", "x" * 23, "../../../etc/passwd...", "a" * 4000])
def test_invalid_cookie_is_replaced(value: str) -> None:
    assert workspaces.is_workspace(ask(**PAGE, cookie=f"{cookies.NAME}={value}")[0][cookies.NAME].value)


def redeem(ticket: str, cookie: str = "", method: str = "POST") -> tuple[SimpleCookie, str]:
    jar, body, _ = ask(f"/base/{cookies.ADDRESS}", method, x_workspace_ticket=ticket, cookie=cookie)
    return jar, json.loads(body)["state"]


def test_ticket_is_valid_until_its_cookie_arrives() -> None:
    token = workspaces.new_workspace()
    ticket = cookies.ticket_for(token)
    assert token not in ticket
    jar, state = redeem(ticket, f"{cookies.NAME}={workspaces.new_workspace()}")
    assert (jar[cookies.NAME].value, jar[cookies.NAME]["httponly"], state) == (token, True, "set")
    assert redeem(ticket, f"{cookies.NAME}={token}") == (SimpleCookie(), "arrived")
    assert redeem(ticket) == (SimpleCookie(), "unknown")


def test_invalid_ticket_sets_no_cookie() -> None:
    ticket = cookies.ticket_for(workspaces.new_workspace())
    for guess in ("", "x", ticket[:-1]):
        assert redeem(guess) == (SimpleCookie(), "unknown")
    assert redeem(ticket, method="GET") == (SimpleCookie(), "unknown")


def test_oldest_tickets_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cookies, "_tickets", type(cookies._tickets)())
    monkeypatch.setattr(cookies, "_MOST", 2)
    first, second, third = (cookies.ticket_for(workspaces.new_workspace()) for _ in range(3))
    assert [redeem(ticket)[1] for ticket in (first, second, third)] == ["unknown", "set", "set"]
