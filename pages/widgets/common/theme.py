"""What a chart must know of the page that it stands on."""

import streamlit as st


def text_color() -> str:
    """The colour that text needs on the page's ground, light or dark."""
    return "#fafafa" if st.context.theme.type == "dark" else "#31333f"


def ground_color() -> str:
    """The colour of the page's ground, light or dark."""
    return "#171614" if st.context.theme.type == "dark" else "#ffffff"
