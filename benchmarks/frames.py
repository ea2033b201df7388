"""Asks for the frames of the live panel, as the panel's script in the browser does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from benchmarks.page_files import cookie_header

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FIRST_WAIT, _LONGEST_WAIT, _PATIENCE = 0.5, 8.0, 20.0


def unpacked(data: bytes) -> dict[str, Any]:
    """The header and the arrays of a scene or a frame, by name; see `live_frame.pack`."""
    size = int.from_bytes(data[:4], "little")
    found: dict[str, Any] = json.loads(data[4 : 4 + size])
    for name, (kind, shape, start) in found.pop("arrays").items():
        found[name] = np.frombuffer(data, kind, math.prod(shape), 4 + size + start).reshape(shape)
    return found


@dataclass(eq=False)
class Follower:
    """Follows one run after the other.

    Args:
        server: the server's address.
        cookies: the browser's. With several servers they say which one the run is on.
        on_frame: called with each frame.
        ask_for_page: called with the new state of the run if the page is outdated.

    Attributes:
        times: how long each answer took, in seconds.
        errors: what went wrong, other than that the server does not know a run any more.
    """

    server: str
    cookies: Mapping[str, str]
    on_frame: Callable[[dict[str, Any]], None]
    ask_for_page: Callable[[str], None]
    times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _address: str = ""
    _page: str = ""
    _version: int = 0
    _asked: tuple[str, float] = ("", -_LONGEST_WAIT)
    _task: asyncio.Task[None] | None = None
    _is_awaited: bool = False

    def follow(self, scene: bytes) -> None:
        """Follow the run of a scene."""
        found = unpacked(scene)
        if found["address"] != self._address:
            self._version = 0
        self._address, self._page = found["address"], found["page"]
        self._asked = ("", -_LONGEST_WAIT)
        self._is_awaited = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def leave(self) -> None:
        """The panel is gone from the page: ask for no more frames."""
        self._address = ""

    async def stop(self) -> None:
        """Close the connection too."""
        self.leave()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        connection = _Connection(self.server, self.cookies)
        wait = _FIRST_WAIT
        try:
            while self._address and self._is_awaited:
                frame = await self._next(connection)
                wait = _FIRST_WAIT if frame else min(2 * wait, _LONGEST_WAIT)
                await asyncio.sleep(frame["restSeconds"] if frame else wait)
        finally:
            connection.close()

    async def _next(self, connection: _Connection) -> dict[str, Any] | None:
        address, began = self._address, time.perf_counter()
        try:
            status, body = await asyncio.wait_for(connection.get(f"{address}?after={self._version}"), _PATIENCE)
        except (OSError, EOFError, TimeoutError) as error:
            connection.close()
            self.errors.append(f"A frame did not come: {error!r}")
            return None
        self.times.append(time.perf_counter() - began)
        if status == 410:
            self._ask("unknown")
        elif status != 200:
            self.errors.append(f"A frame was answered with status {status}.")
        if status != 200:
            return None
        frame = unpacked(body)
        if address == self._address:
            self._version = frame["version"]
            self.on_frame(frame)
            if frame["page"] != self._page:
                self._ask(frame["page"])
            else:
                self._is_awaited = frame["isActive"]
        return frame

    def _ask(self, page: str) -> None:
        if self._asked[0] != page or time.perf_counter() - self._asked[1] >= _LONGEST_WAIT:
            self._asked = (page, time.perf_counter())
            self.ask_for_page(page)


class _Connection:
    """One connection to the server, opened again when the server has closed it."""

    def __init__(self, server: str, cookies: Mapping[str, str]) -> None:
        self._host, self._cookies = urlsplit(server), cookies
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        if self._streams is None or self._streams[0].at_eof():
            self.close()
            self._streams = await asyncio.open_connection(self._host.hostname, self._host.port)
        reader, writer = self._streams
        cookies = cookie_header(self._cookies)
        writer.write(f"GET /{path} HTTP/1.1\r\nHost: {self._host.netloc}\r\nCookie: {cookies}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        lengths = [line.partition(":")[2] for line in head if line.lower().startswith("content-length:")]
        return int(head[0].split()[1]), await reader.readexactly(int(lengths[0]))

    def close(self) -> None:
        """Close it."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None
