"""The plan of a lesson at the desk: its tasks in their order, and how to change them."""

from __future__ import annotations

import dataclasses
import secrets
import textwrap
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import links
from mnist_core.classes import Ask, Draw, Look, Train, added, from_json, known_questions, removed, start_of, to_json
from mnist_core.classes.packed import pack_image
from mnist_core.classes.plan import (
    CHOICE_LENGTH,
    FREE,
    LINK_LENGTH,
    MAX_TASKS,
    MOST_CHOICES,
    MOST_EACH,
    TEXT_LENGTH,
)
from mnist_core.config import CLASSES, SETTINGS
from mnist_core.errors import PlaygroundError
from mnist_core.language import gettext as _
from mnist_core.lessons.courses import COURSES
from mnist_core.lessons.faults import FAULTS
from mnist_core.store.class_records import READY
from pages.widgets.classroom import drawings, look_task, networks, orders, question
from pages.widgets.state import controls, editor_state
from pages.widgets.state.keys import Key
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_core.classes import Task
    from mnist_core.store.class_records import Class


# Of the training images, in a network whose link holds none back.
_VALIDATION = 0.2
# Of the sheet for a drawing, in pixels: the plan is narrow on a laptop.
_SHEET = 250
_IS_WANTED = Key("plan-own-drawing-wanted-noted", False)


def plan_view(now: Class, plan: tuple[Task, ...]) -> None:
    """The tasks; a click on one goes there. Below them, how to add and remove tasks.

    Args:
        now: the class.
        plan: its tasks.
    """
    st.markdown(f"**{_('Plan')}**")
    for at, task in enumerate(plan):
        is_on = at == now.at
        st.button(
            f"{'▶ ' if is_on else ''}{at + 1}. {_short(task_title(task))}",
            key=f"go-{task.id}",
            type="tertiary",
            disabled=is_on,
            on_click=orders.move,
            args=(now, start_of(plan, at)),
        )
    with st.expander(_("Change the plan")):
        _add_known(now, plan)
        _add_own(now, plan)
        _add_network(now, plan)
        _add_drawing(now, plan)
        _add_look(now, plan)
        _change_current(now, plan)
        st.download_button(
            _("Save this plan"),
            to_json(plan),
            "plan.json",
            "application/json",
            key="plan-save",
            icon=":material/download:",
            on_click="ignore",
            help=_("A file for another class or another teacher: choose it when you start a class."),
        )
    _add_own_drawing(now, plan)


def task_title(task: Task) -> str:
    """What a task is, in one line of Markdown."""
    if isinstance(task, Ask):
        return question.question_text(task)
    if isinstance(task, Draw):
        return drawings.digits_text(task)
    if isinstance(task, Look):
        return _("Look: {what}", what=look_task.title_of(task))
    return _("Train a network: {network}", network=networks.network_title(task))


def _short(text: str) -> str:
    return textwrap.shorten(text, 60, placeholder=" …")


def _add_known(now: Class, plan: tuple[Task, ...]) -> None:
    used = {task.question for task in plan if isinstance(task, Ask)}
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
        on_click=orders.move,
        args=(now, {} if name is None else added(plan, now, Ask(_new_id(), name))),
    )


def _add_own(now: Class, plan: tuple[Task, ...]) -> None:
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
            task = _own_task(_new_id(), text, choices, right)
        except PlaygroundError as error:
            st.error(_(error.message), icon=":material/error:")
            return
    uninterrupted(lambda: orders.move(now, added(plan, now, task)))
    for name in ("plan-own-text", *(f"plan-own-choice-{at}" for at in range(MOST_CHOICES)), "plan-own-right"):
        controls.reset(name)
    st.rerun()


def _add_network(now: Class, plan: tuple[Task, ...]) -> None:
    with st.form("plan-network", border=False):
        link = st.text_input(
            _("Or a network to train"),
            key="plan-network-link",
            max_chars=LINK_LENGTH,
            placeholder=_("link to a network"),
            autocomplete="off",
            help=_("From Share on the Train page. Leave it empty for the network in your own editor there."),
        )
        free = st.multiselect(
            _("What your class can change"),
            FREE,
            default=["layers"],
            key="plan-network-free",
            format_func=lambda name: _(SETTINGS[name].label),
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            accuracy = st.number_input(
                _("Goal: validation accuracy, %"), 1.0, 100.0, None, 0.5, key="plan-network-accuracy", format="%g"
            )
            parameters = st.number_input(
                _("Goal: parameters, at most"), 1, 10**9, None, 1_000, key="plan-network-parameters"
            )
        own_seed = st.toggle(
            _("A random start for each seat"),
            value=True,
            key="plan-network-seed",
            help=_("Then networks with the same settings show how much is luck."),
        )
        predict = st.toggle(_("Everybody guesses first"), value=True, key="plan-network-predict")
        ranking = st.toggle(
            _("Name the best three at the end"),
            key="plan-network-ranking",
            help=_("Most classes are better without it: a ranking discourages those who need help."),
        )
        if not st.form_submit_button(_("Add the network"), disabled=len(plan) >= MAX_TASKS):
            return
        try:
            task = Train(
                _new_id(),
                link.strip() or _own_link(),
                tuple(free),
                own_seed,
                predict,
                None if accuracy is None else accuracy / 100,
                parameters,
                ranking,
            )
            [checked] = from_json(to_json((task,)))
        except PlaygroundError as error:
            st.error(_(error.message), icon=":material/error:")
            return
    uninterrupted(lambda: orders.move(now, added(plan, now, checked)))
    controls.reset("plan-network-link")
    st.rerun()


def _add_drawing(now: Class, plan: tuple[Task, ...]) -> None:
    with st.form("plan-drawing", border=False):
        digits = st.pills(
            _("Or digits to draw"),
            range(CLASSES),
            selection_mode="multi",
            key="plan-drawing-digits",
            help=_("They become a test set of your class, which all networks of the lesson read."),
        )
        each = st.number_input(_("How many of each"), 1, MOST_EACH, key="plan-drawing-each")
        if not st.form_submit_button(_("Add the drawing"), disabled=len(plan) >= MAX_TASKS):
            return
        try:
            [task] = from_json(to_json((Draw(_new_id(), tuple(digits), each),)))
        except PlaygroundError as error:
            st.error(_(error.message), icon=":material/error:")
            return
    uninterrupted(lambda: orders.move(now, added(plan, now, task)))
    controls.reset("plan-drawing-digits")
    st.rerun()


def _add_look(now: Class, plan: tuple[Task, ...]) -> None:
    with st.form("plan-look", border=False):
        shown = {
            "summary": _("What we have found"),
            "map": _("A map of the training images"),
            "run": _("The network in your editor, as it trains"),
        }
        shown |= {f"step/{step.key}": _(step.title) for one in COURSES.values() for step in one.steps}
        shown |= {f"fault/{key}": _("What is wrong? {name}", name=_(FAULTS[key].name)) for key in FAULTS}
        at = st.selectbox(
            _("Or something to look at"),
            list(shown),
            index=None,
            key="plan-look-at",
            format_func=shown.__getitem__,
            placeholder=_("Choose what the wall shows"),
        )
        image = st.number_input(_("Or the test image with this number"), 0, 9_999, None, key="plan-look-image")
        if not st.form_submit_button(_("Add it"), disabled=len(plan) >= MAX_TASKS):
            return
        if image is not None:
            at = f"image/{image}"
        try:
            [task] = from_json(to_json((Look(_new_id(), at or "", _own_link() if at == "run" else ""),)))
        except PlaygroundError as error:
            st.error(_(error.message), icon=":material/error:")
            return
    uninterrupted(lambda: orders.move(now, added(plan, now, task)))
    for name in ("plan-look-at", "plan-look-image"):
        controls.reset(name)
    st.rerun()


def _add_own_drawing(now: Class, plan: tuple[Task, ...]) -> None:
    """A sheet for a drawing of the teacher, to look at."""
    folded = st.expander(
        _("Draw something to look at"), icon=":material/draw:", on_change="rerun", key="plan-own-drawing"
    )
    if not folded.open:
        return
    from pages.widgets.common import board  # The canvas is slow to import, and a plan seldom needs it.

    with folded:
        drawn = board.drawing_board(has_pictures=False, width=_SHEET)
        # A flag, since the last stroke may arrive together with the press.
        st.button(
            _("Add my drawing"),
            key="plan-add-own-drawing",
            disabled=len(plan) >= MAX_TASKS,
            on_click=_IS_WANTED.set,
            args=(True,),
        )
        if not _IS_WANTED.get():
            return
        image = board.digit_on(drawn)
        if image is None:
            _IS_WANTED.set(False)
            st.error(_("Draw the digit first."), icon=":material/error:")
            return
    task = Look(_new_id(), "drawing", image=pack_image(image))

    def add() -> None:
        _IS_WANTED.set(False)
        orders.move(now, added(plan, now, task))

    uninterrupted(add)
    if not orders.trouble(now.id):
        board.clear_board()
    st.rerun()


def _own_link() -> str:
    """A link to the network in the visitor's editor; with images for validation, which comparing needs."""
    config = editor_state.draft()
    if not config.validation_fraction:
        config = dataclasses.replace(config, validation_fraction=_VALIDATION)
    return links.to_config("", config)


def _own_task(task_id: str, text: str, choices: Sequence[str], right: int | None) -> Task:
    """A checked task, without the choices that were left empty."""
    given = tuple(one for one in choices if one.strip())
    place = None
    if right is not None:  # An empty choice as the right one is refused: it is none.
        place = given.index(choices[right]) if choices[right].strip() else len(given)
    task = Ask(task_id, "", text, given, place)
    [checked] = from_json(to_json((task,)))
    return checked


def _change_current(now: Class, plan: tuple[Task, ...]) -> None:
    with st.container(horizontal=True):
        st.button(
            _("Remove the current task"),
            key="plan-remove",
            disabled=len(plan) < 2,
            on_click=orders.move,
            args=(now, removed(plan, now) if len(plan) > 1 else {}),
        )
        with st.popover(_("Begin again"), disabled=now.phase == READY):
            st.markdown(_("What was handed in for the current task is deleted."))
            st.button(
                _("Delete what was handed in, begin again"),
                key="plan-again",
                on_click=orders.begin_again,
                args=(now,),
            )


def _new_id() -> str:
    """An id that no task has had: what was handed in for a removed one must not belong to a new one."""
    return f"t{secrets.token_hex(4)}"
