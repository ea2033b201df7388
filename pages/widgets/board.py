"""What is drawn on, or a picture instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit_drawable_canvas import st_canvas

from mnist_core import photo, strokes
from mnist_core.errors import DrawingError, PlaygroundError
from pages.widgets import clipboard, keyboard, session

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from mnist_core.strokes import Strokes

    Canvas = tuple[dict[str, Any] | None, npt.NDArray[np.uint8] | None]
    """A drawing as the canvas has it, and its picture, (h, w, 4); None before anything was drawn."""

_PENS = (6, 40)
_DRAWING = "drawing"
_BLANK: Canvas = (None, None)

# The canvas has no name of its own for people who do not see it, and it may come later than this.
_NAME_IT = st.components.v2.component(
    "canvas_name",
    js="""export default function ({ data }) {
        let waiting = 0;
        const name = () => {
            const components = document.querySelectorAll("[data-testid=stBidiComponentIsolated]");
            const canvas = [...components].map(c => c.shadowRoot?.querySelector("canvas.upper-canvas")).find(Boolean);
            if (!canvas) {
                waiting = requestAnimationFrame(name);
                return;
            }
            canvas.setAttribute("role", "img");
            canvas.setAttribute("aria-label", data.name);
        };
        name();
        return () => cancelAnimationFrame(waiting);
    }""",
)


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is to be read.

    Attributes:
        rgba: (h, w, 4) uint8; None before there is anything.
        hint: what to do while there is nothing; empty where an error has said it.
        strokes: how it was drawn, in pixels of the canvas; none if it was not drawn by hand.
    """

    rgba: npt.NDArray[np.uint8] | None
    hint: str
    strokes: Strokes = ()


def show() -> Drawn:
    """The canvas, or what has been chosen instead, and below it the choice."""
    place = st.container()
    with place:
        pasted = _pasted()
    below = st.container(horizontal=True)
    with below.popover("Pen, keys, picture", icon=":material/tune:"):
        pen = st.slider(
            "Width of the pen",
            *_PENS,
            **session.seeded("pen", session.kept("pen", 18)),
            help="Of a canvas of 280 pixels.",
        )
        session.keep("pen", pen)
        by_keys = st.toggle(
            "Draw with keys",
            **session.seeded("by-keys", session.kept("by-keys", False)),
            help="Arrow keys move a pen, P puts it down and lifts it.",
        )
        session.keep("by-keys", by_keys)
        file = st.file_uploader(
            "Read a picture instead",
            ["png", "jpg", "jpeg"],
            key=f"picture-{session.kept('pictures', 0)}",
            max_upload_size=photo.MAX_BYTES // 2**20,
            help="A photo of a digit on paper, a scan or a screenshot. You can also copy a picture and paste it here.",
        )
    with place:
        picture = pasted if file is None else file.getvalue()
        if picture is not None:
            rgba = _picture(picture)
            hint = "There is nothing on this picture. Draw again, or choose another one."
            return Drawn(rgba, "" if rgba is None else hint)
        if by_keys:
            return Drawn(keyboard.show(), "Put the pen down with P and move it with the arrow keys.")
        drawn = _canvas(pen)
        # The canvas's own button for that brings back what it began with, a drawing from before another page.
        below.button("Clear", icon=":material/delete:", on_click=_clear, help="Take a blank sheet.")
        return drawn


def _first_drawing(key: str) -> dict[str, Any] | None:
    """The drawing that the canvas `key` begins with: what there was before another page was shown."""
    if session.chosen(key) is None:
        last: Canvas = session.kept(_DRAWING, _BLANK)
        session.keep("first-drawing", last[0])
    first: dict[str, Any] | None = session.kept("first-drawing", None)
    return first


def _clear() -> None:
    session.keep(_DRAWING, _BLANK)
    session.keep("canvases", session.kept("canvases", 0) + 1)


def _canvas(pen: int) -> Drawn:
    key = f"canvas-{session.kept('canvases', 0)}"
    try:
        new = _sent(pen, key)
        strokes.from_canvas(new[0])
    except DrawingError as error:
        st.error(str(error), icon=":material/error:")
        return Drawn(None, "")
    if new[1] is not None:
        session.keep(_DRAWING, new)
    # Of what it was given to begin with, the canvas tells no picture.
    last: Canvas = session.kept(_DRAWING, new)
    drawn, rgba = last
    _NAME_IT(data={"name": "Drawing area: draw one digit with mouse, pen or finger"}, key="canvas-name")
    hint = "Draw in the white square with mouse, pen or finger. The answer comes after each stroke."
    return Drawn(rgba, hint, strokes.from_canvas(drawn))


def _sent(pen: int, key: str) -> Canvas:
    """What the browser has sent of the canvas, which may be anything: its drawing unchecked, its picture read.

    Raises:
        DrawingError: the picture is none.
    """
    try:
        canvas = st_canvas(
            stroke_width=pen,
            stroke_color="#000000",
            background_color="#ffffff",
            width=strokes.CANVAS,
            height=strokes.CANVAS,
            return_image_data=True,
            initial_drawing=_first_drawing(key),
            key=key,
        )
        drawing, data = canvas.json_data, canvas.image_bytes
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DrawingError("The drawing cannot be read.", "Clear the canvas and draw again.") from error
    return drawing, None if data is None else photo.from_canvas(data)


def _pasted() -> bytes | None:
    """The file of the picture that was pasted last, until the visitor wants to draw again or uploads one."""
    try:
        new = clipboard.pasted()
    except PlaygroundError as error:
        st.error(str(error), icon=":material/error:")
        new = None
    if new is not None:
        _put_away()
        session.keep("pasted", new)
    kept: bytes | None = session.kept("pasted", None)
    return kept


def _picture(data: bytes) -> npt.NDArray[np.uint8] | None:
    picture = None
    try:
        found = photo.read_picture(data)
        picture = found.rgba
        done = ", dark on white" * found.is_turned + ", its light evened out" * found.is_evened
        st.image(picture, caption=f"Your picture{done}", width=strokes.CANVAS)
    except PlaygroundError as error:
        st.error(str(error), icon=":material/error:")
    st.button("Draw again", icon=":material/draw:", on_click=_put_away, help="Put the picture away.")
    return picture


def _put_away() -> None:
    # An uploader with another key has no file.
    session.keep("pasted", None)
    session.keep("pictures", session.kept("pictures", 0) + 1)
