"""Bytes as text in which no sign needs an escape, in an address or in JSON: letters, digits, ``-`` and ``_``."""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING

import numpy as np

from mnist_core.config import IMAGE_SIZE
from mnist_core.drawing.inflate import inflate

if TYPE_CHECKING:
    import numpy.typing as npt

_PIXELS = IMAGE_SIZE**2
MOST_OF_IMAGE = 1_100
"""The most characters of an image: those of one that cannot be made smaller."""


def pack(data: bytes) -> str:
    """Bytes as text, compressed."""
    return base64.urlsafe_b64encode(zlib.compress(data, 9)).rstrip(b"=").decode()


def unpack(text: str, most: int) -> bytes:
    """The bytes that `pack` was given, at most so many.

    Raises:
        ValueError: the text is damaged, or there are more.
    """
    return inflate(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), most)


def pack_image(image: npt.NDArray[np.uint8]) -> str:
    """An image as text of at most `MOST_OF_IMAGE` characters.

    Args:
        image: (28, 28) uint8, 255 = ink.
    """
    return pack(image.tobytes())


def unpack_image(text: str) -> npt.NDArray[np.uint8]:
    """The image that `pack_image` was given: (28, 28) uint8, read-only.

    Raises:
        ValueError: the text is something else, or the image is empty.
    """
    if len(text) > MOST_OF_IMAGE:
        raise ValueError
    data = unpack(text, _PIXELS)
    if len(data) != _PIXELS or not any(data):
        raise ValueError
    return np.frombuffer(data, np.uint8).reshape(IMAGE_SIZE, IMAGE_SIZE)
