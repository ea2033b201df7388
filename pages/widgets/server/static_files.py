"""Streamlit's own files, kept in memory and packed once for all browsers.

A page's first load takes about a hundred files, 3 MB. Streamlit sends them unpacked, and reads each from the disk in
pieces, every piece in a thread: when a class arrives, that is most of what the server does.
"""

from __future__ import annotations

import asyncio
import gzip
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response
from streamlit import file_util

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_FOLDER = "static"
# Fonts are packed already.
_PACKED = (".js", ".css")
_KINDS = (*_PACKED, ".woff2")
# Their names change with their content.
_FOR_A_YEAR = "public, immutable, max-age=31536000"


class StaticFiles:
    """Answers requests for Streamlit's scripts, styles and fonts; at most as much memory as they have on the disk.

    Args:
        app: answers all other requests, such as those of browsers that cannot unpack.
        folder: the folder with the files, with the same names as in their addresses.
    """

    def __init__(self, app: ASGIApp, folder: Path | None = None) -> None:
        self._app = app
        folder = Path(file_util.get_static_dir()) / _FOLDER if folder is None else folder
        # Only these names are known, so no address leads out of the folder.
        self._files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.suffix in _KINDS}
        self._read: dict[Path, asyncio.Task[Response]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = await self._answer(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        await (answer or self._app)(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response | None:
        path = self._files.get(scope["path"].rpartition(f"/{_FOLDER}/")[2])
        if path is None:
            return None
        headers = dict(scope["headers"])
        if b"range" in headers or (path.suffix in _PACKED and b"gzip" not in headers.get(b"accept-encoding", b"")):
            return None
        if path not in self._read:  # Browsers that ask meanwhile wait for the same answer.
            self._read[path] = asyncio.create_task(asyncio.to_thread(_read, path))
        try:
            return await asyncio.shield(self._read[path])
        except OSError:
            return None  # Streamlit says what is wrong.


def _read(path: Path) -> Response:
    """The answer with a file of the folder. Raises `OSError` if it cannot be read."""
    content, headers = path.read_bytes(), {"cache-control": _FOR_A_YEAR}
    if path.suffix in _PACKED:
        content = gzip.compress(content, mtime=0)
        headers |= {"content-encoding": "gzip", "vary": "Accept-Encoding"}
    return Response(content, headers=headers, media_type=mimetypes.guess_type(path.name)[0])
