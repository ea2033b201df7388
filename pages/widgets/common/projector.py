"""The projector view of a page: readable from the back row, with only the controls that are needed there."""

from __future__ import annotations

import streamlit as st

from mnist_core.language import gettext as _

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
FONT_SIZE = 20
"""Of texts in charts, in pixels."""


def is_on() -> bool:
    """Whether the page's address asks for the projector view."""
    return st.query_params.get(_QUERY) == _VALUE or WALL in st.query_params


def switch_on() -> None:
    """Show the current page in the projector view."""
    st.query_params[_QUERY] = _VALUE


def switch_off() -> None:
    """Show the current page as usual."""
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
