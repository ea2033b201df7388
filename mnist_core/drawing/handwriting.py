"""Generate random pen strokes of digits in several handwriting styles, and of things that are not digits.

MNIST's writers are Americans of the 1990s. Few of them cross their sevens or write a one with a flag, as people do
elsewhere. Letters and scribbles teach a network when not to be confident.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import make_interp_spline

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from mnist_core.drawing.strokes import Strokes

# A form is a text of points on a grid of 10 by 10, each a column and a row. A blank joins points by a curve, "|" is a
# corner, "/" lifts the pen.
DIGIT_FORMS: Mapping[int, tuple[str, ...]] = types.MappingProxyType(
    {
        0: (
            "50 22 14 27 59 77 84 72 50",
            "50 22 14 27 59 77 84 72 50/90 09",
            "62 40 13 26 59 86 83 60 41 33",
        ),
        1: ("50 59", "23|50|59", "06|60|59", "14 41|50|59", "23|50|59/19 89", "14|50|59/29 79"),
        2: (
            "12 30 60 83 65 09|99",
            "12 30 60 83 65 18 08 17 38 89",
            "22 40 71 64 19|59 98",
            "10|80|09|99",
        ),
        3: (
            "11 40 80 73 44|74 87 59 09",
            "10|80|44|74 87 59 09",
            "11 50 82 54 34|54 87 59 18",
            "11 50 82 44 34 44 87 59 18",
        ),
        4: (
            "30|05|95/62 69",
            "10 14|84/70 79",
            "20 14 35 84/80 79",
            "60|06|96/60 69",
            "59|60|06|96",
            "20|15|85/73 49",
        ),
        5: ("80|20|14|54 86 59 09", "20|14|44 86 59 09/20 80", "80 30 23 54 86 59 09", "90|20|25|54 86 59 18"),
        6: ("60 24 17 49 87 65 26", "80 33 17 49 87 65 27", "50|16 29 69 76 45 16", "71 40 14 27 59 77 65 35 17"),
        7: ("00|90|49", "00|90|49/25 75", "02|00|90|49", "01 40|90 55 39", "00|90 56 39/26 86", "02|00|90|39/25 85"),
        8: (
            "72 50 22 34 55 77 59 27 45 63 72",
            "50 31 32 44 63 61 50/54 26 28 59 88 86 54",
            "22 50 72 54 27 59 87 54 22",
        ),
        9: (
            "82 60 23 45 74 82|79",
            "82 60 23 45 74 82 86 69 29",
            "81 50 13 45 83|80|79",
            "82 50 22 45 83 77 49",
        ),
    }
)  # fmt: skip

LETTER_FORMS = (
    "09|40|89/26 76", "80|10|19|89/15 65", "80|10|19/15 65", "10 19/80 89/15 85", "10 19/80|15|89", "09|20|55|80|99",
    "19|10|89|80", "19|10 70 73 15", "19|10 70 73 15|89", "00|49|90", "00|29|44|69|90", "00 99/90 09", "00 05 49 85 80",
    "40 49/04 84", "81 40 14 49 88", "10|19|89", "10 14|54/19|14",
)  # fmt: skip


def form_strokes(form: str, random: np.random.Generator, jitter: float = 0.5) -> Strokes:
    """Return the strokes of a form, with each point moved at random.

    Args:
        form: as in `DIGIT_FORMS`.
        random: the random generator.
        jitter: standard deviation of the moves, in squares of the grid.
    """
    strokes = []
    for text in form.split("/"):
        pieces = [
            np.array([[int(pair[0]), int(pair[1])] for pair in piece.split()], float) for piece in text.split("|")
        ]
        pieces = [piece + random.normal(0, jitter, piece.shape) for piece in pieces]
        # A corner is the end of one piece and the start of the next.
        for i in range(1, len(pieces)):
            pieces[i] = np.vstack([pieces[i - 1][-1:], pieces[i]])
        strokes.append(np.vstack([_curve(piece) for piece in pieces if len(piece) > 1]))
    return tuple(strokes)


def digit_strokes(label: int, random: np.random.Generator) -> Strokes:
    """Return the strokes of a digit in a random form."""
    forms = DIGIT_FORMS[label]
    return _tilted(form_strokes(forms[random.integers(len(forms))], random), random)


def non_digit_strokes(random: np.random.Generator) -> Strokes:
    """Return the strokes of a letter, a scribble or two digits: anything but a single digit."""
    kind = random.random()
    if kind < 0.4:
        return letter_strokes(LETTER_FORMS[random.integers(len(LETTER_FORMS))], random)
    return scribble_strokes(random) if kind < 0.7 else digit_pair_strokes(random)


def letter_strokes(form: str, random: np.random.Generator) -> Strokes:
    """Return the strokes of a letter in this form."""
    return _tilted(form_strokes(form, random), random)


def scribble_strokes(random: np.random.Generator) -> Strokes:
    """Return one to three curves through random points."""
    return tuple(_curve(random.uniform(0, 9, (random.integers(5, 13), 2))) for _ in range(int(random.integers(1, 4))))


def digit_pair_strokes(random: np.random.Generator) -> Strokes:
    """Return the strokes of two digits side by side."""
    apart = random.uniform(6, 11)
    left, right = (digit_strokes(int(label), random) for label in random.integers(0, 10, 2))
    return (*left, *(stroke + np.array([apart, random.normal(0, 1)]) for stroke in right))


def _tilted(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """Stretch, slant and rotate strokes at random."""
    angle, slant, stretch = random.normal(0, [0.12, 0.2, 0.2])
    cosine, sine = np.cos(angle), np.sin(angle)
    change = np.array([[np.exp(stretch), slant], [0, 1]]) @ np.array([[cosine, -sine], [sine, cosine]])
    return tuple(stroke @ change.T for stroke in strokes)


def _curve(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return (8 n, 2) points on a smooth curve through (n, 2) points."""
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1) ** 0.5 + 1e-3
    places = np.concatenate([[0.0], np.cumsum(lengths)])
    spline = make_interp_spline(places, points, k=min(3, len(points) - 1))
    curve: npt.NDArray[np.float64] = spline(np.linspace(0, places[-1], 8 * len(points)))
    return curve
