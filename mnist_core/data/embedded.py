"""A data set that needs no download: scikit-learn's 1,797 handwritten digits, 8x8, converted to MNIST's format.

They come from the "Optical Recognition of Handwritten Digits" data set (Alpaydin and Kaynak, 1998), whose 8x8
pixels count the ink in 4x4 blocks of a scan. They are taken as samples of a smooth surface, and everything above a
threshold is ink. The edges are then as sharp as MNIST's; plain enlargement would blur them.

The format is MNIST's: ink 255 on background 0, the digit scaled to 20x20 pixels without distortion, its
centre of mass on pixel (14, 14) of 28x28. MNIST has it there, too, and not in the
middle at (13.5, 13.5).
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

TRAIN_COUNT: Final = 12_000
TEST_PER_DIGIT: Final = 36  # 360 of the 1,797 originals, a fifth

_SEED: Final = 1797
_CELLS: Final = 8  # the originals' side
_FINE: Final = 4  # surface samples per cell and direction
_MARGIN: Final = 2  # empty cells around the original
_SIDE: Final = 28
_BOX: Final = 20
_CENTRE: Final = 14.0
_BLOCK: Final = 1_000  # images rendered at once; limits the memory for coordinates to about 30 MB

# From the surface to strokes. With these values loops stay open, and there is about as much ink as in MNIST.
_SHARPENING: Final = 1.0
_LEVEL: Final = 0.65
_STEEPNESS: Final = 2.0  # an edge is about one pixel wide

# Limits of the augmentation. Most originals are narrower than MNIST's digits (width to height 0.67 against 0.83), and
# few are slanted, so it stretches more than it squeezes, and slants.
_DEGREES: Final = 12.0
_HEIGHT: Final = (0.9, 1.1)
_WIDTH: Final = (0.9, 1.35)
_SLANT: Final = 0.3
_SHIFT: Final = 1.5  # pixels

_Floats = NDArray[np.floating]
_Bytes = NDArray[np.uint8]


class EmbeddedDigits(NamedTuple):
    """The arrays of the embedded digits. `train_groups` is the number of the original of each training image."""

    train_images: _Bytes  # (12000, 28, 28)
    train_labels: _Bytes  # (12000,)
    test_images: _Bytes  # (360, 28, 28)
    test_labels: _Bytes  # (360,)
    train_groups: NDArray[np.int32]  # (12000,)


def make() -> EmbeddedDigits:
    """Make the embedded digits. Every call makes the same images.

    The originals are split first: 36 of each digit become test images. The other 1,437 become training images in
    scikit-learn's order, followed by copies of them that are slightly rotated, scaled, slanted and shifted. Each
    original has the same number of copies, give or take one.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    labels = digits.target.astype(np.uint8)
    surfaces = _surfaces(digits.images / digits.images.max())

    # NumPy never changes RandomState's stream, so the data set stays the same.
    random = np.random.RandomState(_SEED)
    test = np.sort(
        np.concatenate([random.permutation(np.flatnonzero(labels == d))[:TEST_PER_DIGIT] for d in range(10)])
    )
    train = np.setdiff1d(np.arange(len(labels)), test)
    originals = np.concatenate([train, np.resize(random.permutation(train), TRAIN_COUNT - len(train))])

    centres, cells_per_pixel = _poses(surfaces)
    identity = np.broadcast_to(np.eye(2), (len(train), 2, 2))
    turns = np.concatenate([identity, _turns(random, TRAIN_COUNT - len(train))])
    shifts = np.zeros((TRAIN_COUNT, 2))
    shifts[len(train) :] = random.uniform(-_SHIFT, _SHIFT, (TRAIN_COUNT - len(train), 2))

    matrices = turns * cells_per_pixel[originals, None, None]
    starts = centres[originals] - np.einsum("nij,nj->ni", matrices, shifts)
    plain = np.eye(2) * cells_per_pixel[test, None, None]
    return EmbeddedDigits(
        train_images=_draw(surfaces, originals, matrices, starts),
        train_labels=labels[originals],
        test_images=_draw(surfaces, test, plain, centres[test]),
        test_labels=labels[test],
        train_groups=originals.astype(np.int32),
    )


def _surfaces(images: _Floats) -> NDArray[np.float32]:
    """Return smooth, sharpened surfaces (n, 48, 48) with empty margins for images (n, 8, 8) in [0, 1]."""
    from scipy.ndimage import gaussian_filter

    # Cubic convolution (Keys, 1981): piecewise cubic interpolation over two cells to each side.
    positions = (np.arange((_CELLS + 2 * _MARGIN) * _FINE) + 0.5) / _FINE - 0.5 - _MARGIN
    distance = np.abs(positions[:, None] - np.arange(_CELLS))
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weights = np.where(distance <= 1, near, np.where(distance < 2, far, 0))

    surfaces = weights @ images @ weights.T
    surfaces += _SHARPENING * (surfaces - gaussian_filter(surfaces, (0, _FINE, _FINE)))
    return np.asarray(surfaces, np.float32)


def _ink(heights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the ink, 0 to 1, at these heights of the surface."""
    return np.asarray(np.clip((heights - _LEVEL) * _STEEPNESS + 0.5, 0, 1), np.float32)


def _poses(surfaces: NDArray[np.float32]) -> tuple[_Floats, _Floats]:
    """Return each surface's centre of mass (n, 2), row first, and its samples per output pixel (n,)."""
    ink = _ink(surfaces).astype(np.float64)
    rows, columns = ink.sum(axis=2), ink.sum(axis=1)
    places = np.arange(ink.shape[1])
    centres = np.stack([rows @ places, columns @ places], axis=1) / rows.sum(axis=1)[:, None]

    height, width = _extent(rows > 0), _extent(columns > 0)
    return centres, np.maximum(height, width) / _BOX


def _extent(marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the distance from the first mark to after the last one in each row of (n, length)."""
    return np.asarray(marked.shape[1] - marked.argmax(axis=1) - marked[:, ::-1].argmax(axis=1))


def _turns(random: np.random.RandomState, count: int) -> _Floats:
    """Return random matrices (count, 2, 2) from output steps to steps in the upright, unscaled digit."""
    angle = np.deg2rad(random.uniform(-_DEGREES, _DEGREES, count))
    height, width = random.uniform(*_HEIGHT, count), random.uniform(*_WIDTH, count)
    slant = random.uniform(-_SLANT, _SLANT, count)
    zero = np.zeros(count)
    scaled = np.array([[1 / height, zero], [slant, 1 / width]])
    rotated = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.moveaxis(np.einsum("ijn,jkn->ikn", scaled, rotated), 2, 0)


def _draw(surfaces: NDArray[np.float32], which: NDArray[np.int64], matrices: _Floats, starts: _Floats) -> _Bytes:
    """Render images (n, 28, 28): each shows `surfaces[which]` after an affine map.

    Args:
        surfaces: (m, side, side).
        which: (n,) index of each image's surface.
        matrices: (n, 2, 2), from a step in the image to a step on the surface.
        starts: (n, 2), the point of the surface at the centre of the image.
    """
    side = surfaces.shape[1]
    heights = surfaces.ravel()
    steps = np.indices((_SIDE, _SIDE)).reshape(2, -1) - _CENTRE
    images = np.empty((len(which), _SIDE, _SIDE), np.uint8)
    for first in range(0, len(which), _BLOCK):
        block = slice(first, first + _BLOCK)
        # The margin is empty, so points outside can be read at its edge.
        points = np.clip(matrices[block] @ steps + starts[block, :, None], 0, side - 1.001).astype(np.float32)
        whole = points.astype(np.int32)
        y, x = np.moveaxis(points - whole, 1, 0)
        at = (which[block, None] * side + whole[:, 0]) * side + whole[:, 1]
        above = heights[at] * (1 - x) + heights[at + 1] * x
        below = heights[at + side] * (1 - x) + heights[at + side + 1] * x
        ink = _ink(above * (1 - y) + below * y)
        ink /= ink.max(axis=1, keepdims=True)
        images[block] = np.rint(ink * 255).reshape(-1, _SIDE, _SIDE)
    return images
