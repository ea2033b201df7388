"""Two hundred generated photos and screenshots: ink becomes dark on light paper, and the network can read it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from mnist_core.drawing import handwriting, photo, strokes, to_mnist
from mnist_core.evaluation import shipped

SIDES = (288, 384)
# The line width in pixels of such a picture, and its reflectance, where paper is 1.
PENS = {"pencil": ((2, 6), (0.5, 0.7)), "pen": ((3, 9), (0.15, 0.4)), "marker": ((9, 25), (0.05, 0.2))}
CHALK, SCREEN, DARK_SCREEN = "chalk", "screen", "dark screen"
KINDS = (*PENS, CHALK, SCREEN, DARK_SCREEN)


@dataclass(frozen=True, eq=False)
class Picture:
    """The file of a picture, its digits, and its ink (h, w) from 0 to 1."""

    data: bytes
    digits: list[int]
    ink: Any


def random_ink(
    random: np.random.Generator, digits: list[int], shape: tuple[int, int], width: float, size: float
) -> Any:
    """Ink (h, w) from 0 to 1: digits side by side; `size` is the height of each as a share of its place."""
    height, across = shape
    place = min(height, across // len(digits))
    row = []
    for digit in digits:
        lines = strokes.fit_to_canvas(handwriting.digit_strokes(digit, random), size)
        row.append(1 - strokes.render(lines, width * strokes.CANVAS / place, place)[..., 0] / 255)
    ink = np.hstack(row)
    below = int(random.integers(height - ink.shape[0] + 1))
    beside = int(random.integers(across - ink.shape[1] + 1))
    return np.pad(ink, ((below, height - ink.shape[0] - below), (beside, across - ink.shape[1] - beside)))


def random_picture(seed: int, kind: str) -> Picture:
    """A picture whose light decreases from 235 to between 235 and 170 across it, and a little from top to bottom."""
    random = np.random.default_rng(seed)
    height, across = shape = SIDES if random.random() < 0.5 else SIDES[::-1]
    is_screen = kind in (SCREEN, DARK_SCREEN)
    digits = [int(one) for one in random.integers(0, 10, 5 if is_screen and random.random() < 0.6 else 1)]
    widths, returned = PENS.get(kind, ((3, 15), (0.0, 0.0)))
    width = min(random.uniform(*widths), 10 if len(digits) > 1 else 99)
    ink = random_ink(random, digits, shape, width, random.uniform(0.5 if width > 14 else 0.3, 0.85))
    if is_screen:
        return Picture(packed(255 * (ink if kind == DARK_SCREEN else 1 - ink), "PNG"), digits, ink)
    x, y = np.meshgrid(np.linspace(0, 1, across), np.linspace(0, 1, height))
    light = 1 - (1 - random.uniform(170, 235) / 235) * x - random.uniform(0, 0.08) * y
    light = light[:, ::-1] if random.random() < 0.5 else light
    if kind == CHALK:
        wiped = ndimage.gaussian_filter(random.normal(0, 1, shape), 5) * 25
        board, chalk = random.uniform(35, 80), random.uniform(170, 235)
        scene = board + wiped + (chalk - board) * ink * random.uniform(0.75, 1, shape)
    else:
        scene = 235 * (1 - (1 - random.uniform(*returned)) * ink)
    camera = ndimage.gaussian_filter(scene * light, 0.6) + random.normal(0, random.uniform(1, 4), shape)
    return Picture(packed(camera, "JPEG"), digits, ink)


def packed(grey: Any, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_light_photo_is_read(kind: str) -> None:
    turned, misread = [], []
    for seed in range(34):
        picture = random_picture(seed, kind)
        canvas = photo.read(picture.data)
        if np.corrcoef(255 - canvas[..., 0].ravel().astype(float), picture.ink.ravel())[0, 1] < 0.5:
            turned.append(seed)
        elif len(picture.digits) == 1:
            misread += [seed] * (int(shipped()(to_mnist(canvas).image).digit) != picture.digits[0])
    assert not turned
    assert len(misread) <= 1


@pytest.mark.parametrize("margin", [0, 1, 12])
def test_thick_digit_filling_the_picture_stays_dark(margin: int) -> None:
    for digit in range(10):
        lines = strokes.fit_to_canvas(handwriting.digit_strokes(digit, np.random.default_rng(digit)), 0.75)
        ink = 1 - strokes.render(lines, 36)[..., 0] / 255
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        ink = np.pad(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], margin)
        canvas = photo.read(packed(255 * (1 - ink), "PNG"))
        assert np.corrcoef(255 - canvas[..., 0].ravel().astype(float), ink.ravel())[0, 1] > 0.5, digit


@pytest.mark.parametrize(
    ("kind", "is_inverted", "is_light_corrected"),
    [(SCREEN, False, False), (DARK_SCREEN, True, False), ("pen", False, True), (CHALK, True, True)],
)
def test_photo_steps_are_reported(kind: str, is_inverted: bool, is_light_corrected: bool) -> None:
    for seed in range(5):
        picture = photo.read_picture(random_picture(seed, kind).data)
        assert (picture.is_inverted, picture.is_light_corrected) == (is_inverted, is_light_corrected)


def test_transparent_drawing_is_left_unchanged() -> None:
    glass = np.zeros((40, 40, 4), np.uint8)
    glass[10:30, 18:22, 3] = glass[26:30, 18:32, 3] = 255
    buffer = io.BytesIO()
    Image.fromarray(glass).save(buffer, "PNG")
    picture = photo.read_picture(buffer.getvalue())
    assert not picture.is_inverted
    assert not picture.is_light_corrected
    np.testing.assert_array_equal(picture.rgba, glass)
