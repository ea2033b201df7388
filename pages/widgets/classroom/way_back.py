"""Above the other pages, for somebody in a class: a line that leads back, and says when the class has moved on."""

from __future__ import annotations

import streamlit as st

from mnist_core.errors import PlaygroundError
from mnist_core.language import gettext as _
from pages.widgets.classroom import membership
from pages.widgets.state import class_seat

_SECONDS = 3.0


def way_back() -> None:
    """The line; nothing for a visitor without a seat in a class that goes on."""
    if class_seat.OWN.get() is not None:
        st.fragment(_line, run_every=_SECONDS, key="class-way-back")()


def _line() -> None:
    own = class_seat.OWN.get()
    if own is None:
        return
    class_id, number = own
    try:
        board, _read = membership.boards().board(class_id)
    except PlaygroundError:  # The class was deleted, or cannot be read: its page says so.
        return
    seat = membership.seat_on(board, number)
    if seat is None or not membership.is_own(seat) or board.now.ended is not None:
        return
    membership.boards().note_here(class_id, number)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="way-back"):
        text = f":material/event_seat: **{seat.name}**"
        if board.now.revision != class_seat.SEEN.get():
            text += f" · :orange[{_('the class has moved on')}]"
        st.markdown(text, width="content")
        st.page_link("pages/classroom.py", label=_("Go to the class"), icon=":material/groups:", width="content")
