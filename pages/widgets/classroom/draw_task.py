"""Digits to draw, on a student's page: one after the other, and at the end what the networks have read in them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.classes import wanted
from mnist_core.drawing import test_set
from mnist_core.errors import ClassClosedError, PlaygroundError
from mnist_core.language import Message
from mnist_core.language import gettext as _
from mnist_core.store.class_records import MAX_DRAWING_BYTES, OPEN, SHOWN
from mnist_core.store.handed_in import SavedDrawing
from pages.widgets.classroom import drawings, following, membership
from pages.widgets.common import board as boards
from pages.widgets.common import image_buttons, pictures
from pages.widgets.state.keys import Key
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamlit.delta_generator import DeltaGenerator

    from mnist_core.classes import Draw
    from mnist_core.classes.class_test import ClassTest
    from mnist_core.store.class_records import Board, Class, Seat
    from pages.widgets.common.board import Drawn

    # A class, and its task, phase and round.
    Moment = tuple[str, str, str, int]

# The class and the task whose sheet was cleared at its beginning.
_BEGUN: Key[tuple[str, str]] = Key("class-drawing-begun-noted", ("", ""))
# Where the class was, and which drawing was asked for, when "Hand in" was pressed.
_WANTED: Key[tuple[Moment, int] | None] = Key("class-drawing-wanted-noted", None)
# The class, and which drawings were handed in: the board may be a second old, until the next move.
_GIVEN: Key[tuple[Class, frozenset[int]] | None] = Key("class-drawings-given-noted", None)
# Where the class was, and which drawing is drawn again.
_AGAIN: Key[tuple[Moment, int] | None] = Key("class-drawing-again-noted", None)
_TROUBLE: Key[str] = Key("class-drawing-trouble-noted", "")
# The board while something is on the sheet; None for an empty sheet.
_IS_DRAWING: Key[Board | None] = Key("class-drawing-now-noted", None)
# That board after the class has moved, and since when.
_HELD: Key[tuple[Board, float] | None] = Key("class-drawing-held-noted", None)


def held_board(now: Class) -> tuple[Board, float] | None:
    """The board as the page still shows it, because somebody was drawing when the teacher moved; None to follow.

    With the time by `time.monotonic` until when.
    """
    drawing = _IS_DRAWING.get()
    if drawing is None or _moment(drawing.now) == _moment(now) or now.paused:
        _HELD.set(None)
        return None
    held = _HELD.get()
    if held is None or held[0] != drawing:
        held = drawing, time.monotonic()
        _HELD.set(held)
    until = held[1] + following.HOLD_SECONDS
    if time.monotonic() < until:
        return drawing, until
    _IS_DRAWING.set(None)
    return None


def draw_view(board: Board, seat: Seat, task: Draw, is_held: bool) -> None:
    """The task for one seat, in any phase but the first.

    Args:
        board: the class.
        seat: the seat.
        task: what is drawn.
        is_held: whether the class has moved on in the meantime.
    """
    now = board.now
    notice = st.container()  # It has its place in any case: the canvas below would lose its drawing if it moved.
    if is_held:
        notice.info(_("The class has moved on. Your page follows in a moment."), icon=":material/directions_walk:")
    if _BEGUN.get() != (now.id, task.id):
        _BEGUN.set((now.id, task.id))
        _TROUBLE.set("")
        boards.clear_board()
    if now.phase == SHOWN:
        _trouble(st.container())
        st.fragment(_result, run_every=following.STUDENT_SECONDS, key="class-drawn")(now, seat)
        return
    own = drawings.own_of(board, seat.number)
    place = _next(now, task, own)
    if now.phase == OPEN and place is not None:
        _sheet(board, task, place)
    else:
        _IS_DRAWING.set(None)
        if now.phase == OPEN:
            st.markdown(_("That was the last digit. Look at the front."))
        else:
            st.markdown(_("The drawing has ended. Look at the front."))
        _trouble(st.container())
    _own_drawings(board, seat)


def _moment(now: Class) -> Moment:
    """Where a class is. Other changes, such as closed doors, do not concern a drawing."""
    return now.id, now.task, now.phase, now.round


def _next(now: Class, task: Draw, own: Mapping[int, bool]) -> int | None:
    """Which drawing is asked for: one that is drawn again, or else the first that is missing; None for none."""
    again, given = _AGAIN.get(), _GIVEN.get()
    if again is not None and again[0] == _moment(now):
        return again[1]
    just = given[1] if given is not None and given[0] == now else frozenset()
    return drawings.next_wanted(task, {*own, *just})


def _trouble(place: DeltaGenerator) -> None:
    if _TROUBLE.get():
        place.error(_(_TROUBLE.get()), icon=":material/error:")


def _sheet(board: Board, task: Draw, place: int) -> None:
    """The board for a digit."""
    now, digits = board.now, wanted(task)
    st.subheader(_("Draw {thing}", thing=pictures.with_article(digits[place])), anchor=False)
    with st.container(width=boards.WIDTH, key="class-sheet"):
        st.caption(
            _(
                "Drawing {number} of {count}. At the end the class sees all drawings, without names.",
                number=place + 1,
                count=len(digits),
            )
        )
        drawn = boards.drawing_board(has_pictures=False)
        # A flag, since the last stroke may arrive together with the press.
        st.button(
            _("Hand in"),
            key=f"class-hand-in-{place}",
            type="primary",
            icon=":material/check:",
            width="stretch",
            on_click=_WANTED.set,
            args=((_moment(now), place),),
        )
        trouble = st.empty()
    _IS_DRAWING.set(board if _has_ink(drawn) else None)
    pressed = _WANTED.get()
    _WANTED.set(None)
    if pressed == (_moment(now), place):  # Not a press for another drawing, or from before a move.
        uninterrupted(lambda: _hand_in(now, place, digits[place], drawn))
        st.rerun()
    _trouble(trouble)


def _has_ink(drawn: Drawn) -> bool:
    return drawn.rgba is not None and bool((drawn.rgba != drawn.rgba[0, 0]).any())


def _hand_in(now: Class, n: int, label: int, drawn: Drawn) -> None:
    _TROUBLE.set("")
    try:
        image = boards.digit_on(drawn)
        if image is None:
            _TROUBLE.set(Message("Draw the digit first."))
            return
        data = test_set.pack(image, drawn.strokes, MAX_DRAWING_BYTES)
        saved = SavedDrawing(n, label, False, 0.0, data)
        membership.classes().hand_in_drawing(now.id, membership.seat_token(), now.task, saved)
    except ClassClosedError as error:  # The teacher was faster.
        _TROUBLE.set(error.message)
    except PlaygroundError as error:
        _TROUBLE.set(Message("Your drawing is not handed in. {error}", error=error.message))
    else:
        boards.clear_board()
        given = _GIVEN.get()
        before = given[1] if given is not None and given[0] == now else frozenset()
        _GIVEN.set((now, before | {n}))
        _AGAIN.set(None)
    membership.boards().outdate(now.id)


def _own_drawings(board: Board, seat: Seat) -> None:
    """What the seat has handed in. While the task is open, a click draws one again; the old one stays until then."""
    now, own = board.now, drawings.own_of(board, seat.number)
    images = drawings.drawings_of(board, seat.number) if own else {}
    if not images:
        return
    st.markdown(_("Your drawings"))
    buttons, out = [], _("taken out")
    for n, one in images.items():
        caption = f"{one.label} · {out}" if own.get(n) else str(one.label)
        label = _("Your drawing {number}: {thing}.", number=n + 1, thing=pictures.with_article(one.label))
        buttons.append(image_buttons.ImageButton(n, pictures.ink_url(one.image, 3), caption, label))
    if now.phase == OPEN:
        title = _("Draw it again")
        image_buttons.image_buttons(buttons, "class-own-drawings", lambda n: _draw_again(now, n), title)
        st.caption(_("Click a drawing to draw it again."))
    else:
        pictures.image_row(
            [one.image for one in images.values()], [one.caption for one in buttons], alt=[one.label for one in buttons]
        )
        _deletion(now, own)
    if any(own.values()):
        st.caption(_("Your teacher has taken out what the others should not see."))


def _draw_again(now: Class, n: int) -> None:
    _TROUBLE.set("")
    _AGAIN.set((_moment(now), n))
    boards.clear_board()


def _deletion(now: Class, own: Iterable[int]) -> None:
    with st.popover(_("Delete my drawings"), type="tertiary", icon=":material/delete:"):
        st.markdown(_("They are then gone from this lesson, for the whole class."))
        st.button(_("Delete them"), key="class-delete-drawings", on_click=_take_back, args=(now, tuple(own)))


def _take_back(now: Class, places: Iterable[int]) -> None:
    _TROUBLE.set("")
    try:
        for n in places:
            membership.classes().take_back_drawing(now.id, membership.seat_token(), now.task, n)
    except PlaygroundError as error:
        _TROUBLE.set(error.message)
    membership.boards().outdate(now.id)


def _result(now: Class, seat: Seat) -> None:
    """What the networks of the class have read in the own drawings, and how the own networks read those of all."""
    board = following.latest(now)
    test = drawings.class_tests().test(board)
    st.markdown(drawings.summary_text(test))
    if test.waiting:
        st.caption(drawings.waiting_text(test))
    own = [at for at, one in enumerate(test.drawings) if one.seat == seat.number]
    if own and len(test.networks):
        st.markdown(_("Your drawings, and how many networks misread each"))
        alt = [_("Your drawing: {thing}.", thing=pictures.with_article(test.drawings[at].drawing.label)) for at in own]
        pictures.image_row(
            [test.drawings[at].drawing.image for at in own], [_reading_text(test, at) for at in own], width=72, alt=alt
        )
    mine = [at for at, one in enumerate(test.networks) if one.seat == seat.number]
    if mine and test.drawings:
        best = max(mine, key=lambda at: test.networks[at].accuracy)
        st.markdown(
            _(
                "Your network with the highest validation accuracy reads **{share:.0%}** of the drawings right.",
                share=test.scores[best],
            )
        )
    best_text = drawings.best_text(test)
    if best_text and set(mine) & set(test.best):
        st.success(_("Your network reads the drawings of the class best."), icon=":material/trophy:")
    elif best_text:
        st.markdown(best_text)
    if test.drawings and not test.is_built_in:
        drawings.readings_picture(test, "student-tested", own=seat.number)
        st.caption(_("Each point is a network of the class; yours are blue."))
    handed_in = drawings.own_of(board, seat.number)
    if handed_in:
        _deletion(now, handed_in)


def _reading_text(test: ClassTest, at: int) -> str:
    """The digit, how many networks misread it, and as what most of them do."""
    label, wrong = test.drawings[at].drawing.label, int(test.misread[at])
    if not wrong:
        return f"{label} ✓"
    answers = [int(answer) for answer in test.answers[:, at] if answer != label]
    return f"{label} · {wrong} ✗ ({max(set(answers), key=answers.count)})"
