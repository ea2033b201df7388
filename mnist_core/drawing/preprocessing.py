"""From a canvas to the 28x28 image that a network trained on MNIST expects.

MNIST's digits were made from black and white scans (NIST Special Database 19): scaled into a 20x20 box
with the aspect ratio kept, grey by anti-aliasing, then shifted until the centre of mass lies in the middle of
28x28 (LeCun, Cortes, Burges: The MNIST database of handwritten digits). A network knows nothing else, so a
drawing is brought there the same way, and each step is kept to be shown.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mnist_core.config import IMAGE_SIZE
from mnist_core.errors import DrawingError

BOX = 20
MAX_SIDE = 2048  # takes 120 MB while it is worked on

# Contrast with the background, where 1 is black on white.
_LEAST_CONTRAST = 0.06  # 15 of 255 levels, which the eye hardly sees either
_FAINT = 0.35

# Contrast as a share of the strongest. Less is the far end of an anti-aliased edge, or what JPEG leaves
# around a stroke.
INK_FLOOR = 0.1

# A share of the largest piece's ink. Where writers lift the pen within a digit, the smallest piece has 12 %
# (800 digits of UJI Pen Characters 2, drawn with pens of 6 to 40 pixels on 280).
_SPECK = 0.05

# Shares of the canvas's longer side. The widest pen on offer, 40 of 280 pixels, leaves a dot of 0.143.
_LARGEST_DOT = 0.15
_TINY = 0.1

_DOT_THICKNESS = 0.6  # thickness over length, from which a mark is a dot and no longer a short line
_DOT_BOX = 4  # pixels of 28, about the thickness of a stroke in MNIST

# Where a drawing leaves what a network can have seen among MNIST's 60,000 training images.
_THICK = 7  # the strokes of 99.3 % cover no square of this side
_WIDE = 2.25  # width over height; the widest digit has 2.22
_PAIR = 0.35  # ink of the lesser of two pieces over the greater's, with an empty column between them
_THIN = 0.5  # full ink before stretching; less is a line under half a pixel wide


@dataclass(frozen=True, eq=False)
class Step:
    """One step from the canvas to the 28x28 image.

    Attributes:
        name: what to write under its picture.
        explanation: what was done, in a sentence for people who have never heard of MNIST.
        image: (h, w) float32 in [0, 1], 1 = ink; read-only.
    """

    name: str
    explanation: str
    image: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawing as the network sees it, and how it came to that.

    Attributes:
        image: (28, 28) float32 in [0, 1], 1 = ink; all zero for an empty canvas; read-only.
        steps: the steps in order, the last one's picture being `image`; none for an empty canvas.
        warnings: what may mislead the network, each in plain words.
        is_empty: nothing stands out from the background.
        is_dot: there is nothing but a dot, which is no digit.
    """

    image: NDArray[np.float32]
    steps: tuple[Step, ...]
    warnings: tuple[str, ...]
    is_empty: bool
    is_dot: bool = False


@dataclass(frozen=True)
class Preparation:
    """What is done between the canvas and the 28x28 image: MNIST's way, unless told otherwise to see what it costs.

    Attributes:
        any_polarity: ink is whatever differs from the background; otherwise whatever is dark.
        drop_specks: stray specks are left out.
        strengthen: faint ink becomes full ink.
        scale: the margin is cut away and the drawing brought to 20 pixels; otherwise the whole canvas is shrunk to 28.
        centre: the centre of mass is moved to the middle; otherwise it stays at its place on the canvas.
        largest_piece: only the piece with the most ink is kept.
        pen: 1 makes the lines of the 28x28 image two pixels wider, -1 narrower.
    """

    any_polarity: bool = True
    drop_specks: bool = True
    strengthen: bool = True
    scale: bool = True
    centre: bool = True
    largest_piece: bool = False
    pen: int = 0


MNIST_PREPARATION = Preparation()
# The canvas made smaller and no more: what most demos do.
RESIZE_ONLY = Preparation(drop_specks=False, strengthen=False, scale=False, centre=False)


def to_mnist(rgba: NDArray[np.uint8], preparation: Preparation = MNIST_PREPARATION) -> Drawing:
    """Bring a picture of one digit into MNIST's form.

    Ink is what differs from the background, and the background is what most of the border shows: paper, a
    dark theme, full transparency. So neither colour nor polarity matters, nor do position, size and the size
    of the canvas. The exception is a single dot, which stays as small as a pen's tip instead of being blown
    up to a disc of 20x20.

    Args:
        rgba: (h, w, 4) uint8, alpha not premultiplied, each side from 1 to `MAX_SIDE` pixels.
        preparation: what to do otherwise than MNIST's makers.

    Returns:
        The `Drawing`. An empty or evenly coloured canvas is no error: its image is all zero.

    Raises:
        DrawingError: the array has another type, shape or size.
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
        scaled /= full  # MNIST's strokes reach full ink; a thin pen's lose it to averaging
    if preparation.centre:
        image = _placed(scaled[bounding_box(scaled > 0)], None)
    else:
        image = _placed(scaled, _place(extent, ink.shape, preparation.scale))
    image = _with_pen(image, preparation.pen)

    steps = (
        Step("Ink", "Whatever stands out from the background is ink; its colour does not matter.", ink),
        *(
            [Step("Cropped", "The empty margin is cut away; the place on the canvas does not matter.", box)]
            * preparation.scale
        ),
        Step(
            f"Scaled to {max(scaled.shape)} pixels",
            "A single dot is kept as small as the tip of a pen."
            if dot and preparation.scale
            else f"The longer side is made {side} pixels long. Each pixel is the average of what it covers.",
            scaled,
        ),
        Step(
            f"Centred in {IMAGE_SIZE}x{IMAGE_SIZE}" if preparation.centre else f"Set into {IMAGE_SIZE}x{IMAGE_SIZE}",
            "The centre of the ink's weight is moved to the middle. This is what the network sees."
            if preparation.centre
            else "It stays where it was on the canvas. This is what the network sees.",
            image,
        ),
    )
    for step in steps:
        step.image.flags.writeable = False

    thick = ndimage.binary_erosion(image >= 0.5, np.ones((_THICK, _THICK))).any()
    found = (
        (dot, "This is only a dot, not a digit."),
        (relative_size < _TINY and not dot, "This is tiny. A larger drawing keeps more of its shape."),
        (peak < _FAINT, "This is faint. It was strengthened, and so was any blemish."),
        (full < _THIN, "The lines are very thin for this size. A thicker pen comes closer to MNIST's."),
        (thick, "The lines are very thick for this size. Gaps and loops may have closed."),
        (
            ink[extent].shape[1] > _WIDE * ink[extent].shape[0],
            "This is wider than any digit in MNIST. Draw one digit at a time.",
        ),
        (_is_a_pair(ink[extent]), "There are two pieces side by side. Draw one digit at a time."),
        (dropped, "Stray specks were left out."),
    )
    warnings = tuple(text for is_so, text in found if is_so) if preparation == MNIST_PREPARATION else ()
    return Drawing(image, steps, warnings, is_empty=False, is_dot=dot)


def _check(rgba: object) -> None:
    remedy = f"Give an array of (height, width, 4) uint8 with 1 to {MAX_SIDE} pixels a side."
    if not isinstance(rgba, np.ndarray):
        raise DrawingError("A drawing must be a NumPy array.", remedy, type(rgba).__name__)
    if rgba.dtype != np.uint8:
        raise DrawingError("A drawing must hold bytes from 0 to 255.", remedy, f"dtype {rgba.dtype}")
    if rgba.ndim != 3 or rgba.shape[2] != 4:
        raise DrawingError("A drawing must have red, green, blue and alpha.", remedy, f"shape {rgba.shape}")
    if min(rgba.shape) < 1:
        raise DrawingError("A drawing must have at least one pixel.", remedy, f"shape {rgba.shape}")
    if max(rgba.shape) > MAX_SIDE:
        remedy = f"Shrink it to at most {MAX_SIDE} pixels a side."
        raise DrawingError("The drawing is too large.", remedy, f"shape {rgba.shape}")


def _contrast(rgba: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How far each pixel is from the background: (h, w) float32 in [0, 1].

    Colours are weighted with their alpha, and the largest difference among red, green, blue and alpha counts.
    So on a transparent canvas alpha alone decides, even for black strokes; yellow on white counts, although
    it is nearly as light as the paper; and no polarity is special.
    """
    alpha = rgba[..., 3].astype(np.int32)
    contrast = np.zeros_like(alpha)
    for channel in range(4):
        values = alpha * rgba[..., channel] if channel < 3 else alpha * 255
        edge = border_pixels(values)
        # A median that is always a value that occurs: a border half covered must not give a third colour.
        background = np.partition(edge, edge.size // 2)[edge.size // 2]
        np.maximum(contrast, np.abs(values - background), out=contrast)
    return contrast.astype(np.float32) / np.float32(255 * 255)


def _darkness(rgba: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How dark each pixel is on white paper: (h, w) float32 in [0, 1]."""
    alpha = rgba[..., 3].astype(np.float32) / 255
    return np.asarray(alpha * (1 - rgba[..., :3].mean(axis=2, dtype=np.float32) / 255), np.float32)


def _without_specks(contrast: NDArray[np.float32], least: float) -> NDArray[np.float32]:
    """Set noise, and pieces with less than a share `least` of the largest one's ink, to 0."""
    pieces, count = ndimage.label(contrast >= INK_FLOOR * contrast.max(), structure=np.ones((3, 3)))
    weights = np.bincount(pieces.ravel(), contrast.ravel(), minlength=count + 1)
    weights[0] = 0  # what is no ink
    kept = weights >= least * weights.max()
    kept[0] = False
    return np.where(kept[pieces], contrast, np.float32(0))


def border_pixels(values: NDArray[Any]) -> NDArray[Any]:
    """The outermost rows and columns of (h, w, ...), one after the other; corners count twice."""
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def bounding_box(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The smallest box around what is true in (h, w); something must be."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _is_dot(box: NDArray[np.float32]) -> bool:
    """Whether the ink is about as thick as it is long; a ring and a short line are not."""
    mask = box >= 0.5 * box.max()
    mask = np.pad(mask[bounding_box(mask)], 1)
    thickness = 2 * ndimage.distance_transform_edt(mask).max()
    return bool(thickness >= _DOT_THICKNESS * (max(mask.shape) - 2))


def _is_a_pair(box: NDArray[np.float32]) -> bool:
    """Whether two pieces of about as much ink stand side by side, with nothing above or below each other."""
    columns = box.sum(axis=0)
    pieces, count = ndimage.label(columns > 0)
    weights = np.sort(np.bincount(pieces, columns, minlength=count + 1)[1:])
    return bool(count > 1 and weights[-2] >= _PAIR * weights[-1])


def _resize(box: NDArray[np.float32], longer_side: int) -> NDArray[np.float32]:
    """Scale (h, w) so that its longer side has `longer_side` pixels, each the average of the area it covers.

    The shorter side seldom comes out whole. It is rounded up and the ink set in its middle, so that the outer
    pixels turn grey rather than the shape wider.
    """
    scale = longer_side / max(box.shape)
    return _average_rows(_average_rows(box, scale).T, scale).T.astype(np.float32)


def _average_rows(image: NDArray[np.floating], scale: float) -> NDArray[np.float64]:
    """Scale the height of (h, w): the running total of its rows, read at the new rows' edges, differenced.

    As good as a matrix product, without the threads that it would take from a network in training.
    """
    height = len(image)
    count = max(1, int(np.ceil(height * scale - 1e-6)))  # not 8 where rounding makes 7 into 7.0000000001
    edges = np.clip(height / 2 + (np.arange(count + 1) - count / 2) / scale, 0, height)
    total = np.vstack([np.zeros_like(image[:1]), np.cumsum(image, axis=0, dtype=np.float64)])
    above = np.minimum(edges.astype(np.int64), height - 1)
    totals = total[above] + (edges - above)[:, None] * image[above]
    averages: NDArray[np.float64] = np.diff(totals, axis=0).clip(min=0) * scale
    return averages


def _place(box: tuple[slice, slice], shape: tuple[int, ...], scale: bool) -> tuple[float, float]:
    """Where the middle of the ink's box, or of the canvas, lies on 28x28 if it is not moved."""
    if not scale:
        return IMAGE_SIZE / 2, IMAGE_SIZE / 2
    longer = max(shape)
    rows, columns = (
        (bound.start + bound.stop - side) / 2 / longer * IMAGE_SIZE + IMAGE_SIZE / 2
        for bound, side in zip(box, shape, strict=True)
    )
    return rows, columns


def _placed(scaled: NDArray[np.float32], middle: tuple[float, float] | None) -> NDArray[np.float32]:
    """Set (h, w), at most 28 a side, into (28, 28) so that its middle, or else its centre of mass, lies there.

    By whole pixels, as in MNIST, where the centre's row and column (counted from 0 at a pixel's centre) are
    spread evenly from 13.5 to 14.5. The ink is never pushed over the edge.
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
    """Lines two pixels wider for 1, narrower for -1, as they are for 0; some full ink is left in any case."""
    if not pen:
        return image
    changed = (ndimage.grey_dilation if pen > 0 else ndimage.grey_erosion)(image, size=(3, 3))
    # Lines of two pixels would vanish: what is left of them is made full again.
    strongest = changed.max()
    return np.asarray(changed / strongest if strongest > 0 else image, np.float32)
