"""The diagnosis of drawings that each have one problem."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mnist_core.drawing import diagnosis, strokes, to_mnist
from mnist_core.drawing.preprocessing import MNIST_PREPARATION

TWO = (np.array([[0.0, 2.0], [3.0, 0.0], [7.0, 1.0], [8.0, 3.0], [0.0, 12.0], [9.0, 12.0]]),)


def drawn(pen: float = 18, size: float = 0.65, centre: tuple[float, float] = (0.5, 0.5), lines: Any = TWO) -> Any:
    return strokes.render(strokes.fit_to_canvas(lines, size, centre), pen)


def lighter(canvas: Any, share: float) -> Any:
    result = canvas.copy()
    result[..., :3] = 255 - (255 - canvas[..., :3]) * share
    return result


def inverted(canvas: Any) -> Any:
    result = canvas.copy()
    result[..., :3] = 255 - canvas[..., :3]
    return result


def speckled(canvas: Any) -> Any:
    result = canvas.copy()
    result[5:9, 5:9, :3] = 0
    return result


CASES = {
    "light on dark": (inverted(drawn()), "any_polarity", False),
    "small": (drawn(size=0.25, pen=7), "scale", False),
    "off-centre": (drawn(size=0.4, pen=12, centre=(0.3, 0.7)), "centre", False),
    "faint": (lighter(drawn(), 0.4), "strengthen", False),
    "specks": (speckled(drawn()), "drop_specks", False),
    "two pieces": (drawn(lines=(*TWO, np.array([[14.0, 0.0], [14.0, 12.0]]))), "largest_piece", True),
    "thick": (drawn(pen=60), "pen", -1),
    "thin": (drawn(pen=5), "pen", 1),
}


@pytest.mark.parametrize("case", CASES)
def test_finding_and_its_fix_change_the_answer(case: str) -> None:
    canvas, field, value = CASES[case]
    (finding,) = diagnosis.diagnose(canvas)
    changed = {
        name
        for name in vars(MNIST_PREPARATION)
        if getattr(finding.preparation, name) != getattr(MNIST_PREPARATION, name)
    }
    assert changed == {field}
    assert getattr(finding.preparation, field) == value
    assert np.abs(to_mnist(canvas, finding.preparation).image - to_mnist(canvas).image).max() > 0.3


def test_usual_drawing_has_no_findings() -> None:
    assert diagnosis.diagnose(drawn()) == ()


def test_empty_canvas_has_no_findings() -> None:
    assert diagnosis.diagnose(np.full((280, 280, 4), 255, np.uint8)) == ()


def test_several_findings_at_once() -> None:
    canvas = inverted(drawn(size=0.25, pen=7, centre=(0.2, 0.2)))
    changed = [finding.preparation for finding in diagnosis.diagnose(canvas)]
    assert [not one.any_polarity for one in changed] == [True, False, False]
    assert [not one.scale for one in changed] == [False, True, False]
    assert [not one.centre for one in changed] == [False, False, True]


@pytest.mark.parametrize("width", [2, 3, 4, 6])
def test_line_width_of_a_slanted_bar(width: int) -> None:
    canvas = strokes.render((np.array([[0.2, 0.2], [0.8, 0.75]]),), width * 10)
    image = canvas[..., 0].reshape(28, 10, 28, 10).mean(axis=(1, 3))
    assert diagnosis.line_width((1 - image / 255).astype(np.float32)) == pytest.approx(width, rel=0.25)


def test_line_width_without_ink() -> None:
    assert diagnosis.line_width(np.zeros((28, 28), np.float32)) == 0


def test_small_faint_mark_on_transparency_is_diagnosed() -> None:
    glass = np.zeros((280, 280, 4), np.uint8)
    glass[100:110, 100:120, 3] = 90
    assert {finding.trial for finding in diagnosis.diagnose(glass)} >= {"left faint", "not enlarged"}
