"""The projector view of a page: readable from the back row, with only the controls that are needed there."""

from __future__ import annotations

import time

import streamlit as st

from mnist_core.language import gettext as _
from pages.widgets.state.keys import Key

_QUERY, _VALUE = "view", "projector"
WALL = "wall"
"""The parameter of an address that opens the wall of a class, which is always shown like this."""
# Zoom enlarges all elements alike; a projector with more pixels needs more of it. Plotly and Vega measure their places
# wrongly when they are zoomed, so their charts are not, and get larger texts instead.
_STYLE = """
.stAppHeader { display: none; }
.stMainBlockContainer .st-key-projector { display: flex; }
.stMainBlockContainer { padding-top: 1rem; --large: 1.33; zoom: var(--large); }
@media (min-width: 1600px) { .stMainBlockContainer { --large: 2; } }
@media (max-width: 1000px) { .stMainBlockContainer { --large: 1; } }
.stPlotlyChart, .stVegaLiteChart { zoom: calc(1 / var(--large)); }
"""
# What was pressed last, and until when it counts more than the address. A page that follows a class asks once a second,
# with the address that the browser had: on a busy computer it may be from before the press for many seconds.
_PRESSED: Key[tuple[bool, float]] = Key("projector-pressed-noted", (False, 0.0))
_SETTLE_SECONDS = 15.0
FONT_SIZE = 20
"""Of texts in charts, in pixels."""


def is_on() -> bool:
    """Whether the page's address asks for the projector view."""
    if WALL in st.query_params:
        return True
    is_pressed, until = _PRESSED.get()
    return is_pressed if time.monotonic() < until else st.query_params.get(_QUERY) == _VALUE


def switch_on() -> None:
    """Show the current page in the projector view."""
    _PRESSED.set((True, time.monotonic() + _SETTLE_SECONDS))
    st.query_params[_QUERY] = _VALUE


def switch_off() -> None:
    """Show the current page as usual."""
    _PRESSED.set((False, time.monotonic() + _SETTLE_SECONDS))
    st.query_params.pop(_QUERY, None)


def projector_button() -> None:
    """A button that switches the projector view on, or off."""
    st.button(
        _("Leave projector view") if is_on() else _("Projector"),
        key="projector",
        icon=":material/close_fullscreen:" if is_on() else ":material/present_to_all:",
        type="tertiary" if is_on() else "secondary",
        on_click=switch_off if is_on() else switch_on,
        help=None if is_on() else _("Large type and thick lines, without the controls."),
    )


def enlarge() -> None:
    """Enlarge the page, in the projector view. Call it once for a page, before its elements."""
    if is_on():
        st.html(f"<style>{_STYLE}</style>")
