"""Controls look up their own value, not everybody's.

Streamlit 1.67 copies all values of a session for each menu, number box and row of choices that it draws, to see whether
one of them is None. For components it even makes a class each time. On the Train page that was a tenth of a script.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from streamlit.runtime.state import SafeSessionState
from streamlit.runtime.state.common import is_element_id

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTERNAL = "$$STREAMLIT_INTERNAL_KEY"  # How Streamlit's own keys begin.


def look_up() -> None:
    """Make the scripts of this process look up values one by one."""
    SafeSessionState.filtered_state = property(Values)  # type: ignore[assignment, method-assign]


class Values(Mapping[str, Any]):
    """The values of a session by key, as in Streamlit's `SafeSessionState.filtered_state`, read when asked for.

    Args:
        state: the session's state.
    """

    def __init__(self, state: SafeSessionState) -> None:
        self._state = state

    def __getitem__(self, key: str) -> Any:
        if is_element_id(key) or key.startswith(_INTERNAL):
            raise KeyError(key)
        with self._state._lock:
            return self._state._state[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, Any]:
        with self._state._lock:
            return self._state._state.filtered_state
