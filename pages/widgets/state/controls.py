"""Values of controls: what was chosen, and what they show first. See `keys` for what is remembered across pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Sequence


def chosen(name: str) -> Any:
    """The value of the control with the key `name`; None before it has been shown."""
    return st.session_state.get(name)


def choose(name: str, value: Any) -> None:
    """Set the control with the key `name`; only before it is shown in this rerun, or in a callback."""
    st.session_state[name] = value


def forget(name: str) -> None:
    """Let the control with the key `name` take its first value again, in the next rerun."""
    st.session_state.pop(name, None)


def seed(name: str, value: Any, choices: Sequence[Any] | None = None) -> str:
    """Give the control with the key `name` a value before it is shown, unless it has a possible one; returns the key.

    Controls that were not shown in the last rerun have lost their value, so after another page they take `value` again.
    """
    is_possible = name in st.session_state and (choices is None or st.session_state[name] in choices)
    if not is_possible:
        st.session_state[name] = value if choices is None or value in choices else choices[0]
    return name


def seeded(name: str, value: Any) -> dict[str, Any]:
    """What a control that holds a value is to be given, for it to be `seed`ed.

    The value comes twice: a browser that is sent the page again before it has shown it the first time takes the
    control's own value, and would otherwise find the least that is possible.
    """
    return {"key": seed(name, value), "value": chosen(name)}


def seeded_choice(name: str, value: Any, choices: Sequence[Any]) -> dict[str, Any]:
    """As `seeded`, for a control that holds one of `choices`."""
    return {"key": seed(name, value, choices), "index": list(choices).index(chosen(name))}


def seed_several(name: str, value: list[str], choices: list[str], before: tuple[Sequence[str], Sequence[str]]) -> str:
    """As `seed`, for a control that holds several of `choices`; returns the key.

    `before` is what was chosen last, and all that there was to choose from then. The choice comes back, unless there is
    something new to choose since then, such as a run.
    """
    if name not in st.session_state or not set(st.session_state[name]) <= set(choices):
        chosen_before, known = before
        is_news = not set(choices) <= set(known)
        st.session_state[name] = value if is_news else [one for one in chosen_before if one in choices]
    return name
