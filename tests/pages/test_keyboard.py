"""Squared paper whose pen is moved by keys."""

import numpy as np
import pytest

from pages.widgets.keyboard import CELLS, Sheet


def test_a_lifted_pen_paints_nothing() -> None:
    assert not Sheet().moved(1, 0).moved(0, 1).inked


def test_a_pen_that_is_down_paints_where_it_goes() -> None:
    sheet = Sheet(row=2, column=3).turned().moved(1, 0).moved(0, 1)
    assert sheet.inked == {(2, 3), (3, 3), (3, 4)}
    assert not sheet.turned().moved(1, 0).inked - sheet.inked


@pytest.mark.parametrize("step", [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_the_pen_stays_on_the_paper(step: tuple[int, int]) -> None:
    sheet = Sheet()
    for _ in range(2 * CELLS):
        sheet = sheet.moved(*step)
    assert 0 <= sheet.row < CELLS
    assert 0 <= sheet.column < CELLS


def test_cells_are_squares_of_20_black_pixels_on_white() -> None:
    rgba = Sheet(frozenset({(1, 2)})).rgba
    assert rgba.shape == (280, 280, 4)
    black = np.argwhere(rgba[..., 0] == 0)
    assert black.min(axis=0).tolist() == [20, 40]
    assert black.max(axis=0).tolist() == [39, 59]
    assert len(black) == 400
    assert (rgba[..., 3] == 255).all()
