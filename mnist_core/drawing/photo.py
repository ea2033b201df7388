"""Read a picture file as a drawing: a screenshot, a scan, or a photo of paper under uneven light."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from mnist_core.drawing import preprocessing
from mnist_core.errors import DrawingError
from mnist_core.language import Message

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_BYTES = 20 * 2**20
MAX_PIXELS = 50_000_000
SIDE = 512
"""The longer side of a picture after reading, in pixels. This is enough for a digit."""
_FORMATS = ("PNG", "JPEG")

# If at least this share of its bounding box is opaque, a picture with transparency is a cut-out, not a drawing.
_FILLED = 0.9

# Everything narrower than this share of the side can be a line. What is wider is paper.
_WIDEST_LINE = 0.2
# The least contrast of ink to the paper, as a share of the highest contrast. Shadows and noise have less.
_INK = 0.35
# If no contrast exceeds about a third of this, the page is empty.
_EMPTY = 0.35
# Paper that is at least this bright everywhere counts as white.
_WHITE = 245

_REMEDY = Message("Choose a PNG or JPEG picture of one digit.")


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture that is ready for `preprocessing.to_mnist`.

    Attributes:
        rgba: (h, w, 4) uint8, the longer side at most 512: ink on white, or a transparent picture unchanged.
        is_inverted: the ink was lighter than the background, so the picture was inverted.
        is_light_corrected: the paper was not white everywhere, so the light was corrected.
    """

    rgba: npt.NDArray[np.uint8]
    is_inverted: bool = False
    is_light_corrected: bool = False


def check_size(size: int) -> None:
    """Check the size of a file.

    Raises:
        DrawingError: `size`, in bytes, is larger than `MAX_BYTES`.
    """
    if size > MAX_BYTES:
        raise DrawingError(
            Message("The picture has more than {most} MB.", most=MAX_BYTES // 2**20),
            _REMEDY,
            Message("{size:,} bytes", size=size),
        )


def read(data: bytes) -> npt.NDArray[np.uint8]:
    """Read a picture file and prepare it for `preprocessing.to_mnist`.

    A drawing with a transparent background is returned unchanged. Any other picture is treated as a photo: it is
    divided by the local brightness of the paper, and everything slightly darker than the paper becomes paper. White
    chalk on a blackboard is inverted first.

    Args:
        data: the bytes of a PNG or JPEG file, at most `MAX_BYTES`, with at most `MAX_PIXELS` pixels.

    Returns:
        (h, w, 4) uint8, the longer side at most 512: ink on white, or the transparent picture.

    Raises:
        DrawingError: the file is damaged, too large, or not a PNG or JPEG file.
    """
    return read_picture(data).rgba


def read_picture(data: bytes) -> Picture:
    """Read a picture file as `read` does, and tell what was done to the picture.

    Raises:
        DrawingError: as in `read`.
    """
    check_size(len(data))
    return _on_paper(_opened(data, _FORMATS, MAX_PIXELS, SIDE, _REMEDY))


def read_canvas(data: bytes) -> npt.NDArray[np.uint8]:
    """Read the PNG file of a canvas, (h, w, 4) uint8, that a browser sends.

    Raises:
        DrawingError: it is not a PNG file, or larger than `to_mnist` accepts.
    """
    return _opened(
        data, ("PNG",), preprocessing.MAX_SIDE**2, preprocessing.MAX_SIDE, Message("Clear the canvas and draw again.")
    )


def _opened(data: bytes, formats: tuple[str, ...], most_pixels: int, side: int, remedy: str) -> npt.NDArray[np.uint8]:
    """Open a picture, turn it upright and shrink its longer side to at most `side`. Return (h, w, 4) uint8.

    Raises:
        DrawingError: the file is damaged or too large; it ends with `remedy`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # The limit below is lower.
            with Image.open(io.BytesIO(data), formats=formats) as picture:
                if picture.width * picture.height > most_pixels:
                    size = f"{picture.width} x {picture.height}"
                    raise DrawingError(
                        Message("The picture has more than {most} million pixels.", most=most_pixels // 10**6),
                        remedy,
                        size,
                    )
                picture.thumbnail((side, side))
                picture.getexif()
                # Pillow has read the metadata now. It would write it again, which fails if a camera wrote it wrongly.
                for name in ("exif", "Raw profile type exif"):
                    picture.info.pop(name, None)
                ImageOps.exif_transpose(picture, in_place=True)
                return np.asarray(picture.convert("RGBA"))
    except DrawingError:
        raise
    except Exception as error:
        # Pillow raises a dozen different exceptions for damaged files, with messages for programmers.
        raise DrawingError("This cannot be read as a picture.", remedy) from error


def _on_paper(rgba: npt.NDArray[np.uint8]) -> Picture:
    """Return a drawing with a transparent background unchanged; crop and correct the light of anything else."""
    is_opaque = rgba[..., 3] > 127
    if not is_opaque.any():
        return Picture(rgba)
    if not np.median(preprocessing.border_pixels(is_opaque)):
        box = preprocessing.bounding_box(is_opaque)
        if is_opaque[box].mean() < _FILLED:
            return Picture(rgba)
        rgba = rgba[box]
    alpha = rgba[..., 3:].astype(np.float32) / 255
    on_white = (rgba[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    return _in_even_light(np.dstack([on_white, np.full(rgba.shape[:2], 255, np.uint8)]))


def _in_even_light(rgba: npt.NDArray[np.uint8]) -> Picture:
    """Turn an opaque picture, (h, w, 4), into black ink on white paper."""
    # The noise of a camera is finer than any line.
    grey = ndimage.gaussian_filter(rgba[..., :3].astype(np.float32).mean(axis=2), max(rgba.shape) / 400)
    # Removing lines is slow, so use a smaller picture; smooth it, since the lightest pixels decide.
    step = max(1, max(grey.shape) // 128)
    small = ndimage.gaussian_filter(grey, max(grey.shape) / 128, mode="nearest")[::step, ::step]
    width = max(3, int(_WIDEST_LINE * max(small.shape)) | 1)
    is_inverted = not _is_paper_light(small, width)
    if is_inverted:
        grey, small = 255 - grey, 255 - small
    paper = ndimage.gaussian_filter(_without_lines(small, width), width / 4, mode="nearest")
    paper = ndimage.zoom(paper, np.array(grey.shape) / paper.shape, order=1, mode="nearest", grid_mode=True)
    darker = np.clip(1 - grey / np.maximum(paper, 1), 0, 1)
    darkest = max(np.quantile(darker, 0.999), _EMPTY)
    ink = np.clip((darker / darkest - _INK) / (1 - 2 * _INK), 0, 1)
    shade = np.round(255 * (1 - ink)).astype(np.uint8)
    on_white = np.dstack([shade, shade, shade, np.full_like(shade, 255)])
    return Picture(on_white, is_inverted, is_light_corrected=bool(paper.min() < _WHITE))


def _is_paper_light(grey: npt.NDArray[np.float32], width: int) -> bool:
    """Tell whether the lines are darker than the paper.

    Where light and dark are within `width` of each other, most of the pixels are paper. Uneven light does not make such
    a contrast.
    """
    framed = np.pad(grey, width // 2, mode="edge")  # what the border cuts off is paper
    lightest, darkest = ndimage.maximum_filter(framed, width), ndimage.minimum_filter(framed, width)
    contrast = lightest - darkest
    near = contrast >= contrast.max() / 2
    return bool((framed - darkest)[near].sum() >= contrast[near].sum() / 2)


def _without_lines(grey: npt.NDArray[np.float32], width: int) -> npt.NDArray[np.float32]:
    """Remove dark lines narrower than `width` from (h, w). The light is extrapolated beyond the border."""
    beyond = min(width, *(side - 1 for side in grey.shape))
    framed = np.pad(grey, beyond, mode="reflect", reflect_type="odd") if beyond > 0 else grey
    filled = ndimage.grey_closing(framed, size=(width, width))
    return np.asarray(filled[beyond : beyond + grey.shape[0], beyond : beyond + grey.shape[1]], np.float32)
