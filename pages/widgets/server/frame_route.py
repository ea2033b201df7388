"""Frames of live views over HTTP, without a script run of Streamlit, which costs ten times as much.

`FrameRoute` is ASGI middleware of `st.App`. A page offers a source of frames and sends its address to the browser,
which asks for one frame after the other. The address has a random token, so that strangers cannot guess it.

A frame waits until there is a newer one, but not long: a browser opens only six connections to a server, for all
its tabs. It can also ask for the frame of an earlier moment, and, now or then, for the weights of one unit, and for
what another image does inside the network: a test image, the next one that is misread, or a drawing.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import logging
import secrets
import threading
import time
import weakref
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs

from starlette.responses import Response

from mnist_core.language import speaking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)

ADDRESS = "live-frame"
LONGEST_WAIT_SECONDS, _LOOK_SECONDS = 1.0, 0.05
_MOST_FIGURES = 10


class Source(Protocol):
    """Makes frames. Any thread may call it."""

    def is_newer(self, after: int) -> bool:
        """Whether there is something that version `after` did not have, or nothing more will come."""

    def frame(self, after: int) -> bytes | None:
        """The newest frame, without what version `after` had already; None if there are no more."""

    def moment(self, place: tuple[int, int]) -> bytes | None:
        """The frame of a kept moment, by its epoch and step; None if there is no such moment."""

    def unit(self, layer: int, number: int, place: tuple[int, int] | None) -> bytes | None:
        """The weights of one unit, now or at a kept moment; None if there is no such unit or moment."""

    def image(self, which: int | bytes, place: tuple[int, int] | None) -> bytes | None:
        """What one image does inside the network: a test image by its index, or (28, 28) uint8 as bytes.

        None if there is no such image or moment.
        """

    def mistake(self, after: int, place: tuple[int, int] | None) -> bytes | None:
        """As `image`, of the next test image after this index that is misread."""


_lock = threading.Lock()
_sources: weakref.WeakValueDictionary[str, Source] = weakref.WeakValueDictionary()


def offer(source: Source) -> str:
    """Offer the frames of a source for as long as somebody else holds it. Returns the address, relative to the page."""
    token = secrets.token_urlsafe(16)
    with _lock:
        _sources[token] = source
    return f"{ADDRESS}/{token}"


class FrameRoute:
    """Answers requests for frames: 410 if nobody offers them any more, 404 for what their source does not have.

    Args:
        app: answers all other requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        parts = scope["path"].split("/")[-2:] if scope["type"] == "http" else []
        if parts[:1] != [ADDRESS]:
            await self._app(scope, receive, send)
            return
        status, body = await _answer(parts[1], scope)
        answer = Response(body, status, {"cache-control": "no-store"}, "application/octet-stream")
        await answer(scope, receive, send)


async def _answer(token: str, scope: Scope) -> tuple[int, bytes]:
    if scope["method"] != "GET":
        return 405, b""
    with _lock:
        source = _sources.get(token)
    if source is None:
        return 410, b""
    query = parse_qs(scope["query_string"].decode("latin-1"))
    after = _number(query, "after")
    place = (_number(query, "epoch"), _number(query, "step")) if "epoch" in query else None
    end = time.monotonic() + LONGEST_WAIT_SECONDS
    try:
        asked = _asked(source, query, place)
        if asked is not None:
            found = await asyncio.to_thread(asked)
            return (404, b"") if found is None else (200, found)
        while not source.is_newer(after) and time.monotonic() < end:
            await asyncio.sleep(_LOOK_SECONDS)
        # In a thread: to read the test images takes some milliseconds, and all pages wait for the event loop.
        with speaking(query.get("language", [""])[0]):
            frame = await asyncio.to_thread(source.frame, after)
    except Exception:
        logger.exception("A frame could not be made")
        return 500, b""
    return (410, b"") if frame is None else (200, frame)


def _asked(
    source: Source, query: Mapping[str, list[str]], place: tuple[int, int] | None
) -> Callable[[], bytes | None] | None:
    """What is asked for, unless it is the newest frame."""
    if "unit" in query:
        return functools.partial(source.unit, _number(query, "layer"), _number(query, "unit"), place)
    if "mistake" in query:
        return functools.partial(source.mistake, _number(query, "mistake"), place)
    if "image" in query:
        return functools.partial(source.image, _number(query, "image"), place)
    if "pixels" in query:
        return functools.partial(source.image, _pixels(query["pixels"][0]), place)
    return None if place is None else functools.partial(source.moment, place)


def _pixels(text: str) -> bytes:
    """Bytes in base64 for addresses; nothing if they are not."""
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True)
    except ValueError:
        return b""


def _number(query: Mapping[str, list[str]], name: str) -> int:
    text = query.get(name, [""])[0]
    return int(text) if text.isdecimal() and len(text) < _MOST_FIGURES else 0
