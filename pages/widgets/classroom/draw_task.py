"""Digits to draw, on a student's page: one after the other, and at the end what the networks have read in them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.classes import wanted
from mnist_core.drawing import preprocessing, test_set
from mnist_core.errors import ClassClosedError, PlaygroundError
from mnist_core.language import Message, ngettext
from mnist_core.language import gettext as _
from mnist_core.store.classes import MAX_DRAWING_BYTES, OPEN, SHOWN
from mnist_core.store.handed_in import SavedDrawing
from pages.widgets.classroom import drawings, following, membership
from pages.widgets.common import board as boards
from pages.widgets.common import image_buttons, pictures
from pages.widgets.state.keys import Key
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from mnist_core.classes import Draw
    from mnist_core.classes.class_test import ClassTest
    from mnist_core.store.classes import Board, Class, Seat
    from pages.widgets.common.board import Drawn

# The class and the task whose sheet was cleared at its beginning.
_BEGUN: Key[tuple[str, str]] = Key("class-drawing-begun-noted", ("", ""))
# The class as it was when "Hand in" was pressed.
_WANTED: Key[Class | None] = Key("class-drawing-wanted-noted", None)
_TROUBLE: Key[str] = Key("class-drawing-trouble-noted", "")
# The class as it was when a drawing was going on and the teacher moved, and since when.
_HELD: Key[tuple[Class, float] | None] = Key("class-drawing-held-noted", None)
# The class in whose task a drawing is on the sheet; None for an empty sheet.
_IS_DRAWING: Key[Class | None] = Key("class-drawing-now-noted", None)


def held_class(now: Class) -> tuple[Class, float] | None:
    """The class as the page still shows it, because somebody was drawing when the teacher moved; None to follow.

    With the time by `time.monotonic` until when.
    """
    drawing = _IS_DRAWING.get()
    if drawing is None or drawing.revision == now.revision or drawing.id != now.id or now.paused:
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
    if now.phase == SHOWN:
        st.fragment(_result, run_every=following.STUDENT_SECONDS, key="class-drawn")(now, seat)
        return
    own = drawings.own_of(board, seat.number)
    place = drawings.next_wanted(task, own)
    if now.phase != OPEN:
        st.markdown(_("The drawing has ended. Look at the front."))
    elif place is None:
        count = ngettext("You have drawn **{count}** digit.", "You have drawn all **{count}** digits.", len(own))
        st.markdown(f"{count} {_('Look at the front.')}")
    else:
        _sheet(now, task, place)
    if now.phase != OPEN or place is None:
        _IS_DRAWING.set(None)
    _own_drawings(board, seat, task)


def _sheet(now: Class, task: Draw, place: int) -> None:
    """The board for the next digit."""
    if _BEGUN.get() != (now.id, task.id):
        _BEGUN.set((now.id, task.id))
        _TROUBLE.set("")
        boards.clear_board()
    digits = wanted(task)
    st.subheader(_("Draw {thing}", thing=pictures.with_article(digits[place])), anchor=False)
    with st.container(width=boards.WIDTH, key="class-sheet"):
        st.caption(_("Drawing {number} of {count}. Fill most of the square.", number=place + 1, count=len(digits)))
        drawn = boards.drawing_board(has_pictures=False)
        # A flag, since the last stroke may arrive together with the press.
        st.button(
            _("Hand in"),
            key="class-hand-in",
            type="primary",
            icon=":material/check:",
            width="stretch",
            on_click=_WANTED.set,
            args=(now,),
        )
        trouble = st.empty()
    _IS_DRAWING.set(now if drawn.rgba is not None else None)
    pressed = _WANTED.get()
    _WANTED.set(None)
    if pressed == now:  # Not a press from before a move.
        uninterrupted(lambda: _hand_in(now, place, digits[place], drawn))
        st.rerun()
    if _TROUBLE.get():
        trouble.error(_(_TROUBLE.get()), icon=":material/error:")


def _hand_in(now: Class, n: int, label: int, drawn: Drawn) -> None:
    _TROUBLE.set("")
    try:
        found = None if drawn.rgba is None else preprocessing.to_mnist(drawn.rgba)
        if found is None or found.is_empty or found.is_dot:
            _TROUBLE.set(Message("Draw the digit first."))
            return
        data = test_set.pack(test_set.pixels_of(found.image), drawn.strokes, MAX_DRAWING_BYTES)
        saved = SavedDrawing(n, label, False, 0.0, data)
        membership.classes().hand_in_drawing(now.id, membership.seat_token(), now.task, saved)
    except ClassClosedError as error:  # The teacher was faster.
        _TROUBLE.set(error.message)
    except PlaygroundError as error:
        _TROUBLE.set(Message("Your drawing is not handed in. {error}", error=error.message))
    else:
        boards.clear_board()
    membership.boards().outdate(now.id)


def _own_drawings(board: Board, seat: Seat, task: Draw) -> None:
    """What the seat has handed in. While the task is open, a click draws one again."""
    now, digits = board.now, wanted(task)
    own = drawings.own_of(board, seat.number)
    images = drawings.shown_drawings(board, [seat.number]) if own else {}
    if not images:
        return
    st.markdown(_("Your drawings"))
    buttons, out = [], _("taken out")
    for (_seat, n), one in images.items():
        caption = f"{one.label} · {out}" if own.get(n) else str(one.label)
        label = _("Your drawing {number}: {thing}.", number=n + 1, thing=pictures.with_article(one.label))
        buttons.append(image_buttons.ImageButton(n, pictures.ink_url(one.image, 3), caption, label))
    if now.phase == OPEN:
        title = _("Draw it again")
        image_buttons.image_buttons(buttons, "class-own-drawings", lambda n: _take_back(now, [n]), title)
        st.caption(_("Click a drawing to draw it again."))
    else:
        pictures.image_row(
            [one.image for one in images.values()], [one.caption for one in buttons], alt=[one.label for one in buttons]
        )
    if any(own.values()):
        st.caption(_("Your teacher has taken out what the others should not see."))
    if now.phase != OPEN:
        given = [n for n in own if n < len(digits)]
        st.button(
            _("Delete my drawings"), type="tertiary", icon=":material/delete:", on_click=_take_back, args=(now, given)
        )


def _take_back(now: Class, places: list[int]) -> None:
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
    if test.drawings and not test.is_built_in:
        drawings.picture(test, "student-tested", own=seat.number)
        st.caption(_("Each point is a network of the class; yours are blue."))
    if own:
        places = [test.drawings[at].n for at in own]
        st.button(
            _("Delete my drawings"), type="tertiary", icon=":material/delete:", on_click=_take_back, args=(now, places)
        )


def _reading_text(test: ClassTest, at: int) -> str:
    """The digit, how many networks misread it, and as what most of them do."""
    label, wrong = test.drawings[at].drawing.label, int(test.misread[at])
    if not wrong:
        return f"{label} ✓"
    answers = [int(answer) for answer in test.answers[:, at] if answer != label]
    return f"{label} · {wrong} ✗ ({max(set(answers), key=answers.count)})"
