"""Drawing on squared paper by keyboard."""

import numpy as np
import pytest

from pages.widgets.common.keyboard import CELLS, Sheet, after_keys


def test_lifted_pen_paints_nothing() -> None:
    assert not Sheet().moved(1, 0).moved(0, 1).inked


def test_lowered_pen_paints_its_path() -> None:
    sheet = Sheet(row=2, column=3).turned().moved(1, 0).moved(0, 1)
    assert sheet.inked == {(2, 3), (3, 3), (3, 4)}
    assert not sheet.turned().moved(1, 0).inked - sheet.inked


@pytest.mark.parametrize("step", [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_pen_stays_on_the_paper(step: tuple[int, int]) -> None:
    sheet = Sheet()
    for _ in range(2 * CELLS):
        sheet = sheet.moved(*step)
    assert 0 <= sheet.row < CELLS
    assert 0 <= sheet.column < CELLS


def test_cells_are_black_squares_of_20_pixels() -> None:
    rgba = Sheet(frozenset({(1, 2)})).rgba
    assert rgba.shape == (280, 280, 4)
    black = np.argwhere(rgba[..., 0] == 0)
    assert black.min(axis=0).tolist() == [20, 40]
    assert black.max(axis=0).tolist() == [39, 59]
    assert len(black) == 400
    assert (rgba[..., 3] == 255).all()


def test_keys_sent_together_are_all_applied() -> None:
    sheet = after_keys(Sheet(row=1, column=3), {"from": "a", "keys": "p" + "d" * 11}, ("", 0))
    assert sheet.inked == {(row, 3) for row in range(1, 13)}


def test_repeated_keys_are_applied_once() -> None:
    pressed = {"from": "a", "keys": "pdd"}
    sheet = after_keys(Sheet(row=0, column=0), pressed, ("", 0))
    assert after_keys(sheet, pressed, ("a", 3)) == sheet
    assert after_keys(sheet, {"from": "a", "keys": "pddr"}, ("a", 3)) == sheet.moved(0, 1)
    assert after_keys(sheet, {"from": "b", "keys": "r"}, ("a", 3)) == sheet.moved(0, 1)
    assert after_keys(sheet, {"from": "b", "keys": "x"}, ("a", 3)) == Sheet()


@pytest.mark.parametrize("pressed", [None, "d", ["d"], {}, {"from": 1, "keys": "d"}, {"from": "a", "keys": 3}])
def test_invalid_keys_are_ignored(pressed: object) -> None:
    assert after_keys(Sheet(), pressed, ("", 0)) == Sheet()
