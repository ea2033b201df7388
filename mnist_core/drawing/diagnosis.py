"""Find what is unusual about a drawing, and how to test whether it matters."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from mnist_core.drawing import preprocessing
from mnist_core.drawing.preprocessing import MNIST_PREPARATION, Preparation
from mnist_core.language import Message

if TYPE_CHECKING:
    import numpy.typing as npt

# Shares of the canvas's longer side.
_SMALL = 0.35
_OFF_CENTRE = 0.15
_FAINT = 0.6  # of full ink
# In pixels of 28. 95 % of MNIST's training images have lines from 1.5 to 4.3 pixels wide.
_NARROW_LINE = 1.5
_WIDE_LINE = 4.3


@dataclass(frozen=True)
class Finding:
    """Something unusual about a drawing.

    Attributes:
        text: a sentence that names it and what is done about it.
        trial: how the drawing is read for the test, in words that follow "the drawing".
        preparation: how to prepare the drawing for the test.
    """

    text: str
    trial: str
    preparation: Preparation


def line_width(image: npt.NDArray[np.float32]) -> float:
    """Return the mean line width of an image in pixels: twice the area of the ink divided by the length of its outline.

    Args:
        image: (28, 28) float32 in [0, 1], 1 = ink. Without a value of at least 0.5, the result is 0.
    """
    mask = np.pad(image >= 0.5, 1)
    outline = np.count_nonzero(np.diff(mask, axis=0)) + np.count_nonzero(np.diff(mask, axis=1))
    # For an outline with all directions, the steps along rows and columns are 4 / pi times as long.
    return float(2 * image.sum() / (outline * np.pi / 4)) if outline else 0.0


def diagnose(rgba: npt.NDArray[np.uint8]) -> tuple[Finding, ...]:
    """Return what is unusual about a drawing; nothing for an empty canvas.

    Args:
        rgba: as in `preprocessing.to_mnist`.

    Raises:
        DrawingError: as in `preprocessing.to_mnist`.
    """
    drawn = preprocessing.to_mnist(rgba)
    if drawn.is_empty:
        return ()
    raw = preprocessing.to_mnist(rgba, Preparation(strengthen=False, drop_specks=False)).steps[0].image
    ink = drawn.steps[0].image
    extent = preprocessing.bounding_box(ink > 0)
    longer = max(ink.shape)
    size = max(part.stop - 1 - part.start for part in extent) / longer
    away = max(abs(part.start + part.stop - 1 - side) / 2 for part, side in zip(extent, ink.shape, strict=True))
    pieces = ndimage.label(ink > 0, structure=np.ones((3, 3)))[1]
    width = line_width(drawn.image)
    is_speckled = bool(((raw >= preprocessing.INK_FLOOR * raw.max()) & (ink == 0)).any())
    found = (
        (
            _is_light_on_dark(rgba),
            Message("Light on dark. Ink is whatever differs from the background."),
            Message("with dark parts as ink"),
            {"any_polarity": False},
        ),
        (
            size < _SMALL,
            Message("Small for the canvas, so it was enlarged."),
            Message("not enlarged"),
            {"scale": False},
        ),
        (
            away / longer > _OFF_CENTRE,
            Message("Not in the middle, so it was moved there."),
            Message("not moved"),
            {"centre": False},
        ),
        (
            raw.max() < _FAINT,
            Message("Faint, so its ink was made stronger."),
            Message("left faint"),
            {"strengthen": False},
        ),
        (is_speckled, Message("Small spots were removed."), Message("with the spots"), {"drop_specks": False}),
        (
            pieces > 1,
            Message("It has {pieces} pieces.", pieces=pieces),
            Message("with only the largest piece"),
            {"largest_piece": True},
        ),
        (width > _WIDE_LINE, Message("Lines thicker than in MNIST."), Message("with thinner lines"), {"pen": -1}),
        (width < _NARROW_LINE, Message("Lines thinner than in MNIST."), Message("with thicker lines"), {"pen": 1}),
    )
    return tuple(
        Finding(text, trial, dataclasses.replace(MNIST_PREPARATION, **change))
        for is_so, text, trial, change in found
        if is_so
    )


def _is_light_on_dark(rgba: npt.NDArray[np.uint8]) -> bool:
    """Tell whether most of the border is opaque and dark."""
    edge = preprocessing.border_pixels(rgba)
    return bool(np.median(edge[:, 3]) > 127 and np.median(edge[:, :3]) < 128)
