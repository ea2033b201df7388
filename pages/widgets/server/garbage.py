"""Garbage collection at quiet moments.

Streamlit's own collection after every script run and poll is off in `.streamlit/config.toml`: with thirty visitors it
holds the interpreter's lock for 50 ms each time. Python still collects young objects. This module collects old objects
that refer to each other, such as those of visitors who have left. Then it gives freed memory back to the system, which
glibc otherwise keeps: after a class of thirty, hundreds of megabytes.
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

PAUSE_SECONDS = 30.0
MOST_POSTPONED = 9
"""A server that is never quiet still collects after every tenth pause."""
_LOOP_SECONDS = 10.0


def start_collecting() -> threading.Thread:
    """Freeze all current objects, such as TensorFlow's modules, and collect the others from time to time."""
    gc.collect()
    gc.freeze()
    thread = threading.Thread(target=collect_forever, args=(_is_quiet,), name="garbage", daemon=True)
    thread.start()
    return thread


def collect_forever(is_quiet: Callable[[], bool], wait: Callable[[float], object] = time.sleep) -> None:
    """Collect after each pause if `is_quiet`, otherwise at the next quiet one, at the latest after `MOST_POSTPONED`."""
    postponed = 0
    while True:
        wait(PAUSE_SECONDS)
        if is_quiet() or postponed >= MOST_POSTPONED:
            _collect()
            postponed = 0
        else:
            postponed += 1


def _collect() -> None:
    try:
        forget_sessions()
        gc.collect()
        return_memory()
    except Exception:
        logger.exception("Garbage could not be collected")  # The thread must survive it, or memory grows for good.


def forget_sessions() -> None:
    """Drop the sessions of tabs that were closed longer than `server.disconnectedSessionTTL` ago.

    Streamlit itself drops them only when another tab is closed, so a class that has left would stay in memory.
    """
    if not runtime.exists():
        return
    instance = runtime.get_instance()
    sessions = instance._session_mgr._session_storage._cache  # type: ignore[attr-defined]
    is_done = threading.Event()

    def drop_expired() -> None:
        len(sessions)  # This drops the expired ones; iterating over them does not.
        is_done.set()

    instance._get_async_objs().eventloop.call_soon_threadsafe(drop_expired)
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
