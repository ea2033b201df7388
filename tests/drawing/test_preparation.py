"""Preparations other than MNIST's; the expected 28x28 images are computed by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core.drawing import to_mnist
from mnist_core.drawing.preprocessing import MNIST_PREPARATION, RESIZE_ONLY, Preparation
from tests.drawing.test_preprocessing import BLACK, SEVEN, WHITE, painted, stroked, with_box


def changed(name: str, default: Any) -> Preparation:
    other: dict[str, Any] = {name: -1 if name == "pen" else not default}
    return dataclasses.replace(MNIST_PREPARATION, **other)


EACH_ALONE = {field.name: changed(field.name, field.default) for field in dataclasses.fields(Preparation)}


def test_plain_shrinking_is_the_mean_of_ten_by_ten_pixels() -> None:
    ink = np.pad(0.2 + 0.8 * np.random.default_rng(2).random((240, 200)), ((10, 30), (40, 40)))
    expected = np.rint(ink * 255).reshape(28, 10, 28, 10).mean(axis=(1, 3)) / 255
    np.testing.assert_allclose(to_mnist(painted(ink), RESIZE_ONLY).image, expected, atol=0.01)


def test_without_scaling_small_drawing_is_only_centred() -> None:
    ink = with_box((280, 280), np.s_[20:60, 200:220])
    drawing = to_mnist(painted(ink), EACH_ALONE["scale"])
    # 4 by 2 pixels with the centre at 1.5 and 0.5: 12.5 and 13.5 to the middle, rounded to even.
    np.testing.assert_allclose(drawing.image, with_box((28, 28), np.s_[12:16, 14:16]), atol=1e-6)


def test_without_centring_drawing_is_only_scaled() -> None:
    ink = with_box((280, 280), np.s_[100:200, 40:90])
    drawing = to_mnist(painted(ink), EACH_ALONE["centre"])
    # The middle is at row 150 and column 65 of 280: 15 and 6.5 of 28.
    np.testing.assert_allclose(drawing.image, with_box((28, 28), np.s_[5:25, 2:12]), atol=1e-6)


def test_without_strengthening_faint_ink_stays_faint() -> None:
    ink = with_box((280, 280), np.s_[40:240, 120:160]) * 0.4
    assert to_mnist(painted(ink), EACH_ALONE["strengthen"]).image.max() == pytest.approx(0.4, abs=0.01)


def test_option_keeps_specks() -> None:
    speckled = stroked(SEVEN, 18)
    speckled[10:14, 10:14] = 1
    assert to_mnist(painted(speckled), EACH_ALONE["drop_specks"]).steps[1].image.shape[0] > 210


def test_option_takes_only_dark_as_ink() -> None:
    dark = with_box((280, 280), np.s_[40:240, 120:160])
    on_light, on_dark = (
        to_mnist(painted(dark, *colours), EACH_ALONE["any_polarity"]) for colours in ((BLACK, WHITE), (WHITE, BLACK))
    )
    np.testing.assert_array_equal(on_light.image, to_mnist(painted(dark)).image)
    assert on_dark.image.mean() > 0.4, "the paper is taken for ink"


def test_option_keeps_only_the_largest_piece() -> None:
    two = with_box((280, 280), np.s_[40:240, 60:100], np.s_[40:140, 180:220])
    one = with_box((280, 280), np.s_[40:240, 60:100])
    np.testing.assert_array_equal(
        to_mnist(painted(two), EACH_ALONE["largest_piece"]).image, to_mnist(painted(one)).image
    )


@pytest.mark.parametrize(("pen", "columns"), [(-1, np.s_[13:15]), (1, np.s_[11:17])])
def test_option_changes_line_width_by_two_pixels(pen: int, columns: slice) -> None:
    # 100 by 20 becomes 20 by 4, from column 12.
    ink = with_box((140, 140), np.s_[20:120, 60:80])
    image = to_mnist(painted(ink), Preparation(pen=pen)).image
    rows = np.s_[5:23] if pen < 0 else np.s_[3:25]
    np.testing.assert_array_equal(image, with_box((28, 28), (rows, columns)))


@pytest.mark.parametrize("case", [*EACH_ALONE, "straight"])
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.sampled_from([40, 90, 255]))
@settings(max_examples=20, deadline=None)
def test_every_preparation_accepts_any_pixels(case: str, height: int, width: int, seed: int, most: int) -> None:
    random = np.random.default_rng(seed)
    rgba = random.integers(0, most + 1, (height, width, 4), dtype=np.uint8)
    rgba[random.random((height, width)) < 0.6] = 0
    image = to_mnist(rgba, EACH_ALONE.get(case, RESIZE_ONLY)).image
    assert image.shape == (28, 28)
    assert image.dtype == np.float32
    assert image.min() >= 0
    assert image.max() <= 1
