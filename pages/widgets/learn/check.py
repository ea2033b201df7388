"""The check: ten questions before and after the first course."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.errors import StoreError
from mnist_core.language import Message
from mnist_core.language import gettext as _
from mnist_core.lessons import check
from mnist_core.lessons.check import AFTER, BEFORE, ITEMS
from mnist_core.lessons.course import RIGHT
from pages.widgets.learn import question_choice
from pages.widgets.state import controls, own_work, workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from mnist_core.data import Dataset

_AGAIN: Key[bool] = Key("check-again-noted", False, of_workspace=True)
VIEW = Message("Check")
"""What the Learn page calls this view."""

logger = logging.getLogger(__name__)


def check_view(_dataset: Dataset) -> None:
    """The ten questions, until they are handed in; then the visitor's scores."""
    given = own_work.lesson_answers().check
    if given.after is not None:
        _result()
    elif given.before is None:
        st.markdown(
            _(
                "Ten questions, about 3 minutes. Take them **before** course A, and again after it: you then see "
                "what you have learned. You get the right answers after the second time."
            )
        )
        _questions(BEFORE)
    else:
        st.success(
            _("Your answers from before the course are saved. Take the check again after course A."),
            icon=":material/check_circle:",
        )
        if not _AGAIN.get():
            st.button(
                _("Take it again now"), icon=":material/quiz:", on_click=_AGAIN.set, args=(True,), type="tertiary"
            )
        else:
            _questions(AFTER)


def check_after_course() -> None:
    """The ten questions after the course, and then the visitor's scores."""
    if own_work.lesson_answers().check.after is None:
        _questions(AFTER)
    else:
        _result()


def _result() -> None:
    """The visitor's scores, and all questions with their answers."""
    given = own_work.lesson_answers().check
    assert given.after is not None
    with st.container(horizontal=True):
        if given.before is not None:
            st.metric(
                _("Before the course"), _("{score} of {count}", score=check.score(given.before), count=len(ITEMS))
            )
        st.metric(_("After the course"), _("{score} of {count}", score=check.score(given.after), count=len(ITEMS)))
    for at, item in enumerate(ITEMS.values()):
        answer = given.after[at]
        mark = "✓" if answer == RIGHT else "✗"
        before = ""
        if given.before is not None:
            before = _("Before: right.") if given.before[at] == RIGHT else _("Before: not right.")
        with st.expander(f"{mark} {at + 1}. {_(item.text)}"):
            if answer != RIGHT:
                st.markdown(
                    _("You answered: {choice}. {reply}", choice=_(item.choices[answer]), reply=_(item.reply(answer)))
                )
            st.markdown(f"**{_(item.right)}.** {_(item.why)} {before}".rstrip())


def _name(time: str, key: str) -> str:
    return f"check-{time}-{key}"


def _questions(time: str) -> None:
    answers = []
    for at, (key, item) in enumerate(ITEMS.items(), 1):
        answers.append(question_choice.question_choice(_name(time, key), item, number=at))
    left = [str(at) for at, answer in enumerate(answers, 1) if answer is None]
    st.caption(_("Still open: {numbers}.", numbers=", ".join(left)) if left else _("All ten are answered."))
    st.button(
        _("Hand in"),
        icon=":material/check:",
        type="primary",
        disabled=bool(left),
        on_click=_hand_in,
        args=(time,),
        help=_("You cannot change your answers afterwards. The owner of this server sees counts without names."),
    )


def _hand_in(time: str) -> None:
    # A choice may have changed since the button was drawn.
    given = [controls.value_of(_name(time, key)) for key in ITEMS]
    if None in given:
        return
    answers = tuple(given)
    before = own_work.lesson_answers().check
    after = before.hand_in(answers, time)
    if after == before:
        return  # Another tab was faster.

    own_work.change_lesson_answers(lambda now: now.with_check(now.check.hand_in(answers, time)))
    try:
        workspace.run_saver().count_check(time, dict(zip(ITEMS, answers, strict=True)))
    except StoreError:  # The visitor's own scores do not need the counts.
        logger.exception("The answers to the check are not counted")
