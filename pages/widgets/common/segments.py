"""A row of segments that leads through a page, and is as it was after another page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.widgets.state import controls
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def remembered_segment(name: str) -> Key[str | None]:
    """What was chosen last in the row `name`."""
    return Key(f"{name}-noted", None)


def segmented_choice(
    label: str, name: str, choices: Sequence[str], title: Callable[[str], str] = str, first: str | None = None
) -> str:
    """One of `choices`; at first `first`, or the first of them.

    Args:
        label: for those who cannot see the row.
        name: its key, under which the choice is noted.
        choices: what there is.
        title: what a choice is called.
        first: taken if it is among the choices.
    """
    key = controls.seed(name, remembered_segment(name).get() or first, choices)
    chosen = st.segmented_control(
        label,
        choices,
        key=key,
        default=controls.chosen(key),  # A second time, see `controls.seeded`.
        format_func=title,
        required=True,
        label_visibility="collapsed",
        wrap=False,  # On a phone a second row would lack its borders; this one can be moved to the side.
    )
    remembered_segment(name).set(chosen)
    return str(chosen)
