"""Multinomial logistic regression, found by L-BFGS, a round at a time.

Its aim is that of scikit-learn's `LogisticRegression`: the mean cross-entropy, plus the squares of the weights but not
of the biases, halved and divided by the number of images. scikit-learn itself turns all pixels into float64 for each
look at the loss, and forgets the shape of the valley whenever it is interrupted.

Source: Liu, Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Parameters = NDArray[np.float64]
"""(pixels + 1, classes): a column of weights for each class, with its bias at the end."""

_MEMORY = 10
_MOST_HALVINGS = 30
# How much of the fall that the slope promises a step must bring.
_SHARE_OF_SLOPE = 1e-4
_FLAT = 1e-4


def fit(pixels: NDArray[np.float32], labels: NDArray[np.integer], classes: int) -> Iterator[Parameters]:
    """Descend from zero; each round is a look at all images, now and then a few.

    Args:
        pixels: (n, p).
        labels: (n,), from 0 to below `classes`.
        classes: how many.

    Yields:
        The parameters after each round, until no slope is steeper than 1e-4 or rounding hides the way down.
    """
    point = np.zeros((pixels.shape[1] + 1, classes))
    loss, slope = loss_and_slope(point, pixels, labels)
    memory: deque[tuple[Parameters, Parameters]] = deque(maxlen=_MEMORY)
    while np.abs(slope).max() > _FLAT:
        direction = -_through_the_valley(slope, memory)
        promise = _SHARE_OF_SLOPE * float(np.vdot(slope, direction))
        # Of the valley's width nothing is known before the first step.
        step = 1.0 if memory else min(1.0, 1 / float(np.abs(slope).sum()))
        for _ in range(_MOST_HALVINGS):
            there = point + step * direction
            new_loss, new_slope = loss_and_slope(there, pixels, labels)
            if new_loss <= loss + step * promise:
                break
            step /= 2
        else:
            return
        move, bend = there - point, new_slope - slope
        if np.vdot(move, bend) > 0:
            memory.append((move, bend))
        point, loss, slope = there, new_loss, new_slope
        yield point


def loss_and_slope(
    point: Parameters, pixels: NDArray[np.float32], labels: NDArray[np.integer]
) -> tuple[float, Parameters]:
    """The loss at `point`, and its derivative by each parameter."""
    count = len(pixels)
    rows = np.arange(count)
    strength = 1 / count
    errors = scores(point, pixels)
    errors -= errors.max(axis=1, keepdims=True)
    right = errors[rows, labels]
    np.exp(errors, out=errors)
    sums = errors.sum(axis=1)
    loss = float(np.mean(np.log(sums) - right, dtype=np.float64))
    errors /= sums[:, None]
    errors[rows, labels] -= 1
    errors /= count
    weights = point[:-1]
    slope = np.concatenate([pixels.T @ errors + strength * weights, errors.sum(axis=0, dtype=np.float64)[None]])
    return loss + strength / 2 * float(np.vdot(weights, weights)), slope


def scores(point: Parameters, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, classes): what softmax turns into probabilities."""
    found: NDArray[np.float32] = pixels @ point[:-1].astype(np.float32)
    found += point[-1].astype(np.float32)
    return found


def _through_the_valley(slope: Parameters, memory: deque[tuple[Parameters, Parameters]]) -> Parameters:
    """The slope, divided by how it has bent along the last moves."""
    found = slope.copy()
    shares = []
    for move, bend in reversed(memory):
        share = np.vdot(move, found) / np.vdot(move, bend)
        found -= share * bend
        shares.append(share)
    if memory:
        move, bend = memory[-1]
        found *= np.vdot(move, bend) / np.vdot(bend, bend)
    for (move, bend), share in zip(memory, reversed(shares), strict=True):
        found += move * (share - np.vdot(bend, found) / np.vdot(move, bend))
    return found
