"""Several runs beside each other: what they differ in, which are worth their cost, what one reads and another not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnist_core.config import SETTINGS
from mnist_core.data import datasets
from mnist_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mnist_core.config import RunConfig
    from mnist_core.evaluation.metrics import Evaluation, Indices


def described(config: RunConfig) -> dict[str, str]:
    """Every setting of a run in words, under its label; different values read differently."""
    words = {name: setting.in_words(getattr(config, name)) for name, setting in SETTINGS.items()}
    words["dataset"] = datasets.NAMES.get(config.dataset, config.dataset)  # A data set may be the visitor's own.
    return {SETTINGS[name].label: text for name, text in words.items()}


def differences(configs: Sequence[RunConfig]) -> list[dict[str, str]]:
    """For each of the configs, as `described`, the settings in which not all of them agree."""
    texts = [described(config) for config in configs]
    names = [name for name in (texts[0] if texts else ()) if len({text[name] for text in texts}) > 1]
    return [{name: text[name] for name in names} for text in texts]


def pareto_front(costs: Sequence[float], accuracies: Sequence[float]) -> list[int]:
    """Indices of the runs that no other one beats, the cheapest first.

    One beats another if it costs no more and is no less accurate, and is better in one of the two at least.

    Args:
        costs: of each run, such as its parameters or seconds.
        accuracies: of each, as many.
    """
    best: list[int] = []
    for i in sorted(range(len(costs)), key=lambda i: (costs[i], -accuracies[i])):
        last = best[-1] if best else None
        is_equal = last is not None and (costs[i], accuracies[i]) == (costs[last], accuracies[last])
        if last is None or is_equal or accuracies[i] > accuracies[last]:
            best.append(i)
    return best


def unique_names(titles: Sequence[str], configs: Sequence[RunConfig]) -> list[str]:
    """A name for each run, no two alike: its title, if need be with the settings in which its namesakes differ."""
    names = list(titles)
    for title in {title for title in titles if titles.count(title) > 1}:
        alike = [i for i, other in enumerate(titles) if other == title]
        for i, differing in zip(alike, differences([configs[i] for i in alike]), strict=True):
            names[i] = ", ".join([title, *(f"{name} {value}" for name, value in differing.items())])
    return number_duplicates(names)


def number_duplicates(names: Sequence[str]) -> list[str]:
    """The same names, but what has been there before gets a number behind it."""
    there: dict[str, None] = {}
    counts: Counter[str] = Counter()
    for name in names:
        one = name
        while one in there:
            counts[name] += 1
            one = f"{name} ({counts[name] + 1})"
        there[one] = None
    return list(there)


@dataclass(frozen=True, eq=False)
class PairedComparison:
    """What two networks, here called A and B, made of the same test images.

    Attributes:
        confusion: (10, 10) int64, A's confusion matrix minus B's, rows the true digit, columns the answer.
        only_a: (k,) int64, indices of the images that A reads right and B does not, B's surest mistake first.
        only_b: likewise the other way round.
        both: those that both read right, in their order.
        neither: those that neither reads right, A's surest mistake first.
        p_value: how probable it is, 0 to 1, that two equally good readers differ in at least so unequal numbers of
            images that one of them alone reads right: McNemar's test, exact and two-sided; 1 if there are none.
    """

    confusion: NDArray[np.int64]
    only_a: Indices
    only_b: Indices
    both: Indices
    neither: Indices
    p_value: float


def compare_pair(a: Evaluation, b: Evaluation) -> PairedComparison:
    """Compare two networks image by image.

    Raises:
        DataError: they were not tested on the same images, as far as their labels tell.
    """
    from scipy import stats  # Takes longer to import than a page to show.

    if not np.array_equal(a.labels, b.labels):
        raise DataError(
            "These two were tested on different images.",
            "Compare runs with the same data set and the same choice of test images.",
        )
    a_right, b_right = a.predicted == a.labels, b.predicted == b.labels
    only_a, only_b = _among(b.mistakes, a_right), _among(a.mistakes, b_right)
    differing = len(only_a) + len(only_b)
    return PairedComparison(
        confusion=a.confusion - b.confusion,
        only_a=only_a,
        only_b=only_b,
        both=np.flatnonzero(a_right & b_right).astype(np.int64, copy=False),
        neither=_among(a.mistakes, ~b_right),
        p_value=float(stats.binomtest(len(only_a), differing, 0.5).pvalue) if differing else 1.0,
    )


def _among(indices: Indices, chosen: NDArray[np.bool_]) -> Indices:
    return indices[chosen[indices]]
