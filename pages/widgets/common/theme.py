"""What the theme in `.streamlit/config.toml` cannot say: colours for charts, and the space around a page."""

import streamlit as st


def use_the_height() -> None:
    """Begin pages right below the navigation. Streamlit leaves a strip there, a tenth of a projector's height."""
    st.html("<style>.stMainBlockContainer { padding-top: 3.75rem; padding-bottom: 3rem; }</style>")


def text_color() -> str:
    """The text colour of the current theme, light or dark."""
    return "#fafafa" if st.context.theme.type == "dark" else "#31333f"


def ground_color() -> str:
    """The background colour of the current theme, light or dark."""
    return "#171614" if st.context.theme.type == "dark" else "#ffffff"
