"""A browser that leaves is no failure of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from pages.widgets.server.departures import Departures
from tests import coroutines

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


async def _gone(message: Any) -> None:
    if message["type"] == "websocket.send":
        raise OSError


async def _connect() -> dict[str, Any]:
    return {"type": "websocket.connect"}


def test_browser_that_leaves_during_an_answer_is_no_failure() -> None:
    seen: list[Exception] = []

    async def streamlit(scope: Scope, receive: Receive, send: Send) -> None:
        """What Streamlit does: a failed answer ends nothing, and the next message is awaited."""
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        try:
            await socket.send_bytes(b"answer")
        except WebSocketDisconnect as error:
            seen.append(error)
        try:
            await socket.receive_bytes()
        except RuntimeError as error:
            seen.append(error)
            await socket.close()

    coroutines.run(Departures(streamlit)({"type": "websocket"}, _connect, _gone))
    assert len(seen) == 2


@pytest.mark.parametrize(("kind", "error"), [("websocket", RuntimeError), ("http", WebSocketDisconnected)])
def test_other_failures_are_raised(kind: str, error: type[Exception]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    with pytest.raises(error):
        coroutines.run(Departures(app)({"type": kind}, _connect, _gone))
