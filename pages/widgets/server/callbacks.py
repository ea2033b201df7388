"""Presses that are carried out, even if the browser asks for its page again at once, or its session is gone.

When the browser asks again, Streamlit ends the script at its next element or use of the session's state. That can be
before the press that the script was started for has reached its callback, or in the middle of the callback, or before
the script has reached `if st.button(...)`. The browser sends a press once, so it would be lost.

After a phone has slept for minutes, the page is still there, but its session is a new one. It does not know what to
call when a button is pressed that the browser shows, until a script has shown it once more.

For the first reason `runner.fastReruns` is off in `.streamlit/config.toml`. With it Streamlit replaces a script that
has not begun by the next one, with its press, and two scripts of one session can run at once.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from streamlit.runtime.scriptrunner import ScriptRunner, get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests, ScriptRequestType
from streamlit.runtime.state import SafeSessionState

if TYPE_CHECKING:
    from streamlit.proto.WidgetStates_pb2 import WidgetStates
    from streamlit.runtime.state.common import WidgetMetadata

_ask = ScriptRequests.request_rerun
_check = ScriptRunner._maybe_handle_execution_control_request
_take = SafeSessionState.on_script_will_rerun
_register = SafeSessionState.register_widget
_script = threading.local()


def finish() -> None:
    """Make scripts of this process carry out what the browser sent before they end for the next one.

    A script takes the values of all controls and calls their callbacks; if a button without a callback was pressed, it
    runs to its end, or until it asks for a page itself, with `st.rerun` or `st.switch_page`. If the session has never
    shown the button that was pressed, the script begins again as soon as it has.
    """
    ScriptRequests.request_rerun = _ask_again  # type: ignore[method-assign]
    ScriptRunner._maybe_handle_execution_control_request = _check_later  # type: ignore[method-assign]
    SafeSessionState.on_script_will_rerun = _take_whole  # type: ignore[method-assign, assignment]
    SafeSessionState.register_widget = _show_pressed  # type: ignore[method-assign]


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
    known = self._state._new_widget_state.widget_metadata
    pressed = [one.id for one in sent.widgets if one.trigger_value] if sent is not None else []
    _script.is_taking = True
    _script.is_pressed = any(one not in known or known[one].callback is None for one in pressed)
    _script.unknown = {one: sent for one in pressed if one not in known}
    try:
        _take(self, sent, *args, **kwargs)
    finally:
        _script.is_taking = False


def _show_pressed(self: SafeSessionState, metadata: WidgetMetadata[Any], user_key: str | None) -> Any:
    """Show a control; if it is a button that was pressed before this session knew its callback, begin again."""
    shown = _register(self, metadata, user_key)
    sent = getattr(_script, "unknown", {}).pop(metadata.id, None)
    context = get_script_run_ctx() if sent is not None and metadata.callback is not None else None
    if context is not None and context.script_requests:
        again = RerunData(
            query_string=context.query_string,
            widget_states=sent,
            page_script_hash=context.page_script_hash,
            cached_message_hashes=context.cached_message_hashes,
            context_info=context.context_info,
        )
        context.script_requests.request_rerun(again)
    return shown
