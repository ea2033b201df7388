"""Data augmentation: each step bends, tilts and thickens its training images at random.

Hands and pens differ, but a training image shows one writer and one pen. The digit stays the same. The changes depend
only on the run's seed and the step, so a run with augmentation can be repeated exactly, too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mnist_core.config import IMAGE_SIZE
from mnist_core.network.layers import hash_uint32

Tensor = Any  # TensorFlow ships no types.

_MIDDLE = (IMAGE_SIZE - 1) / 2

# The largest changes at strength 1. Random numbers are uniform from minus to plus an image's share of these.
_ROTATION = 0.3  # radians
_SHEAR = 0.45  # columns a row
_SCALE = 0.22  # logarithm of the factor, for width and height separately
_SHIFT = 1.5  # pixels
_WOBBLE = 2.6  # pixels by which each of the points below moves
_WOBBLE_POINTS = 4  # a side; the pixels between follow them smoothly
_WOBBLE_SMOOTHNESS = 0.6  # in distances between points
_CONTRAST = 0.8
_GAP_SHARE = 0.25  # of the images have ink missing in one place
_GAP_RADIUS = 1.5  # pixels


def uniform(key: Tensor, salt: int, shape: tuple[int, ...]) -> Tensor:
    """Random float32 from -1 to 1 that depend only on `key`, a uint32 scalar, and `salt`.

    They are hashes of a counter, as for dropout: XLA's own generators would take longer than the step.
    """
    import tensorflow as tf

    key = hash_uint32(key + tf.constant(salt * 0x85EBCA6B % 2**32, tf.uint32))
    places = tf.cast(tf.range(math.prod(shape)), tf.uint32)
    noise = hash_uint32(tf.bitwise.bitwise_xor(hash_uint32(places + key), key))
    # A float32 holds 24 bits.
    bits = tf.cast(tf.bitwise.right_shift(noise, tf.constant(8, tf.uint32)), tf.float32)
    return tf.reshape(bits * (2.0 / 2**24) - 1.0, shape)


def augment(images: Tensor, key: Tensor, strength: Tensor) -> Tensor:
    """Change each image at random in its own way.

    The order: a wider or narrower pen (grey dilation and erosion), a gap in the ink, one warp for rotation, slant,
    aspect, size, position and wobble (Simard, Steinkraus, Platt: Best Practices for Convolutional Neural Networks,
    2003), and then the contrast. Compile it with XLA, which makes one pass of each; TensorFlow alone takes four times
    as long.

    Args:
        images: (n, 784) float32 in [0, 1], with n known; 1 = ink.
        key: a uint32 scalar that decides everything.
        strength: a float32 scalar: 0 changes nothing, 1 as much as real handwriting varies. Each image is changed by a
            random share of it.

    Returns:
        (n, 784) float32 in [0, 1].
    """
    import tensorflow as tf

    count = images.shape[0]
    grid = tf.reshape(images, (count, IMAGE_SIZE, IMAGE_SIZE))
    # Each image has its own share of the strength: most handwriting is close to usual, some is far from it.
    strength = strength * (0.5 + 0.5 * uniform(key, 6, (count, 1, 1)))
    # Change the pen before the warp: after it, XLA would compute the warp nine times.
    grid = _with_gap(_with_another_pen(grid, key, strength), key, strength)
    grid = _warped(grid, *_sources(count, key, strength))
    contrast = strength * _CONTRAST * uniform(key, 5, (count, 1, 1))
    return tf.reshape(grid + contrast * grid * (1.0 - grid), (count, IMAGE_SIZE**2))


def _with_another_pen(grid: Tensor, key: Tensor, strength: Tensor) -> Tensor:
    """Strokes up to two pixels wider or one narrower on each side; the darkest pixel is full ink, as in `to_mnist`."""
    import tensorflow as tf

    change = uniform(key, 1, (2, grid.shape[0], 1, 1))
    first, second = strength * change[0], tf.maximum(strength * change[1], 0.0)
    grid = tf.where(
        first > 0,
        grid + first * (_extreme(grid, tf.maximum) - grid),
        grid - first * (_extreme(grid, tf.minimum) - grid),
    )
    grid += second * (_extreme(grid, tf.maximum) - grid)
    return grid / tf.maximum(tf.reduce_max(grid, axis=(1, 2), keepdims=True), 0.25)


def _extreme(grid: Tensor, of: Any) -> Tensor:
    """The largest or smallest value among each pixel and its eight neighbours; outside is background."""
    import tensorflow as tf

    padded = tf.pad(grid, [[0, 0], [1, 1], [1, 1]])
    rows = of(of(padded[:, :-2], padded[:, 1:-1]), padded[:, 2:])
    return of(of(rows[:, :, :-2], rows[:, :, 1:-1]), rows[:, :, 2:])


def _with_gap(grid: Tensor, key: Tensor, strength: Tensor) -> Tensor:
    """The images, some of them with ink missing in one place."""
    import tensorflow as tf

    count = grid.shape[0]
    place = uniform(key, 2, (3, count, 1, 1))
    down, right = _from_the_middle()
    distance = (down - 10.0 * place[0]) ** 2 + (right - 8.0 * place[1]) ** 2
    depth = tf.where(place[2] < 2 * _GAP_SHARE - 1, strength, 0.0)
    return grid * (1.0 - depth * tf.exp(-distance / (2 * _GAP_RADIUS**2)))


def _from_the_middle() -> tuple[Any, Any]:
    """How far each row lies below the middle, (1, 28, 1), and each column to the right of it, (1, 1, 28), float32."""
    lines = np.arange(IMAGE_SIZE, dtype=np.float32) - _MIDDLE
    return lines.reshape(1, -1, 1), lines.reshape(1, 1, -1)


def _sources(count: int, key: Tensor, strength: Tensor) -> tuple[Tensor, Tensor]:
    """The source of each pixel of each image: its row and its column, each (n, 28, 28) float32."""
    import tensorflow as tf

    down, right = _from_the_middle()
    change = strength * uniform(key, 3, (6, count, 1, 1))
    turn, slant = _ROTATION * change[0], _SHEAR * change[1]
    wide, high = tf.exp(_SCALE * change[2]), tf.exp(_SCALE * change[3])
    # Slant and stretch first, then the turn.
    x, y = wide * right + slant * down, high * down
    cosine, sine = tf.cos(turn), tf.sin(turn)
    wobble = strength[..., tf.newaxis] * _WOBBLE * uniform(key, 4, (count, 2, _WOBBLE_POINTS, _WOBBLE_POINTS))
    bend = tf.constant(_smooth_steps())
    wobble = tf.einsum("ia,nkab,jb->nkij", bend, wobble, bend)
    return (
        sine * x + cosine * y + _SHIFT * change[4] + wobble[:, 0] + _MIDDLE,
        cosine * x - sine * y + _SHIFT * change[5] + wobble[:, 1] + _MIDDLE,
    )


def _smooth_steps() -> Any:
    """(28, points) float32: how much each of the wobble's points moves each row, summing to 1 for a row."""
    rows = np.linspace(0, _WOBBLE_POINTS - 1, IMAGE_SIZE)[:, np.newaxis]
    weights = np.exp(-0.5 * ((rows - np.arange(_WOBBLE_POINTS)) / _WOBBLE_SMOOTHNESS) ** 2)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _warped(grid: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The images sampled at these places by bilinear interpolation; outside is background."""
    import tensorflow as tf

    count = grid.shape[0]
    side = IMAGE_SIZE + 2
    padded = tf.reshape(tf.pad(grid, [[0, 0], [1, 1], [1, 1]]), (count, side * side))
    # Places outside read the blank frame.
    rows, columns = (tf.clip_by_value(place + 1.0, 0.0, side - 1.001) for place in (rows, columns))
    top, left = tf.floor(rows), tf.floor(columns)
    below, beside = rows - top, columns - left
    corner = tf.reshape(tf.cast(top, tf.int32) * side + tf.cast(left, tf.int32), (count, -1))

    def at(offset: int) -> Tensor:
        return tf.reshape(tf.gather(padded, corner + offset, batch_dims=1), grid.shape)

    upper = (1.0 - beside) * at(0) + beside * at(1)
    lower = (1.0 - beside) * at(side) + beside * at(side + 1)
    return (1.0 - below) * upper + below * lower
