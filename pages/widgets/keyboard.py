"""Drawing without a mouse: a pen that goes from cell to cell, by keys or by buttons."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.widgets import pictures, session

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

CELLS = 14
_CELL = 20  # pixels
_MOVES = {"Up": (-1, 0), "Down": (1, 0), "Left": (0, -1), "Right": (0, 1)}
_PAPER, _CURSOR, _LIFTED = 255, (47, 111, 222), (138, 148, 166)
_SHOWN_PAPER = np.array([238, 238, 238, 255], np.uint8)


@dataclass(frozen=True)
class Sheet:
    """Squared paper with a pen on it.

    Attributes:
        inked: the cells that are painted, (row, column) from 0 to 13.
        row: where the pen is.
        column: likewise.
        is_down: whether it paints where it goes.
    """

    inked: frozenset[tuple[int, int]] = frozenset()
    row: int = 3
    column: int = 6
    is_down: bool = False

    def moved(self, down: int, right: int) -> Sheet:
        """The pen gone one cell on, never over the edge."""
        row, column = (min(max(place, 0), CELLS - 1) for place in (self.row + down, self.column + right))
        inked = self.inked | {(row, column)} if self.is_down else self.inked
        return dataclasses.replace(self, inked=inked, row=row, column=column)

    def turned(self) -> Sheet:
        """The pen put down, which paints its cell, or lifted."""
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


def show() -> npt.NDArray[np.uint8]:
    """The paper and its buttons, each with a key; returns what is painted, (280, 280, 4) uint8."""
    sheet: Sheet = session.kept("sheet", Sheet())
    picture = np.minimum(sheet.rgba, _SHOWN_PAPER)  # Else a white page would show no paper at all.
    top, left = sheet.row * _CELL, sheet.column * _CELL
    frame = np.s_[top : top + _CELL, left : left + _CELL]
    inside = np.s_[top + 4 : top + _CELL - 4, left + 4 : left + _CELL - 4]
    within = picture[inside].copy()
    picture[frame][..., :3] = _CURSOR if sheet.is_down else _LIFTED
    picture[inside] = within
    pen = "down, painting" if sheet.is_down else "lifted"
    where = f"Row {sheet.row + 1}, column {sheet.column + 1}. The pen is {pen}."
    alt = f"Squared paper, {len(sheet.inked)} of {CELLS * CELLS} cells painted. {where}"
    st.image(pictures.url(picture), width=CELLS * _CELL, alt=alt)
    st.info(where)
    with st.container(horizontal=True):
        _button("pen", "Lift the pen" if sheet.is_down else "Put the pen down", "P", Sheet.turned)
        for name, (down, right) in _MOVES.items():
            _button(name, name, name, functools.partial(Sheet.moved, down=down, right=right))
        _button("clear", "Clear", "Delete", lambda _: Sheet())
    return sheet.rgba


def _button(name: str, label: str, key: str, change: Callable[[Sheet], Sheet]) -> None:
    # It changes the paper as it is when its turn comes: keys may be faster than the page.
    def press() -> None:
        session.keep("sheet", change(session.kept("sheet", Sheet())))

    st.button(label, key=f"sheet-{name}", shortcut=key, on_click=press)
