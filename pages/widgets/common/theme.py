"""What the theme in `.streamlit/config.toml` cannot say: colours for charts, and the space around a page."""

import streamlit as st

# Streamlit leaves a strip above a page, a tenth of a projector's height, and wide ones beside it. On a phone its
# columns stand below each other; there the curves come first, then the editor, and the picture of the network last. On
# a tablet the links below the buttons need two lines.
_STYLE = """
.stMainBlockContainer { padding-top: 3.75rem; padding-bottom: 3rem; }
@media (min-width: 641px) {
    .stMainBlockContainer { padding-left: 2rem; padding-right: 2rem; }
    :has(> .st-key-sheet) { position: sticky; top: 3.75rem; align-self: flex-start; }
}
@media (max-width: 1200px) {
    .st-key-line-below, :has(> .st-key-line-below) { height: auto !important; }
}
@media (max-width: 640px) {
    .st-key-projector { display: none; }
    .st-key-workbench .stColumn, .st-key-workbench .stColumn > .stVerticalBlock { display: contents; }
    .st-key-workbench .stColumn > .stVerticalBlock > * { order: 1; }
    .st-key-workbench .stColumn > .stVerticalBlock > :has(.st-key-live-network) { order: 2; }
}
"""


def use_the_space() -> None:
    """Begin pages right below the navigation, and order the Train page on a phone."""
    st.html(f"<style>{_STYLE}</style>")


def text_color() -> str:
    """The text colour of the current theme, light or dark."""
    return "#fafafa" if st.context.theme.type == "dark" else "#31333f"


def ground_color() -> str:
    """The background colour of the current theme, light or dark."""
    return "#171614" if st.context.theme.type == "dark" else "#ffffff"
