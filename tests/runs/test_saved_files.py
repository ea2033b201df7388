"""Files of a workspace are saved by the saving thread, and tried again while the database refuses."""

from __future__ import annotations

import functools
import threading

import pytest

from mnist_core.errors import StoreError
from mnist_core.runs.saver import Saver
from mnist_core.store import files
from tests.scheduled_runs import wait_until

MINUTES = 300.0


def test_newest_content_is_saved(saver: Saver, workspace: str) -> None:
    for content in (b"one", b"two", b"three"):
        saver.save_file(workspace, "drawings", functools.partial(bytes, content))
    assert saver.load_file(workspace, "drawings") == b"three"
    assert saver.wait_until_saved(MINUTES)
    assert saver.store.files.load(workspace, "drawings") == b"three"
    assert saver.load_file(workspace, "drawings") == b"three"


def test_file_that_waits_counts_already(saver: Saver, workspace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    is_open = threading.Event()
    save = saver.store.files.save

    def wait_and_save(*args: object) -> None:
        assert is_open.wait(MINUTES)
        save(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(saver.store.files, "save", wait_and_save)
    saver.save_file(workspace, "drawings", lambda: b"ink")
    assert saver.load_file(workspace, "drawings") == b"ink"
    assert saver.file_names(workspace) == {"drawings"}
    is_open.set()
    assert saver.wait_until_saved(MINUTES)
    assert saver.store.files.names(workspace) == {"drawings"}


def test_refused_file_is_saved_later(saver: Saver, workspace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise StoreError("The disk with the saved runs is full.", "Delete some.")

    with monkeypatch.context() as patch:
        patch.setattr(saver.store.files, "save", refuse)
        saver.save_file(workspace, "drawings", lambda: b"ink")
        wait_until(lambda: "full" in saver.file_trouble(workspace, "drawings"))
    assert saver.wait_until_saved(MINUTES)
    assert saver.store.files.load(workspace, "drawings") == b"ink"
    assert saver.file_trouble(workspace, "drawings") == ""


def test_file_that_is_too_large_is_not_tried_again(
    saver: Saver, workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 4)
    monkeypatch.setattr("mnist_core.runs.saver.MAX_FILE_BYTES", 4)
    made = []

    def make() -> bytes:
        made.append(1)
        return b"12345"

    saver.save_file(workspace, "data", make)
    assert saver.wait_until_saved(MINUTES)
    assert "too large" in saver.file_trouble(workspace, "data")
    assert saver.store.files.names(workspace) == set()
    saver.save_file(workspace, "drawings", lambda: b"ink")
    assert saver.wait_until_saved(MINUTES)
    assert len(made) == 1


def test_file_that_cannot_be_made_does_not_stop_the_thread(
    saver: Saver, workspace: str, caplog: pytest.LogCaptureFixture
) -> None:
    saver.save_file(workspace, "data", lambda: bytes(-1))
    assert saver.wait_until_saved(MINUTES)
    assert "ValueError" in caplog.text
    saver.save_file(workspace, "drawings", lambda: b"ink")
    assert saver.wait_until_saved(MINUTES)
    assert saver.store.files.names(workspace) == {"drawings"}
