"""Streamlit's own files as a browser gets them, compared with the files on the disk."""

from __future__ import annotations

import asyncio
import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from streamlit import file_util

from pages.widgets.server.static_files import StaticFiles
from tests import coroutines

if TYPE_CHECKING:
    from collections.abc import Sequence

STATIC = Path(file_util.get_static_dir())
NAMED = sorted(set(re.findall(r'(?:src|href)="\./(static/[^"]+)"', (STATIC / "index.html").read_text())))
GZIP = {b"accept-encoding": b"gzip, deflate, br"}


async def streamlit(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"Streamlit's"})


async def get(
    files: StaticFiles, path: str, headers: dict[bytes, bytes], method: str = "GET", kind: str = "http"
) -> tuple[bytes, dict[bytes, bytes]]:
    """The body and the headers of an answer."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": kind, "path": path, "method": method, "headers": list(headers.items())}
    await files(scope, None, send)  # type: ignore[arg-type]
    return sent[1]["body"], dict(sent[0]["headers"])


def ask(
    path: str, headers: dict[bytes, bytes] = GZIP, method: str = "GET", kind: str = "http", folder: Path | None = None
) -> tuple[bytes, dict[bytes, bytes]]:
    return coroutines.run(get(StaticFiles(streamlit, folder), path, headers, method, kind))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "a.js").write_text("let a = 1;" * 1000)
    (tmp_path / "font.woff2").write_bytes(b"wOF2" * 100)
    (tmp_path / "notes.txt").write_text("Notes.")
    (tmp_path.parent / "secret.js").write_text("secret")
    return tmp_path


def test_page_names_scripts_styles_and_fonts() -> None:
    assert {Path(name).suffix for name in NAMED} == {".js", ".css", ".woff2"}


@pytest.mark.parametrize("name", NAMED)
def test_file_that_the_page_names_is_the_one_on_the_disk(name: str) -> None:
    body, headers = ask(f"/{name}")
    is_packed = headers.get(b"content-encoding") == b"gzip"
    assert is_packed == (not name.endswith(".woff2"))
    assert (gzip.decompress(body) if is_packed else body) == (STATIC / name).read_bytes()
    assert int(headers[b"content-length"]) == len(body)
    assert headers[b"cache-control"] == b"public, immutable, max-age=31536000"
    assert (b"vary" in headers) == is_packed


@pytest.mark.parametrize(
    ("name", "kind"), [("js/a.js", ("text/javascript", "application/javascript")), ("font.woff2", ("font/woff2",))]
)
def test_kind_of_a_file(name: str, kind: Sequence[str], folder: Path) -> None:
    _body, headers = ask(f"/static/{name}", folder=folder)
    assert headers[b"content-type"].decode().partition(";")[0] in kind


@pytest.mark.parametrize("prefix", ["/base", "/~/+"])
def test_file_below_any_address_of_the_server(prefix: str, folder: Path) -> None:
    assert gzip.decompress(ask(f"{prefix}/static/js/a.js", folder=folder)[0]).startswith(b"let a")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/static/js/a.js", {}),
        ("/static/js/a.js", {b"accept-encoding": b"identity"}),
        ("/static/js/a.js", {**GZIP, b"range": b"bytes=0-9"}),
        ("/static/font.woff2", {b"range": b"bytes=0-9"}),
        ("/static/js/b.js", GZIP),
        ("/static/notes.txt", GZIP),
        ("/static/../secret.js", GZIP),
        ("/static/js", GZIP),
        ("/static/", GZIP),
        ("/js/a.js", GZIP),
        ("/", GZIP),
    ],
)
def test_other_requests_go_to_streamlit(path: str, headers: dict[bytes, bytes], folder: Path) -> None:
    assert ask(path, headers, folder=folder)[0] == b"Streamlit's"


def test_only_files_that_are_asked_for_are_answered(folder: Path) -> None:
    assert ask("/static/js/a.js", method="POST", folder=folder)[0] == b"Streamlit's"
    assert ask("/static/js/a.js", kind="websocket", folder=folder)[0] == b"Streamlit's"


def test_font_needs_no_packing(folder: Path) -> None:
    assert ask("/static/font.woff2", {}, folder=folder)[0] == b"wOF2" * 100


def test_file_is_read_once_for_all_browsers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, count = Path.read_bytes, []

    def counted(path: Path) -> bytes:
        count.append(path)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    files = StaticFiles(streamlit, folder)

    async def visit() -> list[tuple[bytes, dict[bytes, bytes]]]:
        together = await asyncio.gather(*(get(files, "/static/js/a.js", GZIP) for _ in range(5)))
        return [*together, await get(files, "/static/js/a.js", GZIP)]

    answers = coroutines.run(visit())
    assert {gzip.decompress(body) for body, _headers in answers} == {b"let a = 1;" * 1000}
    assert count == [folder / "js" / "a.js"]


def test_file_that_cannot_be_read_is_left_to_streamlit(folder: Path) -> None:
    files = StaticFiles(streamlit, folder)
    (folder / "js" / "a.js").unlink()
    assert coroutines.run(get(files, "/static/js/a.js", GZIP))[0] == b"Streamlit's"
