"""Convert a canvas to the 28x28 image that a network trained on MNIST expects.

MNIST's digits were made from black and white scans (NIST Special Database 19): scaled into a 20x20 box without
distortion, with grey levels from anti-aliasing, then shifted so that the centre of mass is in the middle of 28x28
(LeCun, Cortes, Burges: The MNIST database of handwritten digits). Drawings are processed in the same way, and each step
can be shown.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnist_core.config import IMAGE_SIZE
from mnist_core.errors import DrawingError
from mnist_core.language import Message

BOX = 20
MAX_SIDE = 2048  # needs 120 MB of memory

# Contrast with the background, where 1 is black on white.
_LEAST_CONTRAST = 0.06  # 15 of 255 levels, hardly visible
_FAINT = 0.35

# As a share of the highest contrast. Less is the edge of an anti-aliased line, or a JPEG artefact.
INK_FLOOR = 0.1

# As a share of the largest piece's ink. In digits with several pieces, the smallest one has at least 12 % (800 digits
# of UJI Pen Characters 2, drawn with pens of 6 to 40 pixels on 280).
_SPECK = 0.05

# As shares of the canvas's longer side. The widest pen, 40 of 280 pixels, makes a dot of 0.143.
_LARGEST_DOT = 0.15
_TINY = 0.1

_DOT_THICKNESS = 0.6  # a mark with at least this ratio of thickness to length is a dot, not a short line
_DOT_BOX = 4  # pixels of 28, about the thickness of a stroke in MNIST

# Limits of MNIST's 60,000 training images. A network has not been trained on anything beyond them.
_THICK = 7  # in 99.3 %, no stroke covers a square with this side
_WIDE = 2.25  # width over height; the widest digit has 2.22
_THIN = 0.5  # highest ink before normalization; less is a line narrower than half a pixel

PAIR = 0.35
"""The least ratio of ink of two pieces with an empty column between them that may be two digits."""
SEVERAL = (
    Message("This is wider than any digit in MNIST. Draw one digit at a time."),
    Message("There are two pieces side by side. Draw one digit at a time."),
)
"""The warnings about more than one digit."""


@dataclass(frozen=True, eq=False)
class Step:
    """One step from the canvas to the 28x28 image.

    Attributes:
        name: the caption of its picture.
        explanation: a sentence about what was done, for people who do not know MNIST.
        image: (h, w) float32 in [0, 1], 1 = ink; read-only.
    """

    name: str
    explanation: str
    image: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawing as the network gets it, and the steps that led there.

    Attributes:
        image: (28, 28) float32 in [0, 1], 1 = ink; all zero for an empty canvas; read-only.
        steps: the steps in order, the last one with `image`; empty for an empty canvas.
        warnings: texts about what may mislead the network.
        is_empty: nothing differs from the background.
        is_dot: there is only a dot, which is not a digit.
    """

    image: NDArray[np.float32]
    steps: tuple[Step, ...]
    warnings: tuple[str, ...]
    is_empty: bool
    is_dot: bool = False


@dataclass(frozen=True)
class Preparation:
    """The settings of the conversion. The defaults are those of MNIST; other values show what each step is good for.

    Attributes:
        any_polarity: everything that differs from the background is ink; if False, everything dark.
        drop_specks: remove stray specks.
        strengthen: scale faint ink to full ink.
        scale: crop the drawing and scale it to 20 pixels; if False, shrink the whole canvas to 28 pixels.
        centre: move the centre of mass to the middle; if False, keep the place on the canvas.
        largest_piece: keep only the piece with the most ink.
        pen: 1 makes the lines of the 28x28 image two pixels wider, -1 two pixels narrower.
    """

    any_polarity: bool = True
    drop_specks: bool = True
    strengthen: bool = True
    scale: bool = True
    centre: bool = True
    largest_piece: bool = False
    pen: int = 0


MNIST_PREPARATION = Preparation()
# Only shrink the canvas, as most demos do.
RESIZE_ONLY = Preparation(drop_specks=False, strengthen=False, scale=False, centre=False)


def to_mnist(rgba: NDArray[np.uint8], preparation: Preparation = MNIST_PREPARATION) -> Drawing:
    """Convert a picture of one digit to MNIST's format.

    The background is the median colour of the border: paper, a dark theme, or full transparency. Everything
    that differs from it is ink. So colour, polarity, position and size do not matter. The exception is a single dot:
    it stays small instead of becoming a disc of 20x20 pixels.

    Args:
        rgba: (h, w, 4) uint8, alpha not premultiplied, each side from 1 to `MAX_SIDE` pixels.
        preparation: the settings of the conversion.

    Returns:
        The `Drawing`. An empty or evenly coloured canvas is not an error: its image is all zero.

    Raises:
        DrawingError: the array has another type, shape or size.

    Example:
        >>> canvas = np.full((280, 280, 4), 255, np.uint8)
        >>> canvas[40:240, 130:150, :3] = 0
        >>> to_mnist(canvas).image.shape
        (28, 28)
    """
    _check(rgba)
    contrast = _contrast(rgba) if preparation.any_polarity else _darkness(rgba)
    if contrast.max() < _LEAST_CONTRAST:
        blank = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.float32)
        blank.flags.writeable = False
        return Drawing(blank, (), (), is_empty=True)

    ink = _without_specks(contrast, 1.0 if preparation.largest_piece else _SPECK * preparation.drop_specks)
    peak = ink.max()
    dropped = (contrast - ink).max() > peak / 2
    strength = peak if preparation.strengthen else np.float32(1)
    ink /= strength
    extent = bounding_box(ink > 0)
    box = ink[extent] if preparation.scale else ink
    relative_size = max(ink[extent].shape) / max(ink.shape)
    dot = relative_size <= _LARGEST_DOT and _is_dot(ink[extent])
    side = (_DOT_BOX if dot else BOX) if preparation.scale else IMAGE_SIZE
    scaled = _resize(box, side).clip(0, 1)
    full = scaled.max()
    if preparation.strengthen:
        scaled /= full  # Averaging makes thin lines paler; MNIST's lines reach full ink.
    if preparation.centre:
        image = _placed(scaled[bounding_box(scaled > 0)], None)
    else:
        image = _placed(scaled, _place(extent, ink.shape, preparation.scale))
    image = _with_pen(image, preparation.pen)

    steps = (
        Step(
            Message("Ink"), Message("Whatever stands out from the background is ink; its colour does not matter."), ink
        ),
        *(
            [
                Step(
                    Message("Cropped"),
                    Message("The empty margin is cut away; the place on the canvas does not matter."),
                    box,
                )
            ]
            * preparation.scale
        ),
        Step(
            Message("Scaled to {pixels} pixels", pixels=max(scaled.shape)),
            Message("A single dot stays as small as the tip of a pen.")
            if dot and preparation.scale
            else Message(
                "The longer side is made {side} pixels long. Each pixel is the average of what it covers.", side=side
            ),
            scaled,
        ),
        Step(
            Message("Centred in {image_size}x{image_size}", image_size=IMAGE_SIZE)
            if preparation.centre
            else Message("Set into {image_size}x{image_size}", image_size=IMAGE_SIZE),
            Message("The ink's centre of mass is moved to the middle. This is what the network sees.")
            if preparation.centre
            else Message("It stays where it was on the canvas. This is what the network sees."),
            image,
        ),
    )
    for step in steps:
        step.image.flags.writeable = False

    thick = ndimage.binary_erosion(image >= 0.5, np.ones((_THICK, _THICK))).any()
    found = (
        (dot, Message("This is only a dot, not a digit.")),
        (relative_size < _TINY and not dot, Message("This is tiny. A larger drawing keeps more of its shape.")),
        (peak < _FAINT, Message("This is faint. It was made darker, spots too.")),
        (full < _THIN, Message("The lines are very thin for this size. A thicker pen comes closer to MNIST's.")),
        (thick, Message("The lines are very thick for this size. Gaps and loops may have closed.")),
        (
            ink[extent].shape[1] > _WIDE * ink[extent].shape[0],
            SEVERAL[0],
        ),
        (_is_a_pair(ink[extent]), SEVERAL[1]),
        (dropped, Message("Small spots were removed.")),
    )
    warnings = tuple(text for is_so, text in found if is_so) if preparation == MNIST_PREPARATION else ()
    return Drawing(image, steps, warnings, is_empty=False, is_dot=dot)


def _check(rgba: object) -> None:
    remedy = Message("Give an array of (height, width, 4) uint8 with 1 to {most} pixels a side.", most=MAX_SIDE)
    if not isinstance(rgba, np.ndarray):
        raise DrawingError("A drawing must be a NumPy array.", remedy, type(rgba).__name__)
    if rgba.dtype != np.uint8:
        raise DrawingError("A drawing must hold bytes from 0 to 255.", remedy, f"dtype {rgba.dtype}")
    if rgba.ndim != 3 or rgba.shape[2] != 4:
        raise DrawingError("A drawing must have red, green, blue and alpha.", remedy, f"shape {rgba.shape}")
    if min(rgba.shape) < 1:
        raise DrawingError("A drawing must have at least one pixel.", remedy, f"shape {rgba.shape}")
    if max(rgba.shape) > MAX_SIDE:
        remedy = Message("Shrink it to at most {most} pixels a side.", most=MAX_SIDE)
        raise DrawingError("The drawing is too large.", remedy, f"shape {rgba.shape}")


def _contrast(rgba: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the contrast of each pixel to the background: (h, w) float32 in [0, 1].

    It is the largest difference in red, green, blue (each multiplied by alpha) and alpha. So black strokes on a
    transparent canvas count, as does yellow on white, and polarity does not matter.
    """
    alpha = rgba[..., 3].astype(np.int32)
    contrast = np.zeros_like(alpha)
    for channel in range(4):
        values = alpha * rgba[..., channel] if channel < 3 else alpha * 255
        edge = border_pixels(values)
        # The upper median, which is always an existing value: the mean of two would be a third colour.
        background = np.partition(edge, edge.size // 2)[edge.size // 2]
        np.maximum(contrast, np.abs(values - background), out=contrast)
    return contrast.astype(np.float32) / np.float32(255 * 255)


def _darkness(rgba: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the darkness of each pixel on white paper: (h, w) float32 in [0, 1]."""
    alpha = rgba[..., 3].astype(np.float32) / 255
    return np.asarray(alpha * (1 - rgba[..., :3].mean(axis=2, dtype=np.float32) / 255), np.float32)


def _without_specks(contrast: NDArray[np.float32], least: float) -> NDArray[np.float32]:
    """Set noise to 0, and pieces with less than `least` times the ink of the largest piece."""
    pieces, count = ndimage.label(contrast >= INK_FLOOR * contrast.max(), structure=np.ones((3, 3)))
    weights = np.bincount(pieces.ravel(), contrast.ravel(), minlength=count + 1)
    weights[0] = 0  # the background
    is_large = weights >= least * weights.max()
    is_large[0] = False
    return np.where(is_large[pieces], contrast, np.float32(0))


def border_pixels(values: NDArray[Any]) -> NDArray[Any]:
    """Return the outermost rows and columns of (h, w, ...); corners occur twice."""
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def bounding_box(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the smallest box around the true values of (h, w), which must have one."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _is_dot(box: NDArray[np.float32]) -> bool:
    """Tell whether the ink is about as thick as long, unlike a ring or a short line."""
    mask = box >= 0.5 * box.max()
    mask = np.pad(mask[bounding_box(mask)], 1)
    thickness = 2 * ndimage.distance_transform_edt(mask).max()
    return bool(thickness >= _DOT_THICKNESS * (max(mask.shape) - 2))


def _is_a_pair(box: NDArray[np.float32]) -> bool:
    """Tell whether there are two pieces with similar amounts of ink side by side, without a common column."""
    columns = box.sum(axis=0)
    pieces, count = ndimage.label(columns > 0)
    weights = np.sort(np.bincount(pieces, columns, minlength=count + 1)[1:])
    return bool(count > 1 and weights[-2] >= PAIR * weights[-1])


def _resize(box: NDArray[np.float32], longer_side: int) -> NDArray[np.float32]:
    """Scale (h, w) so that its longer side has `longer_side` pixels. Each pixel is the average of its area.

    The shorter side is rounded up, with the ink in the middle, so that the outer pixels become grey and the shape does
    not become wider.
    """
    scale = longer_side / max(box.shape)
    return _average_rows(_average_rows(box, scale).T, scale).T.astype(np.float32)


def _average_rows(image: NDArray[np.floating], scale: float) -> NDArray[np.float64]:
    """Scale the height of (h, w) by differences of the cumulative sum at the edges of the new rows.

    The result equals that of a matrix product, but needs no threads, which training networks could use.
    """
    height = len(image)
    count = max(1, int(np.ceil(height * scale - 1e-6)))  # A rounding error must not turn 7 into 8.
    edges = np.clip(height / 2 + (np.arange(count + 1) - count / 2) / scale, 0, height)
    total = np.vstack([np.zeros_like(image[:1]), np.cumsum(image, axis=0, dtype=np.float64)])
    above = np.minimum(edges.astype(np.int64), height - 1)
    totals = total[above] + (edges - above)[:, None] * image[above]
    averages: NDArray[np.float64] = np.diff(totals, axis=0).clip(min=0) * scale
    return averages


def _place(box: tuple[slice, slice], shape: tuple[int, ...], scale: bool) -> tuple[float, float]:
    """Return the middle of the ink's box, or of the canvas, in pixels of 28x28 if it is not moved."""
    if not scale:
        return IMAGE_SIZE / 2, IMAGE_SIZE / 2
    longer = max(shape)
    rows, columns = (
        (bound.start + bound.stop - side) / 2 / longer * IMAGE_SIZE + IMAGE_SIZE / 2
        for bound, side in zip(box, shape, strict=True)
    )
    return rows, columns


def _placed(scaled: NDArray[np.float32], middle: tuple[float, float] | None) -> NDArray[np.float32]:
    """Put (h, w), each at most 28, into (28, 28): its middle at `middle`, or its centre of mass in the middle.

    It is moved by whole pixels, as in MNIST, where the row and column of the centre (counted from 0 at a pixel's
    centre) are uniformly distributed from 13.5 to 14.5. The ink never leaves the image.
    """
    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.float32)
    corner = []
    for axis, length in enumerate(scaled.shape):
        weights = scaled.sum(axis=1 - axis, dtype=np.float64)
        centre = weights @ np.arange(length) / weights.sum() if middle is None else length / 2
        target = IMAGE_SIZE / 2 if middle is None else middle[axis]
        corner.append(min(max(round(target - centre), 0), IMAGE_SIZE - length))
    top, left = corner
    image[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    return image


def _with_pen(image: NDArray[np.float32], pen: int) -> NDArray[np.float32]:
    """Make lines two pixels wider for 1 or narrower for -1; 0 changes nothing. The result has some full ink."""
    if not pen:
        return image
    changed = (ndimage.grey_dilation if pen > 0 else ndimage.grey_erosion)(image, size=(3, 3))
    # Lines of two pixels almost disappear, so scale what is left to full ink.
    strongest = changed.max()
    return np.asarray(changed / strongest if strongest > 0 else image, np.float32)
