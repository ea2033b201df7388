"""Typed keys of `st.session_state`: what a tab remembers of its visitor across pages."""

from __future__ import annotations

from typing import Generic, TypeVar, cast

import streamlit as st

T = TypeVar("T")
_of_workspace: set[str] = set()


class Key(Generic[T]):
    """A remembered value with its type, the same on all pages. A reload forgets it.

    Args:
        name: the name in `st.session_state`.
        default: what `get` returns before `set`. All visitors share this object: it must never be changed.
        of_workspace: whether the value belongs to one workspace, so that `forget_workspace` forgets it.
    """

    def __init__(self, name: str, default: T, *, of_workspace: bool = False) -> None:
        self.name = name
        self.default = default
        if of_workspace:
            _of_workspace.add(name)

    def get(self) -> T:
        """The value, or the default."""
        return cast("T", st.session_state[self.name]) if self.is_set() else self.default

    def set(self, value: T) -> None:
        """Remember a value."""
        st.session_state[self.name] = value

    def get_or_set(self, value: T) -> T:
        """The value; `value` is remembered if there is none."""
        if not self.is_set():
            self.set(value)
        return self.get()

    def forget(self) -> None:
        """Go back to the default."""
        if self.is_set():
            del st.session_state[self.name]

    def is_set(self) -> bool:
        """Whether there is a value, even if it equals the default."""
        return self.name in st.session_state


def end_if_outdated() -> None:
    """End this script if the browser has asked for the page, or another one, again; for scripts that wait.

    Streamlit ends a script where it uses the session, and nowhere else.
    """
    Key("awaited", None).is_set()


def forget_workspace() -> None:
    """Forget what belongs to the visitor's workspace, before the tab shows another one."""
    for name in _of_workspace & set(st.session_state):
        del st.session_state[name]


def forget_everything() -> None:
    """Forget all values of controls and all remembered values, as in a new tab."""
    for name in list(st.session_state):
        del st.session_state[name]
