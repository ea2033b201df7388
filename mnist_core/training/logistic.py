"""Multinomial logistic regression, fitted with L-BFGS, one iteration at a time.

The objective is that of scikit-learn's `LogisticRegression`: the mean cross-entropy plus an L2 penalty on the weights,
but not on the biases, of half the sum of squares divided by the number of images.

Why not a library? A run must be able to give way to other runs after each iteration. scikit-learn's solver cannot, and
it converts all pixels to float64 for each evaluation of the loss. `scipy.optimize.minimize` with L-BFGS-B reaches the
same accuracy on MNIST in 100 iterations (0.9258 with 104 evaluations of the loss; this module 0.9259 with 108), but it
blocks:

- Restarted every 5 iterations, it forgets the curvature: 139 evaluations, loss 0.277 instead of 0.243, accuracy 0.9224.
- In a thread that waits in the callback, it gives the same result, but every paused run would keep a thread, whose
  errors and early end have to be passed between the two threads. That is more intricate than the method itself.

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

_HISTORY = 10
_MAX_HALVINGS = 30
# Armijo condition: the least share of the decrease predicted by the gradient that a step must reach.
_SUFFICIENT_DECREASE = 1e-4
_GRADIENT_TOLERANCE = 1e-4


def fit(pixels: NDArray[np.float32], labels: NDArray[np.integer], classes: int) -> Iterator[Parameters]:
    """Minimize the objective, starting from zero. Each iteration evaluates it on all images, usually once.

    Args:
        pixels: (n, p).
        labels: (n,), from 0 to `classes` - 1.
        classes: the number of classes.

    Yields:
        The parameters after each iteration, until no component of the gradient exceeds 1e-4 or rounding errors hide
        any further decrease.
    """
    point = np.zeros((pixels.shape[1] + 1, classes))
    loss, gradient = loss_and_gradient(point, pixels, labels)
    history: deque[tuple[Parameters, Parameters]] = deque(maxlen=_HISTORY)
    while np.abs(gradient).max() > _GRADIENT_TOLERANCE:
        direction = -_inverse_hessian_product(gradient, history)
        decrease = _SUFFICIENT_DECREASE * float(np.vdot(gradient, direction))
        # The curvature is unknown before the first step.
        step_size = 1.0 if history else min(1.0, 1 / float(np.abs(gradient).sum()))
        for _ in range(_MAX_HALVINGS):
            new_point = point + step_size * direction
            new_loss, new_gradient = loss_and_gradient(new_point, pixels, labels)
            if new_loss <= loss + step_size * decrease:
                break
            step_size /= 2
        else:
            return
        step, change = new_point - point, new_gradient - gradient
        if np.vdot(step, change) > 0:
            history.append((step, change))
        point, loss, gradient = new_point, new_loss, new_gradient
        yield point


def loss_and_gradient(
    point: Parameters, pixels: NDArray[np.float32], labels: NDArray[np.integer]
) -> tuple[float, Parameters]:
    """Return the objective at `point` and its gradient."""
    count = len(pixels)
    rows = np.arange(count)
    penalty = 1 / count
    errors = scores(point, pixels)
    errors -= errors.max(axis=1, keepdims=True)
    true_scores = errors[rows, labels]
    np.exp(errors, out=errors)
    sums = errors.sum(axis=1)
    loss = float(np.mean(np.log(sums) - true_scores, dtype=np.float64))
    errors /= sums[:, None]
    errors[rows, labels] -= 1
    errors /= count
    weights = point[:-1]
    gradient = np.concatenate([pixels.T @ errors + penalty * weights, errors.sum(axis=0, dtype=np.float64)[None]])
    return loss + penalty / 2 * float(np.vdot(weights, weights)), gradient


def scores(point: Parameters, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logits, (n, classes)."""
    logits: NDArray[np.float32] = pixels @ point[:-1].astype(np.float32)
    logits += point[-1].astype(np.float32)
    return logits


def _inverse_hessian_product(gradient: Parameters, history: deque[tuple[Parameters, Parameters]]) -> Parameters:
    """Multiply the gradient by the approximate inverse Hessian (the two-loop recursion)."""
    product = gradient.copy()
    alphas = []
    for step, change in reversed(history):
        alpha = np.vdot(step, product) / np.vdot(step, change)
        product -= alpha * change
        alphas.append(alpha)
    if history:
        step, change = history[-1]
        product *= np.vdot(step, change) / np.vdot(change, change)
    for (step, change), alpha in zip(history, reversed(alphas), strict=True):
        product += step * (alpha - np.vdot(change, product) / np.vdot(step, change))
    return product
