"""Two scripts of one session at once: reading all keys of the session's state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from streamlit.runtime.state import SafeSessionState, SessionState

from pages.widgets.server import session_reads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _read(state: SessionState, when_disturbed: Callable[[], None] = lambda: None) -> dict[str, object]:
    return SafeSessionState(state, when_disturbed).filtered_state


class _Busy(dict[str, object]):
    """A dictionary that another script changes while somebody goes through it, the first few times."""

    changes = 3

    def __iter__(self) -> Iterator[str]:
        for key in super().__iter__():
            if self.changes:
                self.changes -= 1
                self[f"added {self.changes}"] = 0
            yield key


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> SessionState:
    monkeypatch.setattr(SafeSessionState, "filtered_state", SafeSessionState.filtered_state)  # Put back afterwards.
    state = SessionState()
    state._old_state = _Busy(first=1, second=2)
    return state


def test_keys_added_meanwhile_are_read(state: SessionState) -> None:
    session_reads.repeat()
    found = _read(state)
    assert found == {"first": 1, "second": 2, "added 0": 0, "added 1": 0, "added 2": 0}


def test_script_that_must_end_does_not_read_again(state: SessionState) -> None:
    class Ended(BaseException):
        pass

    def end() -> None:
        raise Ended

    session_reads.repeat()
    with pytest.raises(Ended):
        _read(state, end)


def test_streamlit_still_fails_without_it(state: SessionState) -> None:
    """When this fails, a newer Streamlit reads safely and `session_reads` can go."""
    with pytest.raises(RuntimeError, match="changed size"):
        _read(state)


def test_lasting_fault_is_raised(state: SessionState) -> None:
    state._old_state = _Busy(first=1, second=2)
    state._old_state.changes = 10_000
    session_reads.repeat()
    with pytest.raises(RuntimeError, match="changed size"):
        _read(state)
