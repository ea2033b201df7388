"""The canvas for mouse, pen or finger, and its two buttons.

The current drawing is remembered on the server. The browser sends it after each stroke. Undo and Clear change it here
and give the canvas a new initial drawing. Until the browser has loaded that, it may still send a replaced drawing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from streamlit_drawable_canvas import st_canvas

from mnist_core.drawing import photo, strokes
from mnist_core.errors import DrawingError
from mnist_core.language import gettext as _
from pages.widgets.state import controls
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Drawing = tuple[dict[str, Any] | None, npt.NDArray[np.uint8] | None]
    """Lines as the canvas describes them, checked, and their picture, (h, w, 4); None before anything was drawn."""

_KEY = "canvas"
_BLANK: Drawing = (None, None)
_USUAL_PEN, _PENS = 18.0, (1.0, 60.0)

# The canvas package has no settings for these three. Its toolbar is invisible on touch screens but takes strokes that
# begin there, and its pencil button stops all drawing: hide it. The canvas fills the width of its container; its own
# pixels stay the same. And screen readers need a name for it.
_SHAPE = st.components.v2.component(
    "canvas_shape",
    js="""export default function ({ data }) {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(`
            .dc-toolbar { display: none !important; }
            .dc-root { width: min(${data.width}px, calc(100vw - 32px)) !important; }
            .dc-container, .canvas-container, canvas {
                width: 100% !important; height: auto !important; aspect-ratio: 1;
            }
            canvas { touch-action: none !important; }`);
        const shaped = new Set();
        const shape = () => {
            for (const { shadowRoot: root } of document.querySelectorAll("[data-testid=stBidiComponentIsolated]")) {
                if (!root) continue;
                changes.observe(root, { childList: true, subtree: true });
                const canvas = root.querySelector("canvas.upper-canvas");
                if (!canvas) continue;
                canvas.setAttribute("role", "img");
                canvas.setAttribute("aria-label", data.name);
                if (root.adoptedStyleSheets.includes(sheet)) continue;
                root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
                shaped.add(root);
            }
        };
        // The canvas may appear later than this, and may be mounted again.
        const changes = new MutationObserver(shape);
        changes.observe(document.body, { childList: true, subtree: true });
        shape();
        return () => {
            changes.disconnect();
            for (const root of shaped) {
                root.adoptedStyleSheets = root.adoptedStyleSheets.filter(one => one !== sheet);
            }
        };
    }""",
)

_DRAWING: Key[Drawing] = Key("drawing-noted", _BLANK)
_BEGINNING: Key[dict[str, Any] | None] = Key("beginning-noted", None)
_CHANGES = Key("changes-noted", 0)
_REPLACED: Key[Sequence[list[Any]]] = Key("replaced-noted", ())


def drawing_canvas(pen: int, width: int) -> Drawing:
    """The canvas; returns the drawing.

    Lines are in pixels of a square of `strokes.CANVAS`, whatever its size on the screen.

    Args:
        pen: width of the next lines.
        width: width on the screen in pixels, if there is room.

    Raises:
        DrawingError: the browser has sent something that is not a drawing with its picture.
    """
    if controls.value_of(_KEY) is None:  # It is new, for example after another page.
        _begin_with(_DRAWING.get()[0])
    try:
        result = st_canvas(
            stroke_width=pen,
            stroke_color="#000000",
            background_color="#ffffff",
            width=strokes.CANVAS,
            height=strokes.CANVAS,
            return_image_data=True,
            initial_drawing=_BEGINNING.get(),
            key=_KEY,
        )
        drawing, data = result.json_data, result.image_bytes
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DrawingError("The drawing cannot be read.", "Clear the canvas and draw again.") from error
    finally:
        name = _("Drawing area: draw one digit with mouse, pen or finger")
        _SHAPE(data={"name": name, "width": width}, key="canvas-shape")
    strokes.from_canvas(drawing)
    # The canvas sends no picture of its initial drawing.
    if data is not None and _paths(drawing) not in _REPLACED.get():
        _DRAWING.set((drawing, photo.read_canvas(data)))
        _REPLACED.set([])
    return _DRAWING.get()


def canvas_buttons() -> None:
    """The buttons Undo and Clear."""
    drawing, _picture = _DRAWING.get()
    with st.container(horizontal=True, gap="small"):
        st.button(_("Undo"), icon=":material/undo:", disabled=not _paths(drawing), on_click=_undo, width="stretch")
        st.button(_("Clear"), icon=":material/delete:", on_click=clear_canvas, width="stretch")


def clear_canvas() -> None:
    """Remove the drawing."""
    _replace(None)


def _undo() -> None:
    drawing, _picture = _DRAWING.get()
    rest = (drawing or {}).get("objects", [])[:-1]
    _replace({**(drawing or {}), "objects": rest} if rest else None)


def _replace(drawing: dict[str, Any] | None) -> None:
    replaced, _picture = _DRAWING.get()
    _REPLACED.set([*_REPLACED.get(), _paths(replaced)])
    _DRAWING.set(_BLANK if drawing is None else (drawing, _painted(drawing)))
    _begin_with(drawing)


def _begin_with(drawing: dict[str, Any] | None) -> None:
    """Give the canvas an initial drawing, with a number: it ignores the same one twice."""
    changes = _CHANGES.get() + 1
    _CHANGES.set(changes)
    _BEGINNING.set({**(drawing or {"objects": []}), "change": changes})


def _paths(drawing: dict[str, Any] | None) -> list[Any]:
    """The paths of a drawing, to compare drawings."""
    return [one.get("path") for one in (drawing or {}).get("objects", [])]


def _painted(drawing: dict[str, Any]) -> npt.NDArray[np.uint8]:
    """A picture of a checked drawing, used until the browser sends its own."""
    layers = []
    for one in drawing["objects"]:
        pen = one.get("strokeWidth")
        width = float(np.clip(pen, *_PENS)) if isinstance(pen, (int, float)) else _USUAL_PEN
        layers += [strokes.render((line / strokes.CANVAS,), width) for line in strokes.from_canvas({"objects": [one]})]
    return np.minimum.reduce(layers) if layers else strokes.render((), _USUAL_PEN)
