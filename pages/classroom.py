"""A class: one page with four faces, by who looks: the door, a student, the teacher's desk, and the wall."""

import streamlit as st

from mnist_core.errors import PlaygroundError
from mnist_core.language import gettext as _
from pages.widgets.classroom import desk, door, membership, student, wall
from pages.widgets.common import address, projector
from pages.widgets.state import browser


def show() -> None:
    """The face of the page for this visitor."""
    on_wall = st.query_params.get(projector.WALL)
    if on_wall is not None:
        wall.wall_view(on_wall)
        return
    led = membership.led_class()
    seat = None if led else membership.own_seat()
    if led:
        desk.desk_view(led)
    elif seat is not None:
        student.student_view(*seat)
    elif membership.returned_to():
        door.return_view(membership.returned_to())
    elif address.arrived_by_address(membership.JOIN) and not browser.is_settled():
        door.waiting_view()
    else:
        door.door_view()
    used = {membership.PLAN: ""} if led else {}
    address.write_address(**{membership.DESK: led}, **used, **membership.address_of_seat())


try:
    show()
except PlaygroundError as error:
    if projector.is_on():
        st.error(_(error.message), icon=":material/error:")
    else:
        door.door_view(error.message)
