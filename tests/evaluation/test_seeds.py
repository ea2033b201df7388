"""Runs of one network with different seeds: their mean, and whether two networks differ by more than chance."""

from __future__ import annotations

import dataclasses
import itertools
from statistics import fmean

import numpy as np
import pytest

from mnist_core.evaluation import seeds
from mnist_core.evaluation.seeds import Spread
from tests.samples import small


def test_spread_by_hand() -> None:
    assert Spread.of([0.5, 1.0, 0.75]) == Spread(3, 0.75, 0.5, 1.0)


def test_configs_that_differ_in_the_seed_alone() -> None:
    config = small(seed=3)
    assert seeds.without_seed(config) == seeds.without_seed(small(seed=9))
    assert seeds.without_seed(config) != seeds.without_seed(dataclasses.replace(config, epochs=9))


def test_band_of_curves_with_the_same_places() -> None:
    places = np.array([0.5, 1.0, 1.5])
    curves = [np.stack([places, values], axis=1) for values in ([0.2, 0.5, 0.6], [0.4, 0.5, 0.9], [0.3, 0.8, 0.6])]
    expected = [[0.5, 0.3, 0.2, 0.4], [1.0, 0.6, 0.5, 0.8], [1.5, 0.7, 0.6, 0.9]]
    np.testing.assert_allclose(seeds.band(curves, 100), expected)


def test_band_ends_where_the_slowest_curve_is() -> None:
    long, short = np.array([[0.0, 0.0], [2.0, 1.0], [4.0, 1.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])
    np.testing.assert_allclose(seeds.band([long, short], 100), [[0.0, 0.0, 0.0, 0.0], [1.0, 0.75, 0.5, 1.0]])


def test_band_before_all_have_begun() -> None:
    begun, waiting = np.array([[1.0, 0.5, 0.2]]), np.zeros((0, 3))
    assert seeds.band([begun, waiting], 100).shape == (0, 7)


def test_band_has_few_places() -> None:
    curves = [np.stack([np.arange(1000.0), np.arange(1000.0)], axis=1) for _ in range(3)]
    found = seeds.band(curves, 50)
    assert len(found) == 50
    assert found[[0, -1], 0].tolist() == [0.0, 999.0]


def test_value_that_is_not_known_is_not_a_number() -> None:
    curve = np.array([[1.0, np.nan, 0.5], [2.0, np.nan, 0.4]])
    found = seeds.band([curve, curve], 10)
    assert np.isnan(found[:, 1:4]).all()
    np.testing.assert_array_equal(found[:, 4], [0.5, 0.4])


def counted(a: list[float], b: list[float]) -> float:
    """The p-value by counting all ways to deal the results into two groups."""
    together, gap = [*a, *b], abs(fmean(a) - fmean(b))
    ways = list(itertools.combinations(range(len(together)), len(a)))
    gaps = [
        abs(fmean(together[i] for i in way) - fmean(x for i, x in enumerate(together) if i not in way)) for way in ways
    ]
    return sum(one >= gap - 1e-12 for one in gaps) / len(ways)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([0.91, 0.92, 0.93, 0.921, 0.925], [0.95, 0.951, 0.952, 0.949, 0.953]),
        ([0.91, 0.95, 0.93, 0.94, 0.925], [0.95, 0.931, 0.92, 0.949, 0.915]),
        ([0.91, 0.95, 0.93], [0.95, 0.931, 0.92]),
        ([0.91, 0.95, 0.93], [0.95, 0.931, 0.92, 0.96]),
        ([0.9, 0.91], [0.95, 0.96]),
    ],
)
def test_p_value_counts_all_ways(a: list[float], b: list[float]) -> None:
    assert seeds.p_value(a, b) == pytest.approx(counted(a, b))


@pytest.mark.parametrize(("a", "b"), [(2, 2), (3, 3), (5, 5), (3, 4), (2, 6), (5, 3)])
def test_least_p_value_is_that_of_the_clearest_difference(a: int, b: int) -> None:
    low, high = [i / 100 for i in range(a)], [9 + i / 100 for i in range(b)]
    assert seeds.least_p_value(a, b) == pytest.approx(seeds.p_value(low, high))


def test_many_seeds_of_the_same_network_do_not_differ() -> None:
    random = np.random.default_rng(0)
    found = [seeds.p_value(*random.normal(0.9, 0.01, (2, 5)).tolist()) for _ in range(200)]
    assert 0.01 < np.mean(np.array(found) < 0.05) < 0.1  # About one in twenty looks like a difference.
