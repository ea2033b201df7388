"""What a script has drawn reaches the browser, even if the browser asks again as soon as the script has ended.

A script runs in a thread, and its messages wait in the server's event loop. If the browser asks for something after
the script's end, but before the loop has come to its last messages, Streamlit starts another runner of scripts, and
throws away what the former one has sent. On a busy server a page then stays as it was, in part, and asks for nothing
any more: what begins its polls is lost too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunnerEvent

if TYPE_CHECKING:
    from streamlit.runtime.scriptrunner import ScriptRunner

_handle = AppSession._handle_scriptrunner_event_on_event_loop


def deliver() -> None:
    """Make the sessions of this process take the last messages of a runner that another one has followed."""
    AppSession._handle_scriptrunner_event_on_event_loop = _handle_in_order  # type: ignore[method-assign]


def _handle_in_order(
    self: AppSession, sender: ScriptRunner | None, event: ScriptRunnerEvent, *args: Any, **kwargs: Any
) -> None:
    """Handle an event as Streamlit does, also one of a former runner as long as the next one has not begun.

    A runner that ends by itself has sent everything before the next one is created. What one sends later was told to
    stop; nobody wants to see it.
    """
    current = self._scriptrunner
    if sender is not None and event == ScriptRunnerEvent.SCRIPT_STARTED:
        vars(sender)["has_begun"] = True
    is_late = current is None or vars(current).get("has_begun", False)
    if sender is None or sender is current or is_late or event == ScriptRunnerEvent.SHUTDOWN:
        _handle(self, sender, event, *args, **kwargs)
        return
    self._scriptrunner = sender
    try:
        _handle(self, sender, event, *args, **kwargs)
    finally:
        self._scriptrunner = current
