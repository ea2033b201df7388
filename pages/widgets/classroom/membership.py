"""Which class a tab is in, and as whom: as the teacher at the desk, or in a seat."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import limits
from mnist_core.classes import draw_name, from_json, to_json
from mnist_core.classes.boards import Boards
from mnist_core.errors import ClassNotFoundError, ConfigError, LimitError, StoreError
from mnist_core.language import Message
from mnist_core.limits import CODES
from mnist_core.store import class_records, workspaces
from pages.widgets.common import address
from pages.widgets.server import visitor_limits
from pages.widgets.state import browser, class_seat, workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from mnist_core.classes import Task
    from mnist_core.store.class_records import Board, Class, Seat
    from mnist_core.store.classes import Classes
    from mnist_core.store.handed_in import Work

JOIN, DESK, SEAT, PLAN = "join", "desk", "seat", "plan"
"""Parameters of an address: the code to join by, the class that is led, the token of a seat, and a plan."""
_LED: Key[str] = Key("class-led-noted", "", of_workspace=True)
_RETURNED: Key[str] = Key("class-returned-noted", "")
_TOKEN: Key[str] = Key("class-token-noted", "")
_IS_CHECKED: Key[bool] = Key("class-checked-noted", False)
_WRONG: Key[tuple[int, float]] = Key("class-wrong-codes-noted", (0, 0.0))
_MOST_WRONG, _WAIT_SECONDS = 5, 30
SUMMARY_SECONDS = 5.0
"""How often a summary of the lesson, and a card, are read again."""


def classes() -> Classes:
    """The classes of this server.

    Raises:
        StoreError: nothing can be saved at the address of the database.
    """
    return workspace.run_saver().store.classes


def boards() -> Boards:
    """The boards that the pages of this server show."""
    return _boards(classes())


@functools.lru_cache(1)
def _boards(of: Classes) -> Boards:
    return Boards(of)


@functools.lru_cache(64)
def plan_of(text: str) -> tuple[Task, ...]:
    """The tasks of a class.

    Raises:
        ConfigError: this version does not know one of them.
    """
    return from_json(text)


def works_of(now: Class) -> tuple[Work, ...]:
    """What was handed in for the tasks of a class; read every five seconds for all pages.

    Raises:
        StoreError: the class cannot be read.
    """
    return _works_of(classes(), now.id, now.revision, _slot())


@functools.lru_cache(8)
def _works_of(of: Classes, class_id: str, _revision: int, _slot: int) -> tuple[Work, ...]:
    return tuple(of.work_of(class_id))


def board_with(now: Class, task: str) -> Board:
    """The board of a class as if another task was the current one; read every five seconds for all pages.

    Raises:
        StoreError: the class cannot be read.
    """
    return _board_with(classes(), now.id, task, now.revision, _slot())


@functools.lru_cache(32)
def _board_with(of: Classes, class_id: str, task: str, _revision: int, _slot: int) -> Board:
    return of.board(class_id, task)


def _slot() -> int:
    """Changes when what was read for all pages is to be read again."""
    return int(time.monotonic() / SUMMARY_SECONDS)


def current_task(now: Class) -> Task | None:
    """The task that is on; None if this version does not know the plan, which the desk then says."""
    try:
        plan = plan_of(now.plan)
    except ConfigError:
        return None
    return plan[now.at] if now.at < len(plan) and plan[now.at].id == now.task else None


def create(title: str, plan: tuple[Task, ...]) -> None:
    """Start a class, and go to its desk.

    Raises:
        LimitError: there were too many new visitors from this address.
        StoreError: there are too many classes, or nothing can be saved.
    """
    if not workspace.is_used():
        visitor_limits.spend(limits.WORKSPACES)
    found = classes().create(workspace.token(), title, to_json(plan), plan[0].id)
    workspace.mark_used()
    lead(found.id)


# --- The teacher -------------------------------------------------------------------------------------------------


def led_class() -> str:
    """The id of the class that this tab leads; empty for none.

    Raises:
        ClassNotFoundError: the class in the page's address is not the visitor's.
    """
    asked = address.arrived_by_address(DESK)
    if asked and asked != _LED.get():
        classes().owned(workspace.token(), asked)
        _LED.set(asked)
    return _LED.get()


def lead(class_id: str) -> None:
    """Go to the desk of a class; an empty id leaves it."""
    _LED.set(class_id)


# --- A seat ------------------------------------------------------------------------------------------------------


def seat_token() -> str:
    """The token of the browser's seats: that of the address, or else that of the workspace."""
    asked = str(st.query_params.get(SEAT, ""))
    if workspaces.is_workspace(asked):
        _TOKEN.set(asked)
    return _TOKEN.get() or class_records.seat_token(workspace.token())


def own_seat() -> tuple[str, int] | None:
    """The class and the number of this tab's seat; None for none. A code in the address takes one.

    Raises:
        LimitError: there were too many wrong codes.
        StoreError: the code opens no class, or no seat is free.
    """
    # Not before the browser has said who it is: it would get another seat with each reload.
    if class_seat.OWN.get() is not None or not browser.is_settled():
        return class_seat.OWN.get()
    code = address.arrived_by_address(JOIN)
    if code and not _RETURNED.get():
        join(code)
    elif not _IS_CHECKED.get():
        _IS_CHECKED.set(True)
        found = classes().seated(seat_token())
        seat = None if found is None else classes().seat(found.id, seat_token())
        if found is not None and seat is not None:
            class_seat.OWN.set((found.id, seat.number))
    return class_seat.OWN.get()


def join(code: str) -> None:
    """Take a seat in the class with this code.

    Raises:
        LimitError: there were too many wrong codes.
        StoreError: the code opens no class, or no seat is free.
    """
    wrong, until = _WRONG.get()
    wait = round(until - time.monotonic())
    if wait > 0:
        raise LimitError("These were many wrong codes.", Message("Wait {count} s, then try again.", count=wait))
    try:
        found = classes().find(code)
    except ClassNotFoundError:
        _code_limits().spend(CODES, "")
        is_last = wrong + 1 >= _MOST_WRONG
        _WRONG.set((0, time.monotonic() + _WAIT_SECONDS) if is_last else (wrong + 1, 0.0))
        raise
    has_seat = classes().seat(found.id, seat_token()) is not None
    if not has_seat:  # Who has one does not guess, so the wrong codes of others do not keep them out.
        _code_limits().spend(CODES, "")
        _code_limits().give_back(CODES, "")
    # A browser without cookies has lost its seat with its address: it may have been here before.
    if not has_seat and browser.is_forgetful() and away_seats(found.id):
        _RETURNED.set(found.id)
    else:
        take_seat(found.id)


def take_seat(class_id: str) -> None:
    """Take a new seat, or the one that the browser has already.

    Raises:
        StoreError: no seat is free, or the class has ended.
    """
    _RETURNED.forget()
    seat = classes().join(class_id, seat_token(), draw_name)
    class_seat.OWN.set((class_id, seat.number))
    boards().outdate(class_id)


def returned_to() -> str:
    """The id of the class in which the visitor may have had a seat; empty for none."""
    return _RETURNED.get()


def is_here(seat: Seat) -> bool:
    """Whether the browser of a seat was there a moment ago."""
    return class_records.is_recent(seat.seen, time.time())


def away_seats(class_id: str) -> list[Seat]:
    """The seats of a class whose browsers are away.

    Raises:
        StoreError: the class cannot be read.
    """
    board, _read = boards().board(class_id)
    return [seat for seat in board.seats if not is_here(seat) and not seat.pretend]


def take_over(class_id: str, number: int) -> None:
    """Go on in a seat whose browser is away.

    Raises:
        StoreError: somebody uses it, or there is no such seat.
    """
    classes().take_over(class_id, number, seat_token())
    _RETURNED.forget()
    class_seat.OWN.set((class_id, number))
    boards().outdate(class_id)


def seat_on(board: Board, number: int) -> Seat | None:
    """A seat on a board; None if it was taken away."""
    return next((seat for seat in board.seats if seat.number == number), None)


def is_own(seat: Seat) -> bool:
    """Whether a seat is still that of this browser: another one may have taken it over."""
    return seat.token == workspaces.workspace_key(seat_token())


def give_up_seat() -> None:
    """Forget this tab's seat; the class keeps it."""
    class_seat.OWN.set(None)
    address.write_address(**{JOIN: "", SEAT: ""})


def address_of_seat() -> dict[str, str]:
    """The parameters of the page's address that lead back to the seat.

    The code, and if the browser does not remember who it is, the seat's token.
    """
    own = class_seat.OWN.get()
    if own is None:  # It may not be taken yet.
        return {}
    try:
        code = boards().board(own[0])[0].now.code or ""
    except StoreError:
        return {}
    return {JOIN: code, SEAT: seat_token() if browser.is_forgetful() or _TOKEN.get() else ""}


@functools.cache
def _code_limits() -> limits.Limits:
    """Of wrong codes, for the whole server: a school has one address, and there are a thousand million codes."""
    return limits.Limits({CODES: 60}, period=60)
