"""Runs of one network with different seeds: how far chance spreads them, and whether two networks differ by more."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mnist_core.config import RunConfig

LEAST = 3
"""From this many seeds on, runs are shown as a group."""
_MOST_SHUFFLES = 9_999


@dataclass(frozen=True)
class Spread:
    """Results of several runs.

    Args:
        count: how many runs.
        mean: their mean.
        low: the lowest result.
        high: the highest result.
    """

    count: int
    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of one value or more."""
        return cls(len(values), float(np.mean(values)), min(values), max(values))


def without_seed(config: RunConfig) -> RunConfig:
    """What two runs have in common if they differ in nothing but the seed."""
    return dataclasses.replace(config, seed=0)


def band(curves: Sequence[NDArray[np.floating]], most: int) -> NDArray[np.float64]:
    """The mean of several curves, and the lowest and the highest of them, as far as all curves have come.

    Args:
        curves: each (n, 1 + k): a place, ascending, and k values. Between two places a curve is straight.
        most: how many places the result has at most, two or more.

    Returns:
        (m, 1 + 3 * k) float64: a place, and for each value the mean, the lowest and the highest. A value that is not
        known in one of the curves is NaN.
    """
    width = 1 + 3 * (curves[0].shape[1] - 1)
    if not all(map(len, curves)):
        return np.zeros((0, width))
    places = np.unique(np.concatenate([curve[:, 0] for curve in curves]))
    first, last = max(curve[0, 0] for curve in curves), min(curve[-1, 0] for curve in curves)
    places = places[(first <= places) & (places <= last)]
    places = places[np.unique(np.linspace(0, len(places) - 1, min(most, len(places))).round().astype(int))]
    columns = [places.astype(np.float64)]
    for value in range(1, curves[0].shape[1]):
        values = np.array([np.interp(places, curve[:, 0], curve[:, value]) for curve in curves])
        columns += [values.mean(axis=0), values.min(axis=0), values.max(axis=0)]
    return np.stack(columns, axis=1)


def least_p_value(a: int, b: int) -> float:
    """The smallest p-value that `p_value` can give for groups of these sizes."""
    return (2 if a == b else 1) / math.comb(a + b, a)


def p_value(a: Sequence[float], b: Sequence[float]) -> float:
    """How often two groups would differ at least so much if the network made no difference, only the seed.

    A permutation test of the means, two-sided: all ways to deal the results into two groups are counted, or 9,999
    random ways if there are more.

    Args:
        a: the results of one network, two or more.
        b: those of the other network, two or more.
    """
    from scipy import stats  # Slow to import.

    def difference(one: NDArray[np.float64], other: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        gap: NDArray[np.float64] = np.abs(one.mean(axis=axis) - other.mean(axis=axis))
        return gap

    found = stats.permutation_test(
        (np.asarray(a, np.float64), np.asarray(b, np.float64)),
        difference,
        vectorized=True,
        alternative="greater",
        n_resamples=_MOST_SHUFFLES,
        rng=np.random.default_rng(0),
    )
    return float(found.pvalue)
