"""A picture from a file as a drawing: a screenshot, a scan, or a photo of paper under uneven light."""

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

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_BYTES = 20 * 2**20
MAX_PIXELS = 50_000_000
SIDE = 512
"""The longer side of a picture, in pixels, once it is read: enough for a digit."""
_FORMATS = ("PNG", "JPEG")

# A picture on a transparent ground is a window or a cut-out, not a drawing, if so much of its box is opaque.
_FILLED = 0.9

# Paper is taken to be whatever light or dark remains when everything narrower than this share of the side is filled in.
_WIDEST_LINE = 0.2
# How much darker than the paper ink is at least, as a share of the darkest: shadows and grain are less.
_INK = 0.35
# Where nothing is darker than paper by more than about a third of this, the page is empty.
_EMPTY = 0.35
# Paper of at least this brightness everywhere is white already.
_WHITE = 245

_REMEDY = "Choose a PNG or JPEG picture of one digit."


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture made ready for `preprocessing.to_mnist`.

    Attributes:
        rgba: (h, w, 4) uint8, the longer side at most 512: ink on white, or a transparent picture as it is.
        is_inverted: its ink was lighter than its ground, and light and dark have changed places.
        is_light_corrected: its paper was not white everywhere.
    """

    rgba: npt.NDArray[np.uint8]
    is_inverted: bool = False
    is_light_corrected: bool = False


def check_size(size: int) -> None:
    """Refuse a file of more than `MAX_BYTES`.

    Raises:
        DrawingError: when `size`, in bytes, is more.
    """
    if size > MAX_BYTES:
        raise DrawingError(f"The picture has more than {MAX_BYTES // 2**20} MB.", _REMEDY, f"{size:,} bytes")


def read(data: bytes) -> npt.NDArray[np.uint8]:
    """The picture in a file, made ready for `preprocessing.to_mnist`.

    A drawing on a transparent ground is taken as it is. Any other is taken for a photo: the light is evened out, by
    dividing by the paper's own brightness at each place, and what is little darker than the paper becomes paper. White
    chalk on a blackboard is turned around first.

    Args:
        data: the bytes of a PNG or JPEG file, at most `MAX_BYTES`, with at most `MAX_PIXELS` pixels.

    Returns:
        (h, w, 4) uint8, the longer side at most 512: ink on white, or the transparent picture.

    Raises:
        DrawingError: for another kind of file, a damaged or too large one.
    """
    return read_picture(data).rgba


def read_picture(data: bytes) -> Picture:
    """As `read`, with what was done to the picture.

    Raises:
        DrawingError: as `read`.
    """
    check_size(len(data))
    return _on_paper(_opened(data, _FORMATS, MAX_PIXELS, SIDE, _REMEDY))


def read_canvas(data: bytes) -> npt.NDArray[np.uint8]:
    """The picture of a canvas, (h, w, 4) uint8, as a browser sends it: a PNG file with sides that `to_mnist` takes.

    Raises:
        DrawingError: for anything else.
    """
    return _opened(
        data, ("PNG",), preprocessing.MAX_SIDE**2, preprocessing.MAX_SIDE, "Clear the canvas and draw again."
    )


def _opened(data: bytes, formats: tuple[str, ...], most_pixels: int, side: int, remedy: str) -> npt.NDArray[np.uint8]:
    """The picture in a file, upright, with its longer side at most `side`; (h, w, 4) uint8.

    Raises:
        DrawingError: saying what to do by `remedy`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # The limit below is lower.
            with Image.open(io.BytesIO(data), formats=formats) as picture:
                if picture.width * picture.height > most_pixels:
                    size = f"{picture.width} x {picture.height}"
                    raise DrawingError(
                        f"The picture has more than {most_pixels // 10**6} million pixels.", remedy, size
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
        # Pillow meets damaged files with a dozen kinds of exception, most of them not its own, in programmers' words.
        raise DrawingError("This cannot be read as a picture.", remedy) from error


def _on_paper(rgba: npt.NDArray[np.uint8]) -> Picture:
    """A drawing on a transparent ground as it is; anything else without its transparent margin and in even light."""
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
    """Opaque (h, w, 4) as black ink on white paper."""
    # A camera's grain is finer than any line.
    grey = ndimage.gaussian_filter(rgba[..., :3].astype(np.float32).mean(axis=2), max(rgba.shape) / 400)
    # Filling in lines is slow, so it is done on a smaller picture; smoothed, since it goes by the lightest pixels.
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
    """Whether lines are darker than what they are drawn on.

    Where light and dark meet within `width` of each other, most is paper. Light that falls across the page makes no
    such contrast, however much of the page it covers.
    """
    framed = np.pad(grey, width // 2, mode="edge")  # what is cut off at the border is paper
    lightest, darkest = ndimage.maximum_filter(framed, width), ndimage.minimum_filter(framed, width)
    contrast = lightest - darkest
    near = contrast >= contrast.max() / 2
    return bool((framed - darkest)[near].sum() >= contrast[near].sum() / 2)


def _without_lines(grey: npt.NDArray[np.float32], width: int) -> npt.NDArray[np.float32]:
    """(h, w) with dark lines narrower than `width` filled in; the light goes on evenly beyond the border."""
    beyond = min(width, *(side - 1 for side in grey.shape))
    framed = np.pad(grey, beyond, mode="reflect", reflect_type="odd") if beyond > 0 else grey
    filled = ndimage.grey_closing(framed, size=(width, width))
    return np.asarray(filled[beyond : beyond + grey.shape[0], beyond : beyond + grey.shape[1]], np.float32)
