"""A segmented control that remembers its choice across pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.language import gettext
from pages.widgets.state import controls
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def remembered_segment(name: str) -> Key[str | None]:
    """The last choice of the control `name`."""
    return Key(f"{name}-noted", None)


def choose_segment(name: str, choice: str) -> None:
    """Change the choice of the control `name`. Call it before the control is shown in this rerun, or in a callback."""
    remembered_segment(name).set(choice)
    controls.set_value(name, choice)


def segmented_choice(
    label: str, name: str, choices: Sequence[str], title: Callable[[str], str] = gettext, first: str | None = None
) -> str:
    """A segmented control; returns the choice. At first it is `first`, or the first of `choices`.

    Args:
        label: for screen readers.
        name: key of the control; the choice is remembered under it.
        choices: the values.
        title: the text of a choice.
        first: the first choice, if it is one of `choices`.
    """
    key = controls.seed(name, remembered_segment(name).get() or first, choices)
    chosen = st.segmented_control(
        label,
        choices,
        key=key,
        default=controls.value_of(key),  # Given twice, see `controls.seeded`.
        format_func=title,
        required=True,
        label_visibility="collapsed",
        wrap=False,  # On a phone a second row would have no borders; one row can be scrolled.
    )
    remembered_segment(name).set(chosen)
    return str(chosen)
