"""Drawing without a mouse: keys or buttons move a pen from cell to cell."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.language import Message
from mnist_core.language import gettext as _
from pages.widgets.common import pictures
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

CELLS = 14
_CELL = 20  # pixels
_MOVES = {
    Message("Up"): (-1, 0),
    Message("Down"): (1, 0),
    Message("Left"): (0, -1),
    Message("Right"): (0, 1),
}
_KEY_MOVES = {name[0].lower(): move for name, move in _MOVES.items()}
_PAPER, _CURSOR, _LIFTED = 255, (47, 111, 222), (138, 148, 166)
_SHOWN_PAPER = np.array([238, 238, 238, 255], np.uint8)

# Shortcuts of Streamlit's buttons lose keys that are pressed during a rerun.
_KEYS = st.components.v2.component(
    "sheet_keys",
    js="""export default function ({ parentElement, setStateValue }) {
        const sheet = (parentElement.keys ??= { from: String(Math.random()), keys: "" });
        const letters = { ArrowUp: "u", ArrowDown: "d", ArrowLeft: "l", ArrowRight: "r", p: "p", P: "p", Delete: "x" };
        const press = event => {
            const letter = letters[event.key];
            const typed = "input, textarea, select, [contenteditable], [role=slider], [role=radio], [role=combobox]";
            const isOthers = event.composedPath().some(one => one.matches?.(typed));
            if (!letter || isOthers || event.ctrlKey || event.metaKey || event.altKey) return;
            event.preventDefault();
            sheet.keys += letter;
            setStateValue("pressed", { ...sheet });
        };
        // This may run again on the same element: keep only one listener.
        parentElement.forget?.();
        document.addEventListener("keydown", press);
        return parentElement.forget = () => document.removeEventListener("keydown", press);
    }""",
)


@dataclass(frozen=True)
class Sheet:
    """Squared paper with a pen on it.

    Attributes:
        inked: the cells that are painted, (row, column) from 0 to 13.
        row: the pen's row.
        column: the pen's column.
        is_down: whether the pen paints.
    """

    inked: frozenset[tuple[int, int]] = frozenset()
    row: int = 3
    column: int = 6
    is_down: bool = False

    def moved(self, down: int, right: int) -> Sheet:
        """The sheet after moving the pen by one cell, never over the edge."""
        row, column = (min(max(place, 0), CELLS - 1) for place in (self.row + down, self.column + right))
        inked = self.inked | {(row, column)} if self.is_down else self.inked
        return dataclasses.replace(self, inked=inked, row=row, column=column)

    def turned(self) -> Sheet:
        """The sheet after putting the pen down, which paints its cell, or lifting it."""
        is_down = not self.is_down
        inked = self.inked | {(self.row, self.column)} if is_down else self.inked
        return dataclasses.replace(self, inked=inked, is_down=is_down)

    @property
    def rgba(self) -> npt.NDArray[np.uint8]:
        """(280, 280, 4) uint8: black cells on white."""
        shade = np.full((CELLS, CELLS), _PAPER, np.uint8)
        for cell in self.inked:
            shade[cell] = 0
        large = np.kron(shade, np.ones((_CELL, _CELL), np.uint8))
        return np.dstack([large, large, large, np.full_like(large, 255)])


_SHEET = Key("sheet-noted", Sheet())
_KEYS_DONE = Key("sheet-keys-done-noted", ("", 0))


def keyboard_sheet() -> npt.NDArray[np.uint8]:
    """The sheet and its buttons, each with a shortcut; returns the drawing, (280, 280, 4) uint8."""
    paper = st.container()
    pressed = _KEYS(key="sheet-keys", on_pressed_change=lambda: None).get("pressed")
    sheet = after_keys(_SHEET.get(), pressed, _KEYS_DONE.get())
    _SHEET.set(sheet)
    _KEYS_DONE.set(_counted(pressed))
    with paper:
        _show(sheet)
    return sheet.rgba


def clear_sheet() -> None:
    """Clear the sheet; the pen stays where it is."""
    _SHEET.set(dataclasses.replace(_SHEET.get(), inked=frozenset(), is_down=False))


def _show(sheet: Sheet) -> None:
    picture = np.minimum(sheet.rgba, _SHOWN_PAPER)  # Otherwise the paper would be invisible on a white page.
    top, left = sheet.row * _CELL, sheet.column * _CELL
    frame = np.s_[top : top + _CELL, left : left + _CELL]
    inside = np.s_[top + 4 : top + _CELL - 4, left + 4 : left + _CELL - 4]
    within = picture[inside].copy()
    picture[frame][..., :3] = _CURSOR if sheet.is_down else _LIFTED
    picture[inside] = within
    pen = _("down, painting") if sheet.is_down else _("lifted")
    where = _("Row {row}, column {column}. The pen is {pen}.", row=sheet.row + 1, column=sheet.column + 1, pen=pen)
    alt = _(
        "Squared paper, {count} of {cells} cells painted. {where}",
        count=len(sheet.inked),
        cells=CELLS * CELLS,
        where=where,
    )
    st.image(pictures.png_url(picture), width=CELLS * _CELL, alt=alt)
    st.info(where)
    with st.container(horizontal=True):
        _button("pen", _("Lift the pen") if sheet.is_down else _("Put the pen down"), Sheet.turned)
        for name, (down, right) in _MOVES.items():
            _button(name, _(name), functools.partial(Sheet.moved, down=down, right=right))
        _button("clear", _("Clear"), lambda _sheet: Sheet())
    st.caption(_("Keys: arrows move the pen, P puts it down and lifts it, Delete clears."))


def after_keys(sheet: Sheet, pressed: object, done: tuple[str, int]) -> Sheet:
    """The sheet after the new keys.

    Args:
        sheet: the sheet before.
        pressed: untrusted input from the browser: ``{"from": id, "keys": "pdl..."}``. It holds all keys so far, so that
            no key is lost when they come faster than reruns. With a new id they start again.
        done: the id and the number of keys that the sheet already has.
    """
    source, count = _counted(pressed)
    if not isinstance(pressed, dict) or not count:
        return sheet
    for key in pressed["keys"][done[1] if source == done[0] else 0 :]:
        if key in _KEY_MOVES:
            sheet = sheet.moved(*_KEY_MOVES[key])
        elif key == "p":
            sheet = sheet.turned()
        elif key == "x":
            sheet = Sheet()
    return sheet


def _counted(pressed: object) -> tuple[str, int]:
    if not isinstance(pressed, dict):
        return "", 0
    source, keys = pressed.get("from"), pressed.get("keys")
    return (source, len(keys)) if isinstance(source, str) and isinstance(keys, str) else ("", 0)


def _button(name: str, label: str, change: Callable[[Sheet], Sheet]) -> None:
    # Changes the current sheet, not the one of this rerun: presses may be faster than reruns.
    def press() -> None:
        _SHEET.set(change(_SHEET.get()))

    st.button(label, key=f"sheet-{name}", on_click=press)
