"""The language of a visitor: from a link, the menu, an earlier visit, or the browser."""

from __future__ import annotations

import threading

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mnist_core import language
from mnist_core.language import LANGUAGES, SOURCE
from mnist_core.language import gettext as _
from pages.widgets.state import controls
from pages.widgets.state.keys import Key

PARAMETER = "language"
"""The parameter of an address that names a language."""
COOKIE = "mnist_playground_language"
"""Holds the choice in the menu, for the next visit."""
_MENU = "language"
_CHOSEN: Key[str] = Key("language-chosen-noted", "")
# What the address says, and what it said before the choice in the menu.
_ASKED: Key[str] = Key("language-asked-noted", "")
_REPLACED: Key[str] = Key("language-replaced-noted", "")
_SPOKEN: Key[str] = Key("language-spoken-noted", SOURCE)
_CHOSE: Key[bool] = Key("language-chose-noted", False)
# A page asks hundreds of times. A thread that runs scripts belongs to one session, until it ends.
_thread = threading.local()
# The language is for screen readers and hyphenation. The browser remembers a choice for a year.
_TELL = st.components.v2.component(
    "page_language",
    js="""
    export default function ({ data }) {
        document.documentElement.lang = data.language;
        if (data.isChosen)
            document.cookie = `${data.cookie}=${data.language}; Path=/; Max-Age=31536000; SameSite=Lax`;
    }""",
)


def settle() -> None:
    """Find the visitor's language. Call it first in each run of the whole script; fragments speak the same."""
    asked = language.match(st.query_params.get(PARAMETER)) or ""
    # A browser in a hurry sends the address from before a choice in the menu.
    if asked and asked != _ASKED.get() and asked != _REPLACED.get():
        _ASKED.set(asked)
        _CHOSEN.set(asked)
        controls.set_value(_MENU, asked)
    if asked == _ASKED.get():
        _REPLACED.forget()
    before = language.match(st.context.cookies.get(COOKIE))
    _speak(_CHOSEN.get() or before or language.match(st.context.locale) or SOURCE)


def tell_browser() -> None:
    """Tell the browser the language, below the page: the component takes a row of its own."""
    _TELL(data={"language": _SPOKEN.get(), "isChosen": _CHOSE.get(), "cookie": COOKIE}, key="page-language")


def language_menu() -> None:
    """The menu of languages, each by its own name."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.selectbox(
            _("Language"),
            list(LANGUAGES),
            **controls.seeded_choice(_MENU, _SPOKEN.get(), list(LANGUAGES)),
            format_func=LANGUAGES.__getitem__,
            on_change=_choose,
            label_visibility="collapsed",
            width=140,
        )


def _choose() -> None:
    chosen = controls.value_of(_MENU)
    _REPLACED.set(_ASKED.get())
    for remembered in (_ASKED, _CHOSEN):
        remembered.set(chosen)
    _CHOSE.set(True)
    _speak(chosen)
    st.query_params[PARAMETER] = chosen


def _speak(chosen: str) -> None:
    _SPOKEN.set(chosen)
    _thread.language = chosen


def _of_visitor() -> str | None:
    """The language of the visitor whose script runs in this thread; None in other threads."""
    found: str | None = getattr(_thread, "language", None)
    if found is None and get_script_run_ctx(suppress_warning=True) is not None:
        found = _thread.language = _SPOKEN.get()
    return found


language.provide(_of_visitor)
