"""Compare runs: their settings, accuracy against cost, and their answers to the same images."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnist_core.config import SETTINGS
from mnist_core.data import datasets
from mnist_core.errors import DataError
from mnist_core.language import gettext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mnist_core.config import RunConfig
    from mnist_core.evaluation.metrics import Evaluation, Indices


def described(config: RunConfig) -> dict[str, str]:
    """Return every setting of a run as text, by its label. Different values give different texts."""
    words = {name: setting.in_words(getattr(config, name)) for name, setting in SETTINGS.items()}
    words["dataset"] = gettext(
        datasets.NAMES.get(config.dataset, config.dataset)
    )  # A data set may be the visitor's own.
    return {SETTINGS[name].label: text for name, text in words.items()}


def differences(configs: Sequence[RunConfig]) -> list[dict[str, str]]:
    """Return for each config the settings that are not the same in all configs, in the form of `described`."""
    texts = [described(config) for config in configs]
    names = [name for name in (texts[0] if texts else ()) if len({text[name] for text in texts}) > 1]
    return [{name: text[name] for name in names} for text in texts]


def pareto_front(costs: Sequence[float], accuracies: Sequence[float]) -> list[int]:
    """Return the indices of the runs on the Pareto front, the cheapest first.

    A run is on the front if no other run is better in cost or accuracy and at least as good in the other.

    Args:
        costs: the cost of each run, such as its parameters or seconds.
        accuracies: the accuracy of each run.

    Example:
        >>> pareto_front([1, 2, 3], [0.9, 0.8, 0.95])
        [0, 2]
    """
    best: list[int] = []
    for i in sorted(range(len(costs)), key=lambda i: (costs[i], -accuracies[i])):
        last = best[-1] if best else None
        is_equal = last is not None and (costs[i], accuracies[i]) == (costs[last], accuracies[last])
        if last is None or is_equal or accuracies[i] > accuracies[last]:
            best.append(i)
    return best


def unique_names(titles: Sequence[str], configs: Sequence[RunConfig]) -> list[str]:
    """Return a unique name for each run: its title, followed by the differing settings if titles are equal."""
    names = list(titles)
    for title in {title for title in titles if titles.count(title) > 1}:
        same = [i for i, other in enumerate(titles) if other == title]
        for i, differing in zip(same, differences([configs[i] for i in same]), strict=True):
            names[i] = ", ".join([title, *(f"{gettext(name)} {value}" for name, value in differing.items())])
    return number_duplicates(names)


def number_duplicates(names: Sequence[str]) -> list[str]:
    """Make names unique: append a number to each name that occurred before."""
    unique: dict[str, None] = {}
    counts: Counter[str] = Counter()
    for name in names:
        candidate = name
        while candidate in unique:
            counts[name] += 1
            candidate = f"{name} ({counts[name] + 1})"
        unique[candidate] = None
    return list(unique)


@dataclass(frozen=True, eq=False)
class PairedComparison:
    """The answers of two networks, A and B, to the same test images.

    Attributes:
        confusion: (10, 10) int64, A's confusion matrix minus B's; rows are the true digits, columns the answers.
        only_a: (k,) int64, indices of the images that only A reads correctly, B's most confident mistake first.
        only_b: the same for B.
        both: indices of the images that both read correctly, in ascending order.
        neither: indices of the images that both misread, A's most confident mistake first.
        p_value: of McNemar's exact two-sided test: the probability that two equally good networks differ at least this
            much in `only_a` and `only_b`; 1 if both are empty.
    """

    confusion: NDArray[np.int64]
    only_a: Indices
    only_b: Indices
    both: Indices
    neither: Indices
    p_value: float


def compare_pair(a: Evaluation, b: Evaluation) -> PairedComparison:
    """Compare the answers of two networks image by image.

    Raises:
        DataError: their labels differ, so they were tested on different images.
    """
    from scipy import stats  # Slow to import.

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
