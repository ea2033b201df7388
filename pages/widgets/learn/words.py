"""The glossary: the words of a step, and all words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.lessons.glossary import GLOSSARY, terms_in

if TYPE_CHECKING:
    from mnist_core.data import Dataset
    from mnist_core.lessons.course import Step

VIEW = "Glossary"
"""What the Learn page calls this view."""


def step_words(step: Step) -> None:
    """The words of a step that the glossary explains, folded away."""
    asked = "" if step.question is None else f" {step.question.text} {' '.join(step.question.choices)}"
    terms = list(terms_in(step.text + asked))
    if terms:
        with st.popover("Words", icon=":material/menu_book:", help="What the words of this step mean."):
            st.markdown("\n\n".join(f"**{term}**: {GLOSSARY[term]}" for term in terms))


def glossary_view(_: Dataset) -> None:
    """All words of the glossary."""
    found = st.text_input("Search", key="glossary-search", placeholder="For example: gradient").strip().lower()
    lines = [f"| **{term}** | {text} |" for term, text in GLOSSARY.items() if found in f"{term} {text}".lower()]
    if lines:
        st.markdown("\n".join(["| Word | What it means |", "|:--|:--|", *lines]))
    else:
        st.caption("No such word. Clear the search to see all of them.")
