"""A page follows its class: it is drawn again when the teacher moves, and says so when the server does not know."""

from __future__ import annotations

import datetime
import time
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.classes.boards import STALE_SECONDS
from mnist_core.errors import ClassNotFoundError
from mnist_core.language import gettext as _
from pages.widgets.classroom import membership
from pages.widgets.common import time_zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mnist_core.store.class_records import Board, Class, Seat

    Work = tuple[float | None, tuple[str, ...], tuple[tuple[int, float, bool], ...]]

STUDENT_SECONDS, TEACHER_SECONDS = 2.0, 1.0
"""How often the page of a student, and the desk or the wall, look at the class."""
HOLD_SECONDS = 5.0
"""A move does not take the pen out of somebody's hand: their page follows so much later."""


def follow(now: Class, seat: Seat, own: Sequence[Mapping[int, int]], work: Sequence[Work]) -> None:
    """Draw the page of a seat again when its class has moved, and note that the seat is there.

    Args:
        now: the class as the page shows it.
        seat: the seat.
        own: its votes by round, as the page shows them and as they were on the board. It is also drawn again when they
            are others: after a reload the board may be a second old, and another tab may have voted.
        work: what it has handed in otherwise, `own_work`, as on the board and as the page shows it.
    """
    st.fragment(_follow, run_every=STUDENT_SECONDS, key="class-follow")(now, seat, own, work)


def follow_later(now: Class, seat: Seat, until: float) -> None:
    """Draw the page of a seat again at a time by `time.monotonic`, when it follows its class, which has moved."""
    st.fragment(_follow_later, run_every=STUDENT_SECONDS / 2, key="class-follow-later")(now, seat, until)


def _follow_later(now: Class, seat: Seat, until: float) -> None:
    membership.boards().note_here(now.id, seat.number)
    if time.monotonic() >= until:
        st.rerun()


def _follow(now: Class, seat: Seat, own: Sequence[Mapping[int, int]], work: Sequence[Work]) -> None:
    board = latest(now)
    there = membership.seat_on(board, seat.number)
    # It was taken away, or another browser goes on in it: the page says so.
    if there is None or there.token != seat.token:
        st.rerun()
    membership.boards().note_here(now.id, seat.number)
    if own_votes(board, seat.number) not in own or own_work(board, seat.number) not in work:
        st.rerun()


def own_work(board: Board, number: int) -> Work:
    """The guess of a seat, the ids of its runs, and what makes its drawings."""
    drawings = tuple((one.n, one.changed, one.is_hidden) for one in board.drawings.get(number, ()))
    return board.guesses.get(number), tuple(run.run for run in board.runs.get(number, ())), drawings


def own_votes(board: Board, number: int) -> dict[int, int]:
    """The choices of a seat, by round."""
    return {round_: given[number] for round_, given in board.votes.items() if number in given}


def latest(now: Class) -> Board:
    """The board of a class, for a fragment of a page that shows it as `now`; runs the page again if it has moved."""
    try:
        board, read = membership.boards().board(now.id)
    except ClassNotFoundError:  # The page says what has happened.
        st.rerun()
    if _state_of(board.now) != _state_of(now):
        st.rerun()
    if time.time() - read > STALE_SECONDS:
        clock = f"{datetime.datetime.fromtimestamp(read, time_zone.of_visitor()):%H:%M}"
        st.warning(
            _("The server cannot look at the class: not up to date since {clock}.", clock=clock),
            icon=":material/sync_problem:",
        )
    return board


def _state_of(now: Class) -> tuple[int, bool]:
    """What a page compares: it is drawn again when this changes."""
    return now.revision, now.ended is None
