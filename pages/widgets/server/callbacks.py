"""Presses that are carried out, even if the browser asks for its page again at once.

When the browser asks again, Streamlit ends the script at its next element or use of the session's state. That can be
before the press that the script was started for has reached its callback, or in the middle of the callback, or before
the script has reached `if st.button(...)`. The browser sends a press once, so it would be lost.

For the same reason `runner.fastReruns` is off in `.streamlit/config.toml`. With it Streamlit replaces a script that has
not begun by the next one, with its press, and two scripts of one session can run at once.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from streamlit.runtime.scriptrunner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests, ScriptRequestType
from streamlit.runtime.state import SafeSessionState

if TYPE_CHECKING:
    from streamlit.proto.WidgetStates_pb2 import WidgetStates

_ask = ScriptRequests.request_rerun
_check = ScriptRunner._maybe_handle_execution_control_request
_take = SafeSessionState.on_script_will_rerun
_script = threading.local()


def finish() -> None:
    """Make scripts of this process carry out what the browser sent before they end for the next one.

    A script takes the values of all controls and calls their callbacks; if a button without a callback was pressed, it
    runs to its end, or until it asks for a page itself, with `st.rerun` or `st.switch_page`.
    """
    ScriptRequests.request_rerun = _ask_again  # type: ignore[method-assign]
    ScriptRunner._maybe_handle_execution_control_request = _check_later  # type: ignore[method-assign]
    SafeSessionState.on_script_will_rerun = _take_whole  # type: ignore[method-assign, assignment]


def _ask_again(self: ScriptRequests, new_data: RerunData) -> bool:
    _script.is_pressed = False  # Of this thread: that of the script, or another one that has no script.
    return _ask(self, new_data)


def _check_later(self: ScriptRunner) -> None:
    if getattr(_script, "is_taking", False):  # Streamlit checks again after the last callback.
        return
    # A session that ends has nobody left to see what the press does.
    if getattr(_script, "is_pressed", False) and self._requests._state is not ScriptRequestType.STOP:
        return
    _check(self)


def _take_whole(self: SafeSessionState, sent: WidgetStates | None, *args: Any, **kwargs: Any) -> None:
    _script.is_taking = True
    _script.is_pressed = sent is not None and any(
        one.trigger_value and not _has_callback(self, one.id) for one in sent.widgets
    )
    try:
        _take(self, sent, *args, **kwargs)
    finally:
        _script.is_taking = False


def _has_callback(state: SafeSessionState, widget: str) -> bool:
    known = state._state._new_widget_state.widget_metadata.get(widget)
    return known is not None and known.callback is not None
