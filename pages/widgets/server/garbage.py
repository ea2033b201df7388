"""Garbage collection at quiet moments.

Streamlit's own collection after every script run and poll is off in `.streamlit/config.toml`: with thirty visitors it
holds the interpreter's lock for 50 ms each time. Python still collects young objects. This module collects old objects
that refer to each other, such as those of visitors who have left. It also gives freed memory back to the system, which
glibc otherwise keeps: with a class of thirty, hundreds of megabytes.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import logging
import sys
import threading
import time
from typing import TYPE_CHECKING

from streamlit import runtime

from mnist_core.runs import scheduler

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 2.0
COLLECT_AFTER, COLLECT_AT_LATEST = 15, 150
"""The number of pauses after which a server collects that is quiet or full, and one that is neither."""
HELD_SECONDS = 30.0
"""How long a full server holds the session of a closed tab, for a browser that has lost its connection."""
_LOOP_SECONDS = 10.0


def start_collecting(is_full: Callable[[], bool]) -> threading.Thread:
    """Freeze all current objects, such as TensorFlow's modules, and collect the others from time to time.

    Args:
        is_full: whether visitors' runs take more memory than they should.
    """
    gc.collect()
    gc.freeze()
    thread = threading.Thread(target=collect_forever, args=(_is_quiet, is_full), name="garbage", daemon=True)
    thread.start()
    return thread


def collect_forever(
    is_quiet: Callable[[], bool], is_full: Callable[[], bool], wait: Callable[[float], object] = time.sleep
) -> None:
    """Collect when the server `is_quiet` or `is_full`, and give back freed memory after each pause when not quiet."""
    pauses = 0
    while True:
        wait(PAUSE_SECONDS)
        pauses += 1
        try:
            is_busy, is_short = not is_quiet(), is_full()
            is_due = pauses >= (COLLECT_AT_LATEST if is_busy and not is_short else COLLECT_AFTER)
            if is_due:
                pauses = 0
                forget_sessions(HELD_SECONDS if is_short else None)
                gc.collect()
            if is_due or is_busy:  # Saving an epoch takes much memory for a moment. Costs 10 ms.
                return_memory()
        except Exception:
            logger.exception("Garbage could not be collected")  # The thread must survive it, or memory grows for good.


def forget_sessions(held_seconds: float | None = None) -> None:
    """Drop the sessions of tabs that were closed longer than `held_seconds` ago.

    Streamlit itself drops them only when another tab is closed, so a class that has left would stay in memory.

    Args:
        held_seconds: None for `server.disconnectedSessionTTL`.
    """
    if not runtime.exists():
        return
    instance = runtime.get_instance()
    loop = instance._get_async_objs().eventloop
    if loop.is_closed():  # The server ends.
        return
    sessions = instance._session_mgr._session_storage._cache  # type: ignore[attr-defined]
    is_done = threading.Event()

    def drop_old() -> None:
        held = sessions.ttl if held_seconds is None else min(held_seconds, sessions.ttl)
        sessions.expire(sessions.timer() + sessions.ttl - held)
        is_done.set()

    loop.call_soon_threadsafe(drop_old)
    is_done.wait(_LOOP_SECONDS)


def return_memory() -> None:
    """Give freed memory back to the system. Only glibc on Linux needs it, and offers it."""
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    if sys.platform != "linux":
        return None
    # Other C libraries, such as musl, do not have this function.
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


def _is_quiet() -> bool:
    return scheduler.shared().active_runs == 0
