"""Garbage collection while the server is quiet."""

from __future__ import annotations

import asyncio
import gc
import resource
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit import config, runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.runtime import AsyncObjects, Runtime
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

from pages.widgets.server import garbage


class Visitor:
    def __init__(self) -> None:
        self.itself = self


class Session:
    id = "closed"


class EndedError(Exception):
    pass


@pytest.fixture
def no_other_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def pauses(count: int) -> Callable[[float], None]:
    """Return a wait that takes no time and ends the loop after `count` calls."""
    left = iter(range(count))

    def wait(seconds: float) -> None:
        assert seconds == garbage.PAUSE_SECONDS
        if next(left, None) is None:
            raise EndedError

    return wait


def collected_after(count: int, is_quiet: bool, is_full: bool) -> bool:
    left = weakref.ref(Visitor())
    with pytest.raises(EndedError):
        garbage.collect_forever(lambda: is_quiet, lambda: is_full, pauses(count))
    return left() is None


@pytest.mark.usefixtures("no_other_collection")
@pytest.mark.parametrize(
    ("count", "is_quiet", "is_full", "is_collected"),
    [
        (14, True, False, False),
        (15, True, False, True),
        (14, False, True, False),
        (15, False, True, True),
        (149, False, False, False),
        (150, False, False, True),
    ],
)
def test_garbage_is_collected_when_quiet_or_full_or_overdue(
    count: int, is_quiet: bool, is_full: bool, is_collected: bool
) -> None:
    assert collected_after(count, is_quiet, is_full) == is_collected


@pytest.mark.parametrize("is_full", [False, True])
def test_full_server_holds_closed_tabs_for_a_shorter_time(is_full: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[float | None] = []
    monkeypatch.setattr(garbage, "forget_sessions", held.append)
    with pytest.raises(EndedError):
        garbage.collect_forever(lambda: True, lambda: is_full, pauses(garbage.COLLECT_AFTER))
    assert held == [garbage.HELD_SECONDS if is_full else None]


def test_collecting_goes_on_after_an_error(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    calls = []

    def failing(held_seconds: float | None) -> None:
        calls.append(True)
        raise RuntimeError("No sessions.")

    monkeypatch.setattr(garbage, "forget_sessions", failing)
    with pytest.raises(EndedError):
        garbage.collect_forever(lambda: True, lambda: False, pauses(2 * garbage.COLLECT_AFTER))
    assert len(calls) == 2
    assert "No sessions." in caplog.text


@pytest.mark.parametrize(("is_quiet", "times"), [(False, 3), (True, 0)])
def test_freed_memory_is_given_back_during_training(
    is_quiet: bool, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(garbage, "return_memory", lambda: calls.append(True))
    with pytest.raises(EndedError):
        garbage.collect_forever(lambda: is_quiet, lambda: False, pauses(3))
    assert len(calls) == times


def test_streamlit_does_not_collect_after_each_script_run() -> None:
    assert config.get_option("runner.postScriptGC") is False


@pytest.mark.skipif(garbage._malloc_trim() is None, reason="Only glibc keeps freed memory and can give it back.")
def test_freed_memory_goes_back_to_the_system() -> None:
    blocks = [np.ones(2**16, np.uint8) for _ in range(2_000)]
    last = blocks[-1]  # Above the freed blocks, so that the heap cannot shrink by itself.
    full = resident_bytes()
    del blocks
    garbage.return_memory()
    assert full - resident_bytes() > 0.9 * 2_000 * 2**16
    assert last.all()


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize(("held_seconds", "is_held_until"), [(None, 120), (30.0, 30), (300.0, 120)])
def test_sessions_of_closed_tabs_are_dropped(
    held_seconds: float | None, is_held_until: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    storage = MemorySessionStorage(ttl_seconds=120)
    storage._cache._timer = lambda: now  # type: ignore[attr-defined]
    session = Session()
    storage.save(SimpleNamespace(session=session))  # type: ignore[arg-type]
    left = weakref.ref(session)
    del session
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = SimpleNamespace(
        _session_mgr=SimpleNamespace(_session_storage=storage),
        _get_async_objs=lambda: SimpleNamespace(eventloop=loop),
    )
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", lambda: server)
    now = is_held_until - 1.0
    garbage.forget_sessions(held_seconds)
    assert left() is not None
    now = is_held_until + 1.0
    assert left() is not None  # Streamlit itself holds it until another tab is closed.
    garbage.forget_sessions(held_seconds)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    assert left() is None
    garbage.forget_sessions(held_seconds)  # The server has ended.


def test_streamlit_still_has_what_is_used_here() -> None:
    """Private parts of Streamlit, of which a new version may rename one."""
    assert list(Runtime._get_async_objs.__annotations__) == ["return"]
    assert "eventloop" in AsyncObjects._fields
    assert WebsocketSessionManager(MemorySessionStorage(), None, None, None)._session_storage is not None  # type: ignore[arg-type]
