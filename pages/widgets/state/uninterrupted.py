"""Do something that a rerun of the page must not interrupt halfway."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def uninterrupted(action: Callable[[], T]) -> T:
    """Return what `action` returns, or raise what it raises. Not for callbacks, which hold the session's lock.

    When the browser asks for the page again, Streamlit ends the script at its next use of the session state. A press
    that was taken, but not carried out, would be lost. It does so in the script's own thread only, so the action runs
    in another one, with the same session.
    """
    context = get_script_run_ctx()
    with ThreadPoolExecutor(
        1, "uninterrupted", initializer=lambda: add_script_run_ctx(threading.current_thread(), context)
    ) as thread:
        return thread.submit(action).result()
