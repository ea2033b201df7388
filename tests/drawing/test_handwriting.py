"""Generated digits: each form follows its definition."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_core.drawing import handwriting

ALL = [form for several in handwriting.DIGIT_FORMS.values() for form in several] + list(handwriting.LETTER_FORMS)


def test_every_digit_has_several_forms() -> None:
    assert sorted(handwriting.DIGIT_FORMS) == list(range(10))
    assert all(len(set(several)) == len(several) >= 3 for several in handwriting.DIGIT_FORMS.values())


@pytest.mark.parametrize("form", ALL)
def test_form_without_jitter_passes_through_its_points(form: str) -> None:
    lines = handwriting.form_strokes(form, np.random.default_rng(0), jitter=0)
    assert len(lines) == form.count("/") + 1
    for text, line in zip(form.split("/"), lines, strict=True):
        for pair in text.replace("|", " ").split():
            assert len(pair) == 2
            distances = np.abs(line - [int(pair[0]), int(pair[1])]).max(axis=1)
            assert distances.min() < 0.5
        assert line.min() > -2
        assert line.max() < 11


def test_corner_is_sharp_and_curve_is_smooth() -> None:
    def sharpest(form: str) -> float:
        (line,) = handwriting.form_strokes(form, np.random.default_rng(0), jitter=0)
        steps = np.diff(line, axis=0)
        steps = steps[np.linalg.norm(steps, axis=1) > 1e-9]
        directions = steps / np.linalg.norm(steps, axis=1, keepdims=True)
        return float((directions[1:] * directions[:-1]).sum(axis=1).min())

    assert sharpest("00|90|99") < 0.1  # A right angle.
    assert sharpest("00 70 99") > 0.8


def test_same_seed_writes_the_same_digit() -> None:
    for write in (lambda random: handwriting.digit_strokes(5, random), handwriting.non_digit_strokes):
        one, again = (write(np.random.default_rng(3)) for _ in range(2))
        for left, right in zip(one, again, strict=True):
            np.testing.assert_array_equal(left, right)


def test_every_written_digit_is_different() -> None:
    random = np.random.default_rng(1)
    written = {np.concatenate(handwriting.digit_strokes(2, random)).tobytes() for _ in range(50)}
    assert len(written) == 50


def test_non_digits_have_ink() -> None:
    random = np.random.default_rng(2)
    for _ in range(200):
        lines = handwriting.non_digit_strokes(random)
        points = np.concatenate(lines)
        assert np.isfinite(points).all()
        assert np.ptp(points, axis=0).max() > 1
