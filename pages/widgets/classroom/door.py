"""The door of a class: a code to join by, or a class of one's own to start."""

from __future__ import annotations

import dataclasses
import functools
import logging
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.classes import Ask, Train, from_json, from_link
from mnist_core.classes.ready_plans import READY_PLANS
from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError, PlaygroundError, StoreError
from mnist_core.language import Message
from mnist_core.language import gettext as _
from mnist_core.lessons.check import ITEMS
from mnist_core.lessons.courses import COURSES
from mnist_core.store.class_records import IDLE_SECONDS, MAX_SEATS, TITLE_LENGTH, Class
from pages.widgets.classroom import membership
from pages.widgets.common import address, run_picker
from pages.widgets.state import controls, editor_state, workspace
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.classes import Task

_CODE, _TITLE = "class-code", "class-title"
_CHECK = "check"
_OWN_ONLY, _LINKED = "own", "linked"
_NAMES = {
    _CHECK: Message("The check: ten questions"),
    _OWN_ONLY: Message("Questions of my own"),
    _LINKED: Message("The plan of the link"),
}

logger = logging.getLogger(__name__)


def door_view(trouble: str = "") -> None:
    """Join a class, or lead one.

    Args:
        trouble: why the page's address opens no class; empty if it opens one or names none.
    """
    st.title(_("Class"))
    joining, leading = st.columns(2, gap="large")
    with joining:
        _join_form(trouble)
    with leading:
        _start_form()
        _own_classes()


def return_view(class_id: str) -> None:
    """The seats that are away: one of them may be the visitor's.

    Raises:
        StoreError: the class cannot be read.
    """
    st.title(_("Which name was yours?"))
    st.markdown(_("Your browser has not kept your seat. These seats are empty now: choose yours, or take a new one."))
    refusal = ""
    with st.container(horizontal=True):
        for seat in membership.away_seats(class_id):
            if st.button(seat.name, key=f"return-{seat.number}"):
                refusal = _attempt(functools.partial(membership.take_over, class_id, seat.number))
    if st.button(_("I am new"), key="return-new", type="primary"):
        refusal = _attempt(lambda: membership.take_seat(class_id))
    if refusal:
        st.error(_(refusal), icon=":material/error:")


def waiting_view() -> None:
    """Until the browser has said who it is."""
    st.title(_("Class"))
    st.info(_("Taking a seat …"), icon=":material/event_seat:")


def _join_form(trouble: str) -> None:
    st.subheader(_("Join a class"), anchor=False)
    refusal = trouble
    with st.form("class-join", border=False):
        st.text_input(
            _("Code"),
            value=address.arrived_by_address(membership.JOIN)[:20],
            max_chars=20,
            key=_CODE,
            placeholder="K7M 2QD",
            help=_("Six letters and digits, at the front of the room."),
            autocomplete="off",
        )
        if st.form_submit_button(_("Join"), type="primary", icon=":material/login:"):
            refusal = _attempt(lambda: membership.join(str(controls.value_of(_CODE) or "")))
    if refusal:
        st.error(_(refusal), icon=":material/error:")
    st.caption(_("No name, no account. You get a drawn name, such as *blue otter*."))


def _start_form() -> None:
    st.subheader(_("Lead a class"), anchor=False)
    with st.form("class-start", border=False):
        linked = address.arrived_by_address(membership.PLAN)
        names = [*([_LINKED] if linked else []), *READY_PLANS, *COURSES, _CHECK, _OWN_ONLY]
        plan = st.selectbox(
            _("Plan"),
            names,
            key="class-plan",
            format_func=_plan_name,
            help=_("You can change them later, also during the lesson."),
        )
        with st.expander(_("Or a plan from a file")):
            file = st.file_uploader(
                _("One that was saved at a desk, under Change the plan."),
                ["json"],
                key="class-plan-file",
                max_upload_size=1,
            )
        title = st.text_input(
            _("Name of the class"),
            max_chars=TITLE_LENGTH,
            key=_TITLE,
            placeholder=_("for you alone"),
            autocomplete="off",
        )
        if st.form_submit_button(_("Start a class"), icon=":material/groups:"):
            refusal = _attempt(
                lambda: membership.create(
                    title, _first_plan(str(plan), linked) if file is None else _plan_in(file.getvalue())
                )
            )
            if refusal:  # A plan may come from a stranger: nothing of it is Markdown.
                st.error(run_picker.escape_markdown(_(refusal)), icon=":material/error:")
    st.caption(
        _(
            "Up to {most} people join with a code. A class ends {hours} hours after the last change.",
            most=MAX_SEATS,
            hours=round(IDLE_SECONDS / 3600),
        )
    )


def _plan_name(key: str) -> str:
    if key in READY_PLANS:
        return _(READY_PLANS[key].name)
    return _(_NAMES[key]) if key in _NAMES else _("Questions: {course}", course=COURSES[key].name)


def _attempt(action: Callable[[], object]) -> str:
    """Do it, then draw the page again; returns why it was refused."""
    refusal = ""
    try:
        uninterrupted(action)
    except PlaygroundError as error:
        refusal = error.message
    if not refusal:
        st.rerun()
    return refusal


def _first_plan(key: str, linked: str) -> tuple[Task, ...]:
    if key == _LINKED:
        return from_link(linked)
    if key in READY_PLANS:
        return tuple(map(_with_data_set, READY_PLANS[key].tasks))
    if key == _CHECK:
        names = [f"check/{item}" for item in ITEMS]
    elif key in COURSES:
        names = [f"step/{step.key}" for step in COURSES[key].steps if step.question is not None]
    else:
        names = []
    plan = tuple(Ask(f"q{at}", name) for at, name in enumerate(names, 1))
    return plan or (Ask("q1", "", _("Are you here?"), (_("Yes"), _("Not yet")), None, twice=False),)


def _plan_in(data: bytes) -> tuple[Task, ...]:
    """The plan in a file; a `ConfigError` says what is wrong with it."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError("plan", "is not a text in UTF-8.", "Choose the file that was saved at a desk.") from error
    return from_json(text)


def _with_data_set(task: Task) -> Task:
    """A task with the data set that this server begins with."""
    name = editor_state.first_config().dataset
    if not isinstance(task, Train) or name == RunConfig.dataset:
        return task
    return dataclasses.replace(task, link=f"{task.link}&dataset={name}")


def _own_classes() -> None:
    """The classes that the visitor leads, the newest first."""
    if not workspace.is_used():
        return
    try:
        found = membership.classes().led_by(workspace.token())
    except StoreError:
        logger.exception("The classes of a visitor cannot be read")
        return
    if not found:
        return
    st.markdown(f"**{_('Your classes')}**")
    for one in found[:10]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(_class_name(one), width=240)
            st.button(
                _("Open"),
                key=f"open-{one.id}",
                icon=":material/table_restaurant:",
                on_click=membership.lead,
                args=(one.id,),
            )


def _class_name(one: Class) -> str:
    name = run_picker.escape_markdown(one.title) or _("Class")
    return f"{name} · {one.code}" if one.code else f"{name} · {_('ended')}"
