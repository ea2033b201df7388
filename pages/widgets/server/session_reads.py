"""Read a session's state again if another script of the session changed it meanwhile.

When a browser asks for its page again, Streamlit starts a new script before the old one has noticed that it must end.
Each of them locks the state against itself only (`SafeSessionState` makes a lock of its own), so a list of all keys,
which a number field or a radio asks for, can meet "dictionary changed size during iteration".
"""

from __future__ import annotations

from typing import Any

from streamlit.runtime.state import SafeSessionState

_MOST = 100


def repeat() -> None:
    """Make `SafeSessionState.filtered_state` of this process read again where another script came between."""
    SafeSessionState.filtered_state = property(_filtered_state)  # type: ignore[method-assign,assignment]


def _filtered_state(self: SafeSessionState) -> dict[str, Any]:
    for _attempt in range(_MOST - 1):
        try:
            with self._lock:
                return self._state.filtered_state
        except (KeyError, RuntimeError):  # A key went while it was read, or the dictionary grew.
            self._yield_callback()  # Ends this script if it is the old one.
    with self._lock:
        return self._state.filtered_state
