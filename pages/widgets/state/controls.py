"""Values of controls. See `keys` for what is remembered across pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Sequence


def value_of(name: str) -> Any:
    """The value of the control with the key `name`; None before it has been shown."""
    return st.session_state.get(name)


def set_value(name: str, value: Any) -> None:
    """Set the control with the key `name`. Call it before the control is shown in this rerun, or in a callback."""
    st.session_state[name] = value


def reset(name: str) -> None:
    """Reset the control with the key `name`: in the next rerun it gets its first value again."""
    st.session_state.pop(name, None)


def seed(name: str, value: Any, choices: Sequence[Any] | None = None) -> str:
    """Set a control to `value` before it is shown, unless it already has a valid value; returns its key.

    Streamlit forgets the value of a control that was not shown in the last rerun, so after another page it is `value`.
    """
    is_possible = name in st.session_state and (choices is None or st.session_state[name] in choices)
    if not is_possible:
        st.session_state[name] = value if choices is None or value in choices else choices[0]
    return name


def seeded(name: str, value: Any) -> dict[str, Any]:
    """The arguments `key` and `value` of a control, after `seed`.

    The value is given twice, in the session state and as an argument. A browser that gets the page again before it has
    shown it takes the value in the arguments; without one it would take the lowest possible value.
    """
    return {"key": seed(name, value), "value": value_of(name)}


def seeded_choice(name: str, value: Any, choices: Sequence[Any]) -> dict[str, Any]:
    """Like `seeded`, for a control with a list of choices: the arguments `key` and `index`."""
    return {"key": seed(name, value, choices), "index": list(choices).index(value_of(name))}


def seed_several(name: str, value: list[str], choices: list[str], before: tuple[Sequence[str], Sequence[str]]) -> str:
    """Like `seed`, for a control that holds several of `choices`; returns the key.

    `before` has the last choice, and the choices that there were then. The last choice comes back, unless there are new
    choices, such as a new run.
    """
    if name not in st.session_state or not set(st.session_state[name]) <= set(choices):
        chosen_before, known = before
        is_news = not set(choices) <= set(known)
        st.session_state[name] = value if is_news else [one for one in chosen_before if one in choices]
    return name
