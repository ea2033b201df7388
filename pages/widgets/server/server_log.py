"""Limits what one session can make Streamlit write to the server's log.

Someone who sends forged values for controls causes a traceback with each message. The first few are useful; the others
would only fill the disk.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from streamlit.runtime.scriptrunner import get_script_run_ctx

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 3
SECONDS = 600.0
_MOST_SESSIONS = 10_000
# The loggers that write errors caused by a browser's messages.
_LOGGERS = (
    "streamlit.error_util",
    "streamlit.runtime.app_session",
    "streamlit.runtime.fragment",
    "streamlit.runtime.runtime",
    "streamlit.runtime.scriptrunner.script_runner",
    "streamlit.runtime.state.session_state",
    "streamlit.web.server.starlette.starlette_websocket",
    "uvicorn.error",
)


def session_id() -> str:
    """The id of the session whose script runs in this thread; empty outside of scripts."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context else ""


class PerSession(logging.Filter):
    """Passes the first warnings and errors of each session, then one line that says so, then none for a while.

    Records outside of scripts, such as those of an unreadable message, count as one session.

    Args:
        most: how many records pass.
        seconds: how long the limit lasts, from the first record.
        clock: returns the time in seconds.
        session: returns the id of this thread's session.
    """

    def __init__(
        self,
        most: int = MOST,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
        session: Callable[[], str] = session_id,
    ) -> None:
        super().__init__()
        self._most, self._seconds, self._clock, self._session = most, seconds, clock, session
        self._lock = threading.Lock()
        # The number of records, and the time of the first.
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write a record. The last one of a session becomes a line without a traceback."""
        if record.levelno < logging.WARNING:
            return True
        name, now = self._session(), self._clock()
        with self._lock:
            count, began = self._counts.get(name, (0, now))
            if now - began >= self._seconds:
                count, began = 0, now
            self._counts[name] = (count + 1, began)
            self._counts.move_to_end(name)
            if len(self._counts) > _MOST_SESSIONS:
                self._counts.popitem(last=False)
        if count == self._most:
            record.msg = "Session %s has caused %d warnings and errors; its next ones are left out for %d minutes."
            record.args = (name or "(none)", count, round((self._seconds - (now - began)) / 60))
            record.exc_info = record.exc_text = record.stack_info = None
        return count <= self._most


def limit() -> None:
    """Limit from now on what each session can make Streamlit write."""
    one = PerSession()
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(one)
