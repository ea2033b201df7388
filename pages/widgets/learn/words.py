"""The glossary: the words of a step, and all words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.language import Message
from mnist_core.language import gettext as _
from mnist_core.lessons.glossary import GLOSSARY, terms_in

if TYPE_CHECKING:
    from mnist_core.data import Dataset
    from mnist_core.lessons.course import Step

VIEW = Message("Glossary")
"""What the Learn page calls this view."""


def step_words(step: Step) -> None:
    """The words of a step that the glossary explains, folded away."""
    asked = "" if step.question is None else f" {step.question.text} {' '.join(step.question.choices)}"
    terms = list(terms_in(step.text + asked))
    if terms:
        with st.popover(_("Words"), icon=":material/menu_book:", help=_("What the words of this step mean.")):
            st.markdown("\n\n".join(f"**{_(term)}**: {_(GLOSSARY[term])}" for term in terms))


def glossary_view(_dataset: Dataset) -> None:
    """All words of the glossary."""
    found = st.text_input(_("Search"), key="glossary-search", placeholder=_("For example: gradient")).strip().lower()
    every = sorted((_(term), _(text)) for term, text in GLOSSARY.items())
    lines = [f"| **{term}** | {text} |" for term, text in every if found in f"{term} {text}".lower()]
    if lines:
        st.markdown("\n".join([_("| Word | What it means |"), "|:--|:--|", *lines]))
    else:
        st.caption(_("No such word. Clear the search to see all of them."))
