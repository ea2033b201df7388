"""The plan of a lesson at the desk: its tasks in their order, and how to change them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.classes import Ask, added, from_json, known_questions, removed, start_of, to_json
from mnist_core.classes.plan import CHOICE_LENGTH, MAX_TASKS, MOST_CHOICES, TEXT_LENGTH
from mnist_core.errors import PlaygroundError
from mnist_core.language import gettext as _
from mnist_core.store.classes import READY
from pages.widgets.classroom import question
from pages.widgets.state import controls
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mnist_core.store.classes import Class

    Mover = Callable[[Class, Mapping[str, object]], None]


def plan_view(now: Class, plan: tuple[Ask, ...], move: Mover, ask_again: Callable[[Class], None]) -> None:
    """The tasks; a click on one goes there. Below them, how to add and remove tasks.

    Args:
        now: the class.
        plan: its tasks.
        move: moves the class.
        ask_again: deletes the votes for the current task.
    """
    st.markdown(f"**{_('Plan')}**")
    for at, task in enumerate(plan):
        is_on = at == now.at
        st.button(
            f"{'▶ ' if is_on else ''}{at + 1}. {_short(question.question_text(task))}",
            key=f"go-{task.id}",
            type="tertiary",
            disabled=is_on,
            on_click=move,
            args=(now, start_of(plan, at)),
        )
    with st.expander(_("Change the plan")):
        _add_known(now, plan, move)
        _add_own(now, plan, move)
        _change_current(now, plan, move, ask_again)


def _short(text: str) -> str:
    return textwrap.shorten(text, 60, placeholder=" …")


def _add_known(now: Class, plan: tuple[Ask, ...], move: Mover) -> None:
    used = {task.question for task in plan}
    free = {name: item for name, item in known_questions().items() if name not in used}
    name = st.selectbox(
        _("Question of a course or of the check"),
        list(free),
        index=None,
        key="plan-known",
        format_func=lambda name: _(free[name].text),
        placeholder=_("Choose a question"),
    )
    st.button(
        _("Add after the current one"),
        key="plan-add-known",
        disabled=name is None or len(plan) >= MAX_TASKS,
        on_click=move,
        args=(now, {} if name is None else added(plan, now, Ask(_new_id(plan), name))),
    )


def _add_own(now: Class, plan: tuple[Ask, ...], move: Mover) -> None:
    with st.form("plan-own", border=False):
        text = st.text_input(_("Or your own question"), key="plan-own-text", max_chars=TEXT_LENGTH, autocomplete="off")
        choices = [
            st.text_input(
                _("Choice {letter}", letter="ABCDE"[at]),
                key=f"plan-own-choice-{at}",
                max_chars=CHOICE_LENGTH,
                autocomplete="off",
            )
            for at in range(MOST_CHOICES)
        ]
        right = st.selectbox(
            _("Right answer"),
            [None, *range(MOST_CHOICES)],
            key="plan-own-right",
            format_func=lambda at: _("None is right") if at is None else "ABCDE"[at],
        )
        if not st.form_submit_button(_("Add my question"), disabled=len(plan) >= MAX_TASKS):
            return
        try:
            task = _own_task(_new_id(plan), text, choices, right)
        except PlaygroundError as error:
            st.error(_(error.message), icon=":material/error:")
            return
    uninterrupted(lambda: move(now, added(plan, now, task)))
    for name in ("plan-own-text", *(f"plan-own-choice-{at}" for at in range(MOST_CHOICES)), "plan-own-right"):
        controls.reset(name)
    st.rerun()


def _own_task(task_id: str, text: str, choices: Sequence[str], right: int | None) -> Ask:
    """A checked task, without the choices that were left empty."""
    given = tuple(one for one in choices if one.strip())
    place = None
    if right is not None:  # An empty choice as the right one is refused: it is none.
        place = given.index(choices[right]) if choices[right].strip() else len(given)
    [task] = from_json(to_json((Ask(task_id, "", text, given, place),)))
    return task


def _change_current(now: Class, plan: tuple[Ask, ...], move: Mover, ask_again: Callable[[Class], None]) -> None:
    with st.container(horizontal=True):
        st.button(
            _("Remove the current question"),
            key="plan-remove",
            disabled=len(plan) < 2,
            on_click=move,
            args=(now, removed(plan, now) if len(plan) > 1 else {}),
        )
        st.button(
            _("Delete its votes, ask it again"),
            key="plan-again",
            disabled=now.phase == READY,
            on_click=ask_again,
            args=(now,),
        )


def _new_id(plan: tuple[Ask, ...]) -> str:
    used = {task.id for task in plan}
    return next(name for at in range(1, 2 * MAX_TASKS + 2) if (name := f"q{at}") not in used)
