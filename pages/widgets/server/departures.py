"""ASGI middleware of `st.App` for browsers that leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.websockets import WebSocketDisconnected

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Departures:
    """Takes a browser that leaves while the server writes to it as what it is, not as a failure.

    Streamlit 1.67 and Starlette 1.10 raise an error then, and the log would get a traceback.

    Args:
        app: answers all requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._app(scope, receive, send)
        except WebSocketDisconnected:
            if scope["type"] != "websocket":
                raise
