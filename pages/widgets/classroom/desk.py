"""The teacher's desk: where the class is, one button for the next move, the votes, and the seats by need."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import links
from mnist_core.classes import Ask, Draw, Look, Train, moves, progress, step_of, wanted
from mnist_core.errors import ClassNotFoundError, ConfigError
from mnist_core.language import Message, format_number, ngettext
from mnist_core.language import gettext as _
from mnist_core.store.class_records import MAX_OF_SEAT, OPEN, READY, SHOWN, wall_token
from pages.widgets.classroom import (
    drawings,
    ending,
    following,
    lesson_plan,
    look_task,
    membership,
    networks,
    orders,
    question,
    rehearsal,
    wall,
)
from pages.widgets.common import image_buttons, link_sharing, pictures, projector, run_picker, run_text
from pages.widgets.state import controls, workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_core.classes import Move, Task
    from mnist_core.classes.progress import Progress
    from mnist_core.store.class_records import Board, Class, Seat

_PHASES: Mapping[str, str] = {
    READY: Message("not open yet"),
    OPEN: Message("open"),
    SHOWN: Message("answer shown"),
}
_SHUT, _RESULT_SHOWN = Message("closed"), Message("result shown")


def desk_view(class_id: str) -> None:
    """The desk of a class that the visitor leads; in the projector view what the wall shows, moved by keys.

    Raises:
        StoreError: the class cannot be read.
    """
    try:
        board, _read = membership.boards().board(class_id)
    except ClassNotFoundError:
        membership.lead("")
        st.rerun()
    if projector.is_on():
        wall.wall(board)
        if board.now.ended is None:
            st.fragment(_keys, run_every=following.TEACHER_SECONDS, key="class-keys")(board.now)
        return
    if board.now.ended is not None:
        ending.ended_view(board)
        return
    _header(board.now)
    try:
        plan = membership.plan_of(board.now.plan)
    except ConfigError as error:
        st.error(run_picker.escape_markdown(_(error.message)), icon=":material/error:")
        if orders.trouble(class_id):
            st.error(_(orders.trouble(class_id)), icon=":material/error:")
        ending.end_popover(board.now)
        return
    # Another desk of the teacher may have switched them.
    controls.set_value("class-paused", board.now.paused)
    controls.set_value("class-doors", board.now.doors)
    leading, planning = st.columns([2, 1], gap="large")
    with leading:
        st.fragment(_lead, run_every=following.TEACHER_SECONDS, key="class-lead")(board.now, plan)
    with planning:
        lesson_plan.plan_view(board.now, plan)
        rehearsal.rehearsal_view(board, plan)
        ending.code_check(board.now)
        with st.container(horizontal=True):
            ending.end_popover(board.now)
            st.button(_("Back to the door"), type="tertiary", on_click=membership.lead, args=("",))


# --- Moves -------------------------------------------------------------------------------------------------------


def _move_button(now: Class, step: Move, at: int, shortcut: str | None = None) -> None:
    if not step.changes:  # Ending deletes the names, so it is never a single press.
        ending.end_popover(now, is_primary=True)
        return
    # The key changes with the class: a second click of a double click must not take the next move too.
    st.button(
        _(step.label),
        key=f"move-{now.revision}-{at}",
        type="primary" if at == 0 else "secondary",
        on_click=orders.move,
        args=(now, step.changes),
        shortcut=shortcut,
    )


def _possible(board: Board, plan: tuple[Task, ...], training: Mapping[int, Progress]) -> tuple[Move, ...]:
    task = plan[board.now.at]
    done = sum(one.has_trained for one in training.values())
    if isinstance(task, Draw):
        done = sum(count == len(wanted(task)) for count in drawings.drawn_by(task, board).values())
    return moves(plan, board.now, board.votes.get(board.now.round, {}), len(board.seats), done)


def _progress(board: Board, task: Task) -> dict[int, Progress]:
    """How each seat gets on with a network to train; empty before it is open, and for a question."""
    if not isinstance(task, Train) or board.now.phase == READY:
        return {}
    return progress.progress_of(task, board, time.time())


def _keys(now: Class) -> None:
    """Below the wall on the teacher's own screen: the next move, and the way back."""
    if not projector.is_on():  # "Back to the desk" was pressed.
        st.rerun()
    board = following.latest(now)
    try:
        plan = membership.plan_of(now.plan)
        rehearsal.take_up(board, plan)
        first = _possible(board, plan, _progress(board, plan[now.at]))[0]
    except ConfigError:
        first = None
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button(
            _("Back to the desk"), key="to-desk", type="tertiary", on_click=projector.switch_off, shortcut="Escape"
        )
        if first is not None and first.changes:
            _move_button(now, first, 0, shortcut="Space")


# --- What the desk shows -----------------------------------------------------------------------------------------


def _header(now: Class) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title(run_picker.escape_markdown(now.title) or _("Class"), width="content", anchor=False)
        if now.code is not None and now.doors:
            st.markdown(f"**{now.code}**", width="content")
            with st.popover(_("QR code"), icon=":material/qr_code_2:"):
                link_sharing.link_with_code(wall.join_address(now), "class-join")
        token = wall_token(workspace.token(), now.id)
        st.link_button(
            _("Open the wall"),
            f"{link_sharing.page_address()}?{projector.WALL}={token}",
            icon=":material/open_in_new:",
            help=_("A second window for the projector: it shows what all may see, and can change nothing."),
        )
        st.button(
            _("Show on this screen"),
            icon=":material/present_to_all:",
            on_click=projector.switch_on,
            help=_("If your screen is on the projector. Space is the next move, Escape leads back."),
        )
    link_sharing.large_code()
    if links.is_own(link_sharing.page_address()):
        st.caption(_("Others cannot reach this address. Open the playground by this computer's name, then go on."))


def _lead(now: Class, plan: tuple[Task, ...]) -> None:
    """The next moves, the votes, and the seats."""
    board = following.latest(now)
    rehearsal.take_up(board, plan)
    if orders.trouble(now.id):
        st.error(_(orders.trouble(now.id)), icon=":material/error:")
    task = plan[now.at]
    training = _progress(board, task)
    possible = _possible(board, plan, training)
    with st.container(horizontal=True, vertical_alignment="center"):
        for at, one in enumerate(possible):
            _move_button(now, one, at)
        st.toggle(
            _("Eyes up"),
            **controls.seeded("class-paused", now.paused),
            on_change=_switch,
            args=(now, "paused", "class-paused"),
            help=_("All screens ask to look at you, until you switch it off."),
        )
    if possible[0].advice:
        st.caption(_(possible[0].advice))
    state = _(_RESULT_SHOWN if not isinstance(task, Ask) and now.phase == SHOWN else _PHASES.get(now.phase, _SHUT))
    if now.round > 1:
        state = _("{state}, second vote", state=state)
    st.caption(_("Task {number} of {count}: {state}", number=now.at + 1, count=len(plan), state=state))
    if isinstance(task, Ask) and (step := step_of(task)) is not None:
        st.markdown(_(step.text))
    st.subheader(lesson_plan.task_title(task), anchor=False)
    shown, seats = st.columns([3, 2], gap="medium")
    with shown:
        if isinstance(task, Train):
            _training(board, task)
        elif isinstance(task, Draw):
            _drawing(board, task)
        elif isinstance(task, Look):
            _looking(now, task)
        else:
            _question(board, task)
    with seats:
        _seats(board, training, task)


def _question(board: Board, task: Ask) -> None:
    """The answers, and who has given which."""
    now, step = board.now, step_of(task)
    question.choice_list(task, now.id, has_answer=True)
    if now.phase != READY:
        question.votes_chart(task, now.id, board.votes, len(board.seats), "desk-votes")
        if now.phase != SHOWN:
            st.caption(_("Only you see this before you show the answer."))
    replies = question.replies_text(task, now.id)
    if replies:
        with st.expander(_("What students read after a wrong answer")):
            st.markdown(replies)
    if now.phase == SHOWN:
        st.markdown(question.why_text(task))
        if step is not None:
            st.page_link("pages/learn.py", label=_("Open the step"), query_params={"step": step.key})


def _training(board: Board, task: Train) -> None:
    """What is trained, and all networks so far."""
    st.markdown(networks.task_text(task))
    if board.now.phase == READY:
        seconds = networks.seconds_for(task, max(1, len(board.seats)))
        st.caption(
            _(
                "If all train at once, it takes about {duration} on this server.",
                duration=run_text.duration_text(seconds),
            )
        )
        return
    networks.picture(task, progress.networks_of(board), "desk-networks", has_spread=board.now.phase == SHOWN)
    if board.guesses:
        networks.guesses_chart(board, "desk-guesses")


def _drawing(board: Board, task: Draw) -> None:
    """The drawings as they come; a click takes one out. At the end, what the networks have read in them."""
    now = board.now
    st.markdown(drawings.drawing_text(task))
    if now.phase == READY:
        return
    if now.phase == SHOWN:
        test = drawings.class_tests().test(board)
        st.markdown(drawings.summary_text(test))
        best = drawings.best_text(test, {seat.number: seat.name for seat in board.seats})
        if best:
            st.markdown(best)
        if test.waiting:
            st.caption(drawings.waiting_text(test))
        if test.drawings and not test.is_built_in:
            drawings.readings_picture(test, "desk-tested")
    found = drawings.class_tests().drawings(board)
    out = _("taken out")
    buttons = [
        image_buttons.ImageButton(
            2 * (MAX_OF_SEAT * one.seat + one.n) + one.is_hidden,
            pictures.ink_url(one.drawing.image, 2),
            f"{one.drawing.label} · {out}" if one.is_hidden else str(one.drawing.label),
            _("Drawing of {thing}.", thing=pictures.with_article(one.drawing.label)),
        )
        for one in found
    ]
    if buttons:
        st.caption(
            _("Click a drawing to take it out, and again to put it back. The others see none before the result.")
        )

        def switch(number: int) -> None:
            # The number says what the teacher has seen, so a double click does not undo itself.
            place, was_hidden = divmod(number, 2)
            orders.hide_drawing(now, *divmod(place, MAX_OF_SEAT), not was_hidden)

        image_buttons.image_buttons(buttons, "desk-drawings", switch, _("Take it out, or put it back"))


def _looking(now: Class, task: Look) -> None:
    """What the wall shows, in words, or as a small picture."""
    step = step_of(task)
    if task.what == "drawing":
        look_task.teacher_drawing(task, 140)
    if step is not None:
        st.markdown(_(step.text))
        st.page_link("pages/learn.py", label=_("Open the step"), query_params={"step": step.key})
    st.caption(_("The wall shows it.") if now.phase != READY else _("The wall will show it."))


def _seats(board: Board, training: Mapping[int, Progress], task: Task) -> None:
    """The seats: who asks for help first, then who is there and has handed in nothing, then the others."""
    now = board.now
    voted = board.votes.get(now.round, {}) if now.phase != READY else {}
    drawn = drawings.drawn_by(task, board) if isinstance(task, Draw) else {}
    most = len(wanted(task)) if isinstance(task, Draw) else 0
    late = progress.late_seats(board, time.time()) if isinstance(task, (Ask, Draw)) else frozenset()

    def need(seat: Seat) -> tuple[bool, float, bool, bool, int]:
        own = training.get(seat.number)
        stage = drawn.get(seat.number, int(seat.number in voted)) if own is None else int(own.stage)
        return seat.hand is None, seat.hand or 0.0, not membership.is_here(seat), seat.number not in late, stage

    here = sum(map(membership.is_here, board.seats))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_("**{count} here**", count=here), width="content")
        st.toggle(
            _("Doors open"),
            **controls.seeded("class-doors", now.doors),
            on_change=_switch,
            args=(now, "doors", "class-doors"),
            help=_("While they are closed, nobody new can join."),
        )
    for seat in sorted(board.seats, key=need):
        own = training.get(seat.number)
        text = "" if own is None else _stage_text(own)
        if drawn:
            text = f":gray[{_('{count} of {most} drawn', count=drawn[seat.number], most=most)}]"
        if seat.number in late:
            text = f":orange[{_('nothing handed in yet')}]"
        is_done = drawn[seat.number] == most if drawn else seat.number in voted
        if own is not None:
            is_done = own.stage is progress.Stage.DONE
        _seat_row(now, seat, is_done, text)
    if not board.seats:
        st.caption(_("Nobody is here yet. Show the code at the front."))


def _seat_row(now: Class, seat: Seat, is_done: bool, text: str) -> None:
    """A seat: its name, below it in small letters what it does, and how to take it away."""
    mark = ":material/front_hand:" if seat.hand is not None else "✓" if is_done else "·"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"seat-{seat.number}"):
        name = seat.name if membership.is_here(seat) else f":gray[{seat.name} · {_('away')}]"
        below = f"  \n{text}" if text else ""
        st.markdown(f"{mark} {name}{below}", width="stretch")
        st.button(
            " ",
            key=f"remove-seat-{seat.number}",
            icon=":material/close:",
            type="tertiary",
            help=_("Take this seat away. While the doors are open, the browser can join again, with another name."),
            on_click=orders.remove_seat,
            args=(now.id, seat.number),
        )


def _stage_text(one: Progress) -> str:
    """What a seat does with the network."""
    if one.stage is progress.Stage.STUCK:
        return f":orange[{_(one.trouble)}]"
    if one.stage is progress.Stage.NOT_BEGUN:
        return f":gray[{_('has not begun')}]"
    state = _("is training") if one.stage is progress.Stage.TRAINING else _("done")
    best = f" · {format_number(one.best, '.1%')}" if one.best is not None else ""
    goal = f" · {_('goal reached')}" if one.has_reached else ""
    return f":gray[{ngettext('{count} network', '{count} networks', one.runs)}{best} · {state}{goal}]"


def _switch(now: Class, what: str, name: str) -> None:
    # A browser also reports a switch that it shows again, after the view for the projector.
    if controls.value_of(name) != getattr(now, what):
        orders.move(now, {what: controls.value_of(name)})
    if orders.trouble(now.id):
        controls.reset(name)
