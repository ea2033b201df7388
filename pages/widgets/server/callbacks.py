"""Presses that are carried out, even if the browser asks for its page again at once.

When the browser asks again, Streamlit ends the script at its next use of the session's state. That can be before the
press that the script was started for has reached its callback, or in the middle of the callback. The browser sends a
press once, so it would be lost.

For the same reason `runner.fastReruns` is off in `.streamlit/config.toml`. With it Streamlit replaces a script that has
not begun by the next one, with its press, and two scripts of one session can run at once.
"""

from __future__ import annotations

import threading
from typing import Any

from streamlit.runtime.scriptrunner import ScriptRunner
from streamlit.runtime.state import SafeSessionState

_check = ScriptRunner._maybe_handle_execution_control_request
_take = SafeSessionState.on_script_will_rerun
_taking = threading.local()


def finish() -> None:
    """Make scripts of this process take what the browser sent, callbacks included, before they end for the next one."""
    ScriptRunner._maybe_handle_execution_control_request = _check_later  # type: ignore[method-assign]
    SafeSessionState.on_script_will_rerun = _take_whole  # type: ignore[method-assign]


def _check_later(self: ScriptRunner) -> None:
    if not getattr(_taking, "now", False):  # Streamlit checks again after the last callback.
        _check(self)


def _take_whole(self: SafeSessionState, *args: Any, **kwargs: Any) -> None:
    _taking.now = True
    try:
        _take(self, *args, **kwargs)
    finally:
        _taking.now = False
