"""A proxy for pages and websockets that drops unknown cookies, as some hosts do."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

KNOWN = ("_streamlit",)
"""Prefixes of the cookies that it passes on."""
FRAME = "/a-frame-around-it"
"""At this path the proxy shows the playground in a frame, as another site would: the page of the path after it."""


@contextlib.contextmanager
def running(port: int) -> Iterator[int]:
    """Run a proxy in front of a local server; yield its own port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxy")
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(_listen(port), loop).result()
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            asyncio.run_coroutine_threadsafe(_end(server), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _listen(port: int) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled at the end, which asyncio would otherwise report.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await _pass_on(port, reader, writer)
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _pass_on(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on one request, and then all data in both directions until one side closes the connection."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    path = first.split(" ")[1]
    if path.startswith(FRAME):
        inside = path.removeprefix(FRAME) or "/"
        host = f"127.0.0.1:{writer.get_extra_info('sockname')[1]}"
        page = (
            f"<!doctype html><title>A frame</title><iframe src='http://{host}{inside}' width=900 height=900></iframe>"
        )
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\nConnection: close\r\n\r\n"
        writer.write((head + page).encode())
        await writer.drain()
        return
    is_websocket = any(name.lower() == "upgrade" for name, _ in headers)
    passed = [first]
    for name, value in headers:
        if name.lower() == "cookie":
            known = [cookie for cookie in value.split("; ") if cookie.startswith(KNOWN)]
            passed += [f"{name}: {'; '.join(known)}"] if known else []
        elif is_websocket or name.lower() != "connection":
            passed.append(f"{name}: {value}")
    if not is_websocket:
        passed.append("Connection: close")  # Each request has its own connection.
    server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
    server_writer.write("\r\n".join([*passed, "", ""]).encode("latin-1"))
    try:
        await asyncio.gather(_copy(reader, server_writer), _copy(server_reader, writer))
    finally:
        server_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()
