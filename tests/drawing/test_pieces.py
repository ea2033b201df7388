"""Two digits side by side, found in drawings made of generated digits."""

from __future__ import annotations

import numpy as np

from mnist_core.drawing import pieces, strokes, to_mnist
from mnist_core.drawing.handwriting import digit_strokes
from mnist_core.evaluation import shipped


def rendered(*lines: strokes.Strokes) -> np.ndarray:
    return strokes.render(tuple(stroke for one in lines for stroke in one), 14)


def digit(label: int, random: np.random.Generator, size: float, middle: float) -> strokes.Strokes:
    return strokes.fit_to_canvas(digit_strokes(label, random), size, (middle, 0.5))


def test_pairs_are_found_and_named() -> None:
    random = np.random.default_rng(4)
    labels = [(a, b) for a in range(10) for b in range(10)]
    found = [
        pieces.two_digits(rendered(digit(a, random, 0.4, 0.25), digit(b, random, 0.4, 0.75)), shipped())
        for a, b in labels
    ]
    assert sum(one == two for one, two in zip(found, labels, strict=True)) >= 90
    assert sum(one is not None and one != two for one, two in zip(found, labels, strict=True)) <= 3


def test_single_digits_are_no_pair() -> None:
    random = np.random.default_rng(5)
    found = [pieces.two_digits(rendered(digit(k % 10, random, 0.7, 0.5)), shipped()) for k in range(200)]
    assert sum(one is not None for one in found) <= 1


def test_four_with_an_upright_of_its_own_is_one_digit() -> None:
    left = np.array([[0.3, 0.2], [0.28, 0.5], [0.55, 0.5]])
    upright = np.array([[0.63, 0.2], [0.63, 0.8]])
    drawn = rendered((left, upright))
    assert len(pieces.side_by_side(drawn)) == 2
    assert shipped()(to_mnist(drawn).image).digit == 4
    assert pieces.two_digits(drawn, shipped()) is None


def test_three_pieces_are_not_two_digits() -> None:
    three = rendered(*((np.array([[x, 0.3], [x, 0.7]]),) for x in (0.2, 0.5, 0.8)))
    assert len(pieces.side_by_side(three)) == 3
    assert pieces.two_digits(three, shipped()) is None


def test_pieces_keep_their_place() -> None:
    left, right = (np.array([[x, 0.3], [x, 0.7]]) for x in (0.2, 0.8))
    one, two = pieces.side_by_side(rendered((left, right)))
    np.testing.assert_array_equal(one, rendered((left,)))
    np.testing.assert_array_equal(two, rendered((right,)))


def test_empty_canvas_has_no_pieces() -> None:
    assert pieces.side_by_side(strokes.render((), 14)) == []
