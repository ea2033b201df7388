"""A question with choices in an order of the visitor's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.language import gettext as _
from mnist_core.lessons.course import RIGHT
from pages.widgets.state import controls, workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.lessons.course import Question


def _answer(name: str) -> Key[int | None]:
    """The last answer to a question."""
    return Key(f"{name}-noted", None, of_workspace=True)


def question_choice(
    name: str,
    question: Question,
    first: int | None = None,
    on_answer: Callable[[int], None] | None = None,
    number: int | None = None,
) -> int | None:
    """A question with its choices, shuffled for each visitor; returns the answer, a place in `choices`, or None.

    Args:
        name: key of the control; the last answer is remembered under it.
        question: the question.
        first: the answer of an earlier visit, shown if there is none in this tab.
        on_answer: called with each answer.
        number: shown before the question; None for no number.
    """
    text = _(question.text) if number is None else f"{number}. {_(question.text)}"
    st.markdown(f"**{text}**")
    places = question.shuffled(workspace.token())
    remembered = _answer(name).get_or_set(first) if first is not None else _answer(name).get()

    def note() -> None:
        chosen: int = controls.value_of(name)
        _answer(name).set(chosen)
        if on_answer is not None:
            on_answer(chosen)

    answer: int | None = st.radio(
        _(question.text),
        places,
        index=None if remembered is None else places.index(remembered),
        key=name,
        format_func=lambda place: _(question.choices[place]),
        on_change=note,
        label_visibility="collapsed",
    )
    return answer


def answer_feedback(question: Question, answer: int) -> None:
    """Whether the answer was right, why, and what to try; for a wrong one also what is wrong about it."""
    why = f"{_(question.why)} {_(question.try_it) if question.try_it else ''}".rstrip()
    if answer == RIGHT:
        st.success(_("**Right!** {why}", why=why), icon=":material/check_circle:")
    else:
        right = _(question.right).removesuffix(".")
        st.warning(
            _(
                "**Not quite.** {reply}\n\n**The right answer: {right}.** {why}",
                reply=_(question.reply(answer)),
                right=right,
                why=why,
            ),
            icon=":material/lightbulb:",
        )
