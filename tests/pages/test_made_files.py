"""A class in which many scripts end between a press on a download button and the browser's question for the file."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from pages.widgets.server import made_files

if TYPE_CHECKING:
    from collections.abc import Callable

MAKE = made_files._make


@pytest.fixture
def storage() -> MemoryMediaFileStorage:
    return MemoryMediaFileStorage("/media")


@pytest.fixture
def manager(storage: MemoryMediaFileStorage, monkeypatch: pytest.MonkeyPatch) -> MediaFileManager:
    monkeypatch.setattr(MediaFileManager, "execute_deferred", MAKE)
    return MediaFileManager(storage)


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What timers would do after the files' time."""
    waiting: list[Callable[[], None]] = []

    class Timer:
        def __init__(self, seconds: float, action: Callable[..., None], values: tuple[object, ...]) -> None:
            assert seconds == made_files.KEPT_SECONDS
            waiting.append(lambda: action(*values))

        def start(self) -> None:
            pass

    monkeypatch.setattr(threading, "Timer", Timer)
    return waiting


def end_scripts(manager: MediaFileManager, count: int = 3) -> None:
    for _ in range(count):
        manager.remove_orphaned_files()


def made(storage: MemoryMediaFileStorage, address: str) -> bytes:
    return storage.get_file(address.removeprefix("/media/")).content


def test_file_stays_while_other_scripts_end(
    manager: MediaFileManager, storage: MemoryMediaFileStorage, releases: list[Callable[[], None]]
) -> None:
    made_files.keep()
    button = manager.add_deferred(lambda: "votes", "text/html", "1.2", "class.html")
    address = manager.execute_deferred(button)
    again = manager.execute_deferred(button)
    assert again == address
    end_scripts(manager, 60)
    assert made(storage, address) == b"votes"
    releases[0]()
    end_scripts(manager)
    assert made(storage, address) == b"votes"  # It was made a second time.
    releases[1]()
    end_scripts(manager)
    with pytest.raises(MediaFileStorageError):
        made(storage, address)


def test_file_that_is_deleted_before_it_can_be_kept_is_made_again(
    manager: MediaFileManager,
    storage: MemoryMediaFileStorage,
    releases: list[Callable[[], None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy = iter([True, True, False])

    def make(self: MediaFileManager, file_id: str) -> str:
        address = MAKE(self, file_id)
        if next(busy):
            end_scripts(self)
        return address

    monkeypatch.setattr(made_files, "_make", make)
    made_files.keep()
    address = manager.execute_deferred(manager.add_deferred(lambda: b"votes", None, "1.2"))
    end_scripts(manager)
    assert made(storage, address) == b"votes"
    assert len(releases) == 1


def test_streamlit_still_deletes_it_without(manager: MediaFileManager, storage: MemoryMediaFileStorage) -> None:
    """When this fails, a newer Streamlit keeps such files and `made_files` can go."""
    address = manager.execute_deferred(manager.add_deferred(lambda: b"votes", "text/html", "1.2"))
    end_scripts(manager)
    with pytest.raises(MediaFileStorageError):
        made(storage, address)
