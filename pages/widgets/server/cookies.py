"""The cookie that holds a browser's workspace. The server sets it, and no script can read it.

`WorkspaceCookie` is ASGI middleware of `st.App`, which `streamlit run app.py` finds in app.py. It gives each browser a
workspace with its first page. When a session changes its workspace, for example with a recovery code, it gives the
browser a ticket. The page sends the ticket to `ADDRESS` and gets the new cookie. The token never reaches JavaScript.
Only the server that made a ticket knows it, so several servers behind one address need sticky sessions.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse

from mnist_core.store import workspaces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAME = "mnist_playground"
READABLE_NAME = "mnist_playground_workspace"
"""Set by JavaScript where the server's own cookie does not come back, and by earlier versions."""
SECONDS = 365 * 86_400
ADDRESS = "workspace-cookie"
_TICKET_HEADER = "x-workspace-ticket"
# How many tickets and new workspaces are remembered; the oldest are dropped.
_MOST = 10_000

_lock = threading.Lock()
_tickets: OrderedDict[str, str] = OrderedDict()
_unused: OrderedDict[str, None] = OrderedDict()
_served = threading.Event()


def is_served() -> bool:
    """Whether this server sets cookies. Page tests have no server."""
    return _served.is_set()


def found_in(sent: Mapping[str, str]) -> str | None:
    """The workspace token in a browser's cookies."""
    for name in (NAME, READABLE_NAME):
        token = sent.get(name)
        # Without a server, as in page tests, this is another type.
        if isinstance(token, str) and workspaces.is_workspace(token):
            return token
    return None


def new_workspace() -> str:
    """The token of a new workspace, in which nothing is stored yet."""
    token = workspaces.new_workspace()
    with _lock:
        _put(_unused, token)
    return token


def is_unused(token: str) -> bool:
    """Whether a workspace is known to be new, with nothing saved in it yet."""
    with _lock:
        return token in _unused


def mark_used(token: str) -> None:
    """Remember that something is saved in a workspace."""
    with _lock:
        _unused.pop(token, None)


def ticket_for(token: str) -> str:
    """A ticket that a page can exchange once for the cookie of a workspace."""
    ticket = secrets.token_urlsafe()
    with _lock:
        _put(_tickets, ticket, token)
    return ticket


class WorkspaceCookie:
    """Sets the workspace's cookie: HttpOnly, SameSite=Lax, and Secure over https.

    Args:
        app: answers all requests except those to `ADDRESS`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        _served.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["path"].rpartition("/")[2] == ADDRESS:
            await _redeem(scope, headers)(scope, receive, send)
            return
        # A page, not one of its files: every visit renews the cookie.
        cookies = _cookies(scope, headers) if "text/html" in headers.get("accept", "") else []

        async def send_with_cookies(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                # A proxy's cache must not give one browser's cookie to another.
                answered["cache-control"] = "private, no-cache"
                for cookie in cookies:
                    answered.append("set-cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookies if cookies else send)


def _cookies(scope: Scope, headers: Headers) -> list[str]:
    """The cookies that a page sets: that of the browser's workspace, or of a new one."""
    sent = cookie_parser(headers.get("cookie", ""))
    found = [_cookie(NAME, found_in(sent) or new_workspace(), scope, headers)]
    if (
        NAME in sent and READABLE_NAME in sent
    ):  # The server's cookie has arrived, so the readable one is no longer needed.
        found.append(_cookie(READABLE_NAME, "", scope, headers))
    return found


def _redeem(scope: Scope, headers: Headers) -> JSONResponse:
    """Exchange a ticket for its cookie; asked again with that cookie, say that it has arrived.

    The ticket comes in a header of its own, which the pages of other sites cannot send.
    """
    ticket, state = headers.get(_TICKET_HEADER, ""), "unknown"
    with _lock:
        token = _tickets.get(ticket) if scope["method"] == "POST" else None
        if token is not None and cookie_parser(headers.get("cookie", "")).get(NAME) == token:
            del _tickets[ticket]
            state = "arrived"
        elif token is not None:
            state = "set"
    answer = JSONResponse({"state": state}, headers={"cache-control": "no-store"})
    if token is not None and state == "set":
        answer.headers["set-cookie"] = _cookie(NAME, token, scope, headers)
    return answer


def _cookie(name: str, token: str, scope: Scope, headers: Headers) -> str:
    """What a header says to set a cookie, or to delete it if the token is empty."""
    forwarded = headers.get("x-forwarded-proto", "").partition(",")[0].strip()
    secure = "; Secure" if "https" in (scope.get("scheme"), forwarded) else ""
    seconds = SECONDS if token else 0
    return f"{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def _put(found: OrderedDict[str, Any], name: str, value: object = None) -> None:
    found[name] = value
    if len(found) > _MOST:
        found.popitem(last=False)
