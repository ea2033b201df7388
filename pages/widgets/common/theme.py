"""Colours of the page's theme, for charts."""

import streamlit as st


def text_color() -> str:
    """The text colour of the current theme, light or dark."""
    return "#fafafa" if st.context.theme.type == "dark" else "#31333f"


def ground_color() -> str:
    """The background colour of the current theme, light or dark."""
    return "#171614" if st.context.theme.type == "dark" else "#ffffff"
