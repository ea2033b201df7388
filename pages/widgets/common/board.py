"""The place to draw: the canvas, the keyboard sheet, or a picture in their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.drawing import photo, preprocessing, strokes, test_set
from mnist_core.errors import DrawingError, PlaygroundError
from mnist_core.language import gettext as _
from pages.widgets.common import canvas, clipboard, keyboard
from pages.widgets.state import controls
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from mnist_core.drawing.strokes import Strokes

_PENS = (6, 40)
# The answer is next to it; a phone of 390 pixels has room for 358.
WIDTH = 340

_PEN = Key("pen-noted", 18)
_PICTURES = Key("pictures-noted", 0)
_BY_KEYS = Key("by-keys-noted", False)
_PASTED: Key[bytes | None] = Key("pasted-noted", None)


@dataclass(frozen=True, eq=False)
class Drawn:
    """The input for the networks.

    Attributes:
        rgba: (h, w, 4) uint8; None if there is nothing yet.
        hint: what to do while there is nothing; empty if an error has been shown.
        strokes: the strokes in pixels of the canvas; empty if it was not drawn by hand.
    """

    rgba: npt.NDArray[np.uint8] | None
    hint: str
    strokes: Strokes = ()


def drawing_board(has_pictures: bool = True, width: int = WIDTH) -> Drawn:
    """The canvas, the keyboard sheet or a picture, with controls below to choose between them.

    Args:
        has_pictures: whether a picture can be chosen. If not, what is drawn is always the visitor's own hand.
        width: of the canvas on the screen in pixels, if there is room.
    """
    place = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pen = st.slider(_("Pen width"), *_PENS, **controls.seeded("pen", _PEN.get()))
        _PEN.set(pen)
        by_keys = st.toggle(_("Keyboard"), **controls.seeded("by-keys", _BY_KEYS.get()))
        _BY_KEYS.set(by_keys)
    if not has_pictures:
        with place:
            return _by_hand(pen, by_keys, width)
    with st.container(horizontal=True, gap="small"):
        with st.popover(_("Photo"), icon=":material/image:", width="stretch"):
            file = st.file_uploader(
                _("Read a picture instead"),
                ["png", "jpg", "jpeg"],
                key=f"picture-{_PICTURES.get()}",
                max_upload_size=photo.MAX_BYTES // 2**20,
                help=_(
                    "A photo of a digit on paper, a scan or a screenshot. "
                    "You can also copy a picture and paste it here."
                ),
            )
        _camera()
    pasted = _pasted()
    with place:
        picture = pasted if file is None else file.getvalue()
        if picture is not None:
            rgba = _picture(picture)
            hint = _("There is nothing in this picture. Draw again, or choose another picture.")
            return Drawn(rgba, "" if rgba is None else hint)
        return _by_hand(pen, by_keys, width)


def digit_on(drawn: Drawn) -> npt.NDArray[np.uint8] | None:
    """What the networks get: (28, 28) uint8, 255 = ink; None if there is nothing, or only a dot."""
    found = None if drawn.rgba is None else preprocessing.to_mnist(drawn.rgba)
    return None if found is None or found.is_empty or found.is_dot else test_set.pixels_of(found.image)


def _by_hand(pen: int, by_keys: bool, width: int) -> Drawn:
    if by_keys:
        return Drawn(keyboard.keyboard_sheet(), _("Put the pen down with P and move it with the arrow keys."))
    return _drawn(pen, width)


def clear_board() -> None:
    """Clear the canvas and the keyboard sheet, and remove the picture."""
    canvas.clear_canvas()
    keyboard.clear_sheet()
    _put_away()


def _drawn(pen: int, width: int) -> Drawn:
    try:
        drawing, rgba = canvas.drawing_canvas(pen, width)
    except DrawingError as error:
        st.error(_(error.message), icon=":material/error:")
        canvas.canvas_buttons()
        return Drawn(None, "")
    canvas.canvas_buttons()
    hint = _("Draw in the white square. The answer comes after each stroke.")
    return Drawn(rgba, hint, strokes.from_canvas(drawing))


def _camera() -> None:
    """The device's camera, in a popover. The browser asks the visitor for it when the popover opens, not before."""
    folded = st.popover(
        _("Camera"), icon=":material/photo_camera:", width="stretch", on_change="rerun", key="camera-open"
    )
    if not folded.open:
        return
    key = f"camera-{_PICTURES.get()}"

    def take() -> None:
        taken = controls.value_of(key)
        if taken is not None:
            _put_away()
            _PASTED.set(taken.getvalue())
            controls.set_value("camera-open", False)

    folded.camera_input(
        _("One digit, dark on light paper"),
        key=key,
        on_change=take,
        help=_("Your browser asks you first. Cameras work over HTTPS only, or on the server's own computer."),
    )


def _pasted() -> bytes | None:
    """The last pasted picture, until the visitor draws again or uploads a file."""
    try:
        new = clipboard.pasted_picture()
    except PlaygroundError as error:
        st.error(_(error.message), icon=":material/error:")
        new = None
    if new is not None:
        _put_away()
        _PASTED.set(new)
    return _PASTED.get()


def _picture(data: bytes) -> npt.NDArray[np.uint8] | None:
    picture = None
    try:
        found = photo.read_picture(data)
        picture = found.rgba
        done = _(", dark on white") * found.is_inverted + _(", with shadows removed") * found.is_light_corrected
        st.image(
            picture,
            caption=_("Your picture{done}", done=done),
            width=strokes.CANVAS,
            alt=_("Your picture, as the networks get it."),
        )
    except PlaygroundError as error:
        st.error(_(error.message), icon=":material/error:")
    st.button(_("Draw again"), icon=":material/draw:", on_click=_put_away, help=_("Remove the picture."))
    return picture


def _put_away() -> None:
    # A new key empties the uploader, and switches the camera off.
    _PASTED.set(None)
    _PICTURES.set(_PICTURES.get() + 1)
