"""Labelled drawings: a test set of the visitor's own."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnist_core.config import IMAGE_SIZE
from mnist_core.data import idx
from mnist_core.data.sources import DIGITS
from mnist_core.drawing import strokes
from mnist_core.drawing.inflate import inflate
from mnist_core.drawing.strokes import PenDigit
from mnist_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from mnist_core.drawing.strokes import Strokes
    from mnist_core.network import TrainedNetwork

# The names of MNIST's uncompressed test files, so that programs for MNIST can read them.
IMAGES_FILE, LABELS_FILE = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"

_PIXELS = IMAGE_SIZE**2
_MAX_STROKES = 2**20  # bytes when unpacked


@dataclass(frozen=True, eq=False)
class LabelledDrawing:
    """A drawing with its label.

    Args:
        image: (28, 28) uint8, 255 = ink, as the networks get it.
        label: the digit or class, 0 to 9.
        strokes: the pen strokes in pixels of the canvas; empty for a picture from a file.
        class_names: the ten names that the label chooses from.
    """

    image: npt.NDArray[np.uint8]
    label: int
    strokes: Strokes = ()
    class_names: tuple[str, ...] = DIGITS


def add_drawing(
    drawings: Sequence[LabelledDrawing],
    image: npt.NDArray[np.float32],
    label: int,
    lines: Strokes,
    class_names: tuple[str, ...] = DIGITS,
) -> list[LabelledDrawing]:
    """Return the drawings with another one at the end. It replaces the same image with the same class names.

    Args:
        drawings: the drawings so far.
        image: (28, 28) float32 in [0, 1].
        label: the digit or class, 0 to 9.
        lines: its strokes, may be empty.
        class_names: the ten names that the label chooses from.
    """
    pixels = pixels_of(image)
    others = [one for one in drawings if not np.array_equal(one.image, pixels) or one.class_names != class_names]
    return [*others, LabelledDrawing(pixels, label, lines, class_names)]


def label_of(drawings: Sequence[LabelledDrawing], image: npt.NDArray[np.float32]) -> int | None:
    """Return the label of an image, (28, 28) float32 in [0, 1]; None if it has no label yet."""
    pixels = pixels_of(image)
    return next((one.label for one in drawings if np.array_equal(one.image, pixels)), None)


def pixels_of(image: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Return an image in [0, 1] as uint8, 255 = ink."""
    return np.round(image * 255).astype(np.uint8)


def count_correct(network: TrainedNetwork, drawings: Sequence[LabelledDrawing]) -> int:
    """Return how many of the drawings a network reads correctly."""
    if not drawings:
        return 0
    answers = network.predict(np.stack([one.image for one in drawings])).argmax(axis=1)
    return int((answers == [one.label for one in drawings]).sum())


def pack(image: npt.NDArray[np.uint8], lines: Strokes, most: int) -> bytes:
    """Return a drawing as at most this many bytes: its 784 pixels, then its strokes, as compressed JSON.

    Strokes are rounded to a tenth of a pixel. As long as they are too large, every second point goes.

    Args:
        image: (28, 28) uint8, 255 = ink.
        lines: its strokes, may be empty.
        most: at least 1,000.
    """
    while True:
        strokes = [np.round(stroke, 1).tolist() for stroke in lines]
        data = image.tobytes() + zlib.compress(json.dumps(strokes).encode())
        if len(data) <= most:
            return data
        # With the last point of each stroke; a drawing of many dots has no points to spare.
        fewer = tuple(np.concatenate([stroke[:-1:2], stroke[-1:]]) for stroke in lines)
        lines = fewer if sum(map(len, fewer)) < sum(map(len, lines)) else ()


def unpack(data: bytes, label: int) -> LabelledDrawing:
    """Return the drawing that `pack` has written.

    Raises:
        DataError: `data` is something else.
    """
    try:
        image = np.frombuffer(data[:_PIXELS], np.uint8).reshape(IMAGE_SIZE, IMAGE_SIZE)
        strokes = json.loads(inflate(data[_PIXELS:], _MAX_STROKES))
        if not isinstance(strokes, list):
            raise ValueError
        return LabelledDrawing(image, label, tuple(np.array(one, np.float64).reshape(-1, 2) for one in strokes))
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError("The drawing cannot be read.", "Draw it again.") from error


def to_idx_zip(drawings: Sequence[LabelledDrawing]) -> bytes:
    """Return a ZIP archive with images and labels as IDX files with the names of MNIST's test files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            IMAGES_FILE,
            idx.pack(np.array([one.image for one in drawings], np.uint8).reshape(-1, IMAGE_SIZE, IMAGE_SIZE)),
        )
        archive.writestr(LABELS_FILE, idx.pack(np.array([one.label for one in drawings], np.uint8)))
    return buffer.getvalue()


def to_jsonl(drawings: Sequence[LabelledDrawing], writers: Sequence[str] = ()) -> str:
    """Return the drawings that have strokes, one a line, in the format of `strokes.read_jsonl`.

    Args:
        drawings: the drawings.
        writers: who has drawn each; "me" if it is empty.
    """
    names = writers or ["me"] * len(drawings)
    return strokes.to_jsonl(
        PenDigit(one.label, one.strokes, name) for one, name in zip(drawings, names, strict=True) if one.strokes
    )
