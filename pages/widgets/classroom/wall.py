"""The wall of a class: what all may see, in type for the back row. It only looks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import links
from mnist_core.classes import Ask, Draw, Look, Train, progress, step_of, wanted
from mnist_core.errors import ClassNotFoundError
from mnist_core.language import format_number, ngettext
from mnist_core.language import gettext as _
from mnist_core.store.class_records import OPEN, READY, SHOWN
from pages.widgets.classroom import drawings, following, look_task, membership, networks, question, wall_runs
from pages.widgets.classroom.wall_runs import FONT_SIZE
from pages.widgets.common import link_sharing
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from mnist_core.classes import Task
    from mnist_core.lessons.course import Step
    from mnist_core.store.class_records import Board, Class

# The smallest text is 16 pixels, so 28 on a projector of 1280x720. Below a mouse, the buttons of a chart would cover
# what stands above it. Each part of a wall may say that it is not up to date: once, at the bottom, without moving it.
# What every page has at its end shows nothing here, and needs no room.
_STYLE = """
.stElementToolbar { display: none; }
.stMain .stMainBlockContainer { --large: 1.75; padding: 1rem 1.25rem 0; }
.stMain p { font-size: 1rem; }
.stMain .st-key-page-language, .stMain .st-key-workspace-cookie { position: absolute; top: 0; }
.stElementContainer:has(.stAlert) { position: fixed; z-index: 1; right: 1.25rem; bottom: 0.5rem; left: 1.25rem;
    width: auto; background: Canvas; pointer-events: none; }
@media (min-width: 1600px) { .stMain .stMainBlockContainer { --large: 2.6; } }
@media (max-width: 1000px) { .stMain .stMainBlockContainer { --large: 1; } }
"""
_FEW = 3
_MOST_NAMED = 3
# Widths grow with the type, so these are 105 pixels on a projector of 1280x720.
_MOST_DRAWINGS, _FEW_DRAWINGS, _DRAWING_WIDTH = 10, 5, 60
# The class, and the network that was clicked.
_SPOTLIGHT: Key[tuple[Class, str] | None] = Key("class-spotlight-noted", None)
_ID: Key[tuple[str, str]] = Key("class-wall-noted", ("", ""))


def wall_view(token: str) -> None:
    """The wall that a token opens, in a window of its own.

    Raises:
        StoreError: it opens none, or the class cannot be read.
    """
    of_token, class_id = _ID.get()
    if of_token != token:
        class_id = membership.classes().on_wall(token).id
        _ID.set((token, class_id))
    try:
        board, _read = membership.boards().board(class_id)
    except ClassNotFoundError:  # It was deleted in the meantime.
        st.header(_("The lesson has ended."), anchor=False)
        return
    wall(board)


def wall(board: Board) -> None:
    """What all may see of a class now."""
    st.html(f"<style>{_STYLE}</style>")
    now = board.now
    if now.ended is not None:
        st.header(_("The lesson has ended."), anchor=False)
        return
    task = membership.current_task(now)
    is_arriving = now.phase == READY and (now.at == 0 or len(board.seats) < _FEW)
    if is_arriving and now.code is not None and not now.paused:
        _invitation(now)
        return
    step = None if task is None else step_of(task)
    title, corner = st.columns([3, 1], gap="medium")
    with corner:
        st.fragment(_corner, run_every=following.TEACHER_SECONDS, key="class-corner")(now)
    with title:
        if now.paused:
            st.title(_("Eyes up!"), anchor=False)
            return
        if task is None or now.phase == READY or not isinstance(task, Ask):
            st.header(_title(task) if step is None else _(step.title), anchor=False)
        elif now.phase == SHOWN:  # The answer needs the room.
            st.subheader(question.question_text(task), anchor=False)
        else:
            st.header(question.question_text(task), anchor=False)
    _content(board, task, step)


def _content(board: Board, task: Task | None, step: Step | None) -> None:
    """What stands below the title."""
    now = board.now
    if isinstance(task, Train):
        _training(board, task)
    elif isinstance(task, Draw):
        _drawing(now, task)
    elif isinstance(task, Look):
        if now.phase != READY:
            look_task.look_on_wall(now, membership.plan_of(now.plan), task)
    elif task is not None and now.phase == SHOWN:
        _answer(board, task, step)
    elif task is not None and now.phase != READY:
        choices, state = st.columns([3, 2], gap="medium")
        with choices:
            question.choice_list(task, now.id, has_answer=False)
        with state:
            st.fragment(_state, run_every=following.TEACHER_SECONDS, key="class-state")(now, task)
    elif step is not None:
        st.markdown(_(step.text))


def _title(task: Task | None) -> str:
    """What comes, without giving a question away before it is open."""
    if isinstance(task, Draw):
        return drawings.digits_text(task)
    if isinstance(task, Look):
        return look_task.title_of(task)
    return _("Train a network") if isinstance(task, Train) else _("Next question")


def _answer(board: Board, task: Ask, step: Step | None) -> None:
    """The right answer with all votes; then the step's run, or why it is right."""
    has_runs = step is not None and bool(step.trials_of_class)
    left, right = st.columns([2, 3] if has_runs else [3, 2], gap="medium")
    with left if has_runs else right:
        if has_runs:
            question.right_choice(task, board.now.id)
        question.votes_chart(task, board.now.id, board.votes, 0, "wall-votes", FONT_SIZE, 280)
    if step is not None and has_runs:
        with right:
            wall_runs.runs_view(step.trials_of_class, step, wall_runs.height_of(step))
        return
    with left:
        question.choice_list(task, board.now.id, has_answer=True)
    st.markdown(question.why_text(task))


def _training(board: Board, task: Train) -> None:
    """What the class trains, then its networks as they learn; at the end the guesses and one network from near."""
    now = board.now
    if now.phase == READY:
        st.markdown(networks.task_text(task))
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.fragment(_networks, run_every=following.TEACHER_SECONDS, key="class-networks")(now, task)
    with right:
        st.fragment(_trained, run_every=following.TEACHER_SECONDS, key="class-trained")(now, task)


def _drawing(now: Class, task: Draw) -> None:
    """How many digits are drawn, without pictures: the teacher sees them first. At the end, what was read in them."""
    if now.phase == READY:
        st.markdown(drawings.drawing_text(task))
    elif now.phase == SHOWN:
        st.fragment(_drawn, run_every=following.TEACHER_SECONDS, key="class-drawn")(now)
    else:
        st.fragment(_drawing_state, run_every=following.TEACHER_SECONDS, key="class-drawing")(now, task)


def _drawing_state(now: Class, task: Draw) -> None:
    board = following.latest(now)
    given, most = drawings.drawn_by(task, board), len(wanted(task))
    count = drawings.count_of(board)
    st.title(str(count), anchor=False)
    done = sum(own == most for own in given.values())
    drawn = ngettext("digit is drawn.", "digits are drawn.", count)
    st.markdown(f"{drawn} {_('**{done} of {seats}** have drawn all.', done=done, seats=len(given))}")
    st.progress(sum(given.values()) / max(1, most * len(given)))
    if now.phase != OPEN:
        st.markdown(_("The drawing has ended."))


def _drawn(now: Class) -> None:
    board = following.latest(now)
    test = drawings.class_tests().test(board)
    left, right = st.columns([3, 2], gap="medium")
    chosen = None
    with right:
        if test.drawings and not test.is_built_in and len(test.networks):
            chosen = drawings.readings_picture(test, "wall-tested", font_size=FONT_SIZE, height=340, can_select=True)
            if chosen is not None:
                st.markdown(_("It reads **{share:.0%}** right.", share=test.scores[chosen]))
            elif not test.waiting:
                st.markdown(_("Click a point to look at its network."))
        if test.waiting and chosen is None:
            st.markdown(drawings.waiting_text(test))
    with left:
        st.markdown(drawings.summary_text(test) if chosen is None else networks.network_line(test.networks[chosen]))
        best = drawings.best_text(test) if chosen is None else ""
        if best:
            st.markdown(best)
        # One row of drawings less makes room for it.
        drawings.hardest_view(test, chosen, _FEW_DRAWINGS if best else _MOST_DRAWINGS, _DRAWING_WIDTH)


def _networks(now: Class, task: Train) -> None:
    board, is_shown = following.latest(now), now.phase == SHOWN
    chosen = networks.picture(
        task,
        progress.networks_of(board),
        "wall-networks",
        has_spread=is_shown,
        can_select=is_shown,
        font_size=FONT_SIZE,
        height=400 if is_shown else 500,
    )
    _SPOTLIGHT.set((now, chosen.run) if chosen is not None else None)
    if chosen is not None:
        st.markdown(networks.network_line(chosen))
    elif is_shown:
        st.markdown(_("Click a point to look at its network."))


def _trained(now: Class, task: Train) -> None:
    """How many train and are done; at the end what was guessed, and the best seats if the teacher wants it."""
    board = following.latest(now)
    found = progress.progress_of(task, board, time.time())
    spot = _SPOTLIGHT.get()
    run = spot[1] if spot is not None and spot[0] == now else ""
    chosen = next((one for one in progress.networks_of(board) if one.run == run), None)
    if now.phase != SHOWN:
        done = sum(one.has_trained for one in found.values())
        trains = sum(one.stage is progress.Stage.TRAINING for one in found.values())
        st.title(_("{voted} of {seats}", voted=done, seats=len(found)), anchor=False)
        st.markdown(_("have trained a network"))
        st.markdown(ngettext("{count} is training", "{count} are training", trains))
    elif chosen is not None and not chosen.is_active:
        networks.network_curve(now.id, chosen, "wall-curve", FONT_SIZE, 255)
    elif board.guesses:
        networks.guesses_chart(board, "wall-guesses", FONT_SIZE, 235 if task.ranking else 260)
    if networks.goal_text(task):
        if now.phase != SHOWN:  # Then the result needs the room, and the goal is in the picture.
            st.markdown(networks.goal_text(task))
        reached = sum(one.has_reached for one in found.values())
        st.markdown(ngettext("{count} has reached the goal", "{count} have reached the goal", reached))
    if task.ranking and now.phase == SHOWN and chosen is None:  # Otherwise its curve needs the room.
        names = {seat.number: seat.name for seat in board.seats}
        best = [one for one in progress.best_seats(progress.networks_of(board), _MOST_NAMED) if one.seat in names]
        lines = (f"{names[one.seat]} **{format_number(one.accuracy, '.1%')}**" for one in best)
        # In one paragraph: a list has more space between its lines.
        st.markdown("  \n".join(f"{at}\\. {line}" for at, line in enumerate(lines, 1)))


def _invitation(now: Class) -> None:
    """How to join, as large as it can be."""
    picture, words = st.columns([1, 1], vertical_alignment="center")
    picture.image(links.code(join_address(now)), alt=_("QR code: join the class."), width="stretch")
    with words:
        st.markdown(_("Scan the code, or open"))
        # The address of the door, short enough to type.
        st.markdown(f"**{link_sharing.page_address().split('://', 1)[-1]}**")
        st.title(_spaced(now.code or ""), anchor=False)
        st.fragment(_arrivals, run_every=following.TEACHER_SECONDS, key="class-arrivals")(now)


def join_address(now: Class) -> str:
    """The address that takes a seat."""
    return f"{link_sharing.page_address()}?{membership.JOIN}={now.code}"


def _spaced(code: str) -> str:
    return f"{code[:3]} {code[3:]}"


def _arrivals(now: Class) -> None:
    st.header(_("{count} here", count=_here(following.latest(now))), anchor=False)


def _here(board: Board) -> int:
    return sum(map(membership.is_here, board.seats))


def _corner(now: Class) -> None:
    here = _("{count} here", count=_here(following.latest(now)))
    code = f"**{_spaced(now.code)}** · " if now.code is not None and now.doors else ""
    st.markdown(f"{code}{here}", text_alignment="right")


def _state(now: Class, task: Ask) -> None:
    """What changes without a move of the teacher: who has voted, and the time to talk."""
    board = following.latest(now)
    if now.phase == OPEN:
        if now.round > 1:
            st.markdown(f"**{question.vote_name(now.round)}**")
        voted = len(board.votes.get(now.round, {}))
        st.title(_("{voted} of {seats}", voted=voted, seats=len(board.seats)), anchor=False)
        st.markdown(_("have voted"))
    elif now.round == 1 and task.twice:
        st.subheader(_("Convince your neighbour"), anchor=False)
        seconds = max(0, int(time.time() - now.moved))
        st.title(f"{seconds // 60}:{seconds % 60:02}", anchor=False)
    else:
        st.subheader(_("The vote is closed."), anchor=False)
