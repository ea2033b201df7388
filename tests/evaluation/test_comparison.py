"""Comparing runs: their differences, the Pareto front, and two evaluations image by image."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from mnist_core import config as settings
from mnist_core import presets, training
from mnist_core.config import SETTINGS, LayerConfig, RunConfig
from mnist_core.errors import DataError
from mnist_core.evaluation import Evaluation, comparison
from mnist_core.evaluation.metrics import evaluate_answers
from mnist_core.runs.snapshot import busy_seconds
from mnist_core.training import Progress, Started
from tests.samples import blobs, small

TORRES = RunConfig()


def changed(**changes: Any) -> RunConfig:
    return dataclasses.replace(TORRES, **changes)


# A value other than the default for every setting.
OTHERS: dict[str, Any] = {
    "layers": (),
    "optimizer": "adam",
    "learning_rate": 0.5,
    "loss": "mean_squared_error",
    "batch_size": 64,
    "epochs": 3,
    "dataset": "embedded",
    "split": "kite",
    "validation_fraction": 0.25,
    "seed": 5,
    "l2": 0.001,
    "early_stopping": 2,
    "augmentation": 0.5,
    "pixels": "raw",
    "order": "file",
    "training_images": 1000,
}


def test_other_values_cover_every_setting() -> None:
    assert set(OTHERS) == {field.name for field in dataclasses.fields(RunConfig)}


@pytest.mark.parametrize("name", OTHERS)
def test_one_changed_setting(name: str) -> None:
    # Both have validation images, because early stopping needs them.
    before = changed(validation_fraction=0.0 if name == "validation_fraction" else 0.1)
    after = dataclasses.replace(before, **{name: OTHERS[name]})
    first, second = comparison.differences([before, after])
    assert list(first) == list(second) == [SETTINGS[name].label]
    assert first != second


def test_no_differences() -> None:
    assert comparison.differences([]) == []
    assert comparison.differences([TORRES]) == [{}]
    assert comparison.differences([TORRES] * 3) == [{}, {}, {}]


def test_differences_of_three_runs() -> None:
    found = comparison.differences([TORRES, changed(seed=1, epochs=5), TORRES])
    assert found == [{"Epochs": "20", "Seed": "0"}, {"Epochs": "5", "Seed": "1"}, {"Epochs": "20", "Seed": "0"}]


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        ((), "no hidden layer"),
        ((LayerConfig(units=512, dropout=0.2), LayerConfig(units=512)), "512 ReLU, dropout 0.2; 512 ReLU"),
        (
            (LayerConfig("conv", 32, "leaky_relu"), LayerConfig("conv_only", 8, dropout=0.25)),
            "32 filters Leaky ReLU, pooling; 8 filters ReLU, dropout 0.25",
        ),
    ],
)
def test_layers_in_words(layers: tuple[LayerConfig, ...], text: str) -> None:
    assert comparison.described(changed(layers=layers))["Hidden layers"] == text


def test_values_in_words() -> None:
    found = comparison.described(changed(optimizer="momentum", split="kite", dataset="own", learning_rate=1e-5))
    assert found["Optimizer"] == "SGD with momentum 0.9"
    assert found["Test images"] == settings.SPLITS["kite"]
    assert found["Data set"] == "own"
    assert found["Learning rate"] == "1e-05"
    assert found["L2 penalty"] == found["Early stopping"] == found["Augmentation"] == found["Validation share"] == "off"
    assert found["Seed"] == "0"


def test_values_that_differ_in_the_last_digit() -> None:
    close = [changed(learning_rate=0.1), changed(learning_rate=float(np.nextafter(0.1, 1)))]
    assert len({found["Learning rate"] for found in comparison.differences(close)}) == 2


def test_differences_of_all_presets() -> None:
    found = comparison.differences([preset.config for preset in presets.PRESETS.values()])
    assert len({tuple(one.items()) for one in found}) == len(presets.PRESETS)


def is_dominated(i: int, costs: list[float], accuracies: list[float]) -> bool:
    """Whether another run is at least as good in both and better in one."""
    return any(
        (costs[j] <= costs[i] and accuracies[j] >= accuracies[i])
        and (costs[j] < costs[i] or accuracies[j] > accuracies[i])
        for j in range(len(costs))
    )


@given(st.lists(st.tuples(st.integers(1, 8), st.integers(0, 6)), max_size=30))
def test_pareto_front_by_its_definition(runs: list[tuple[int, int]]) -> None:
    costs, accuracies = [float(cost) for cost, _ in runs], [accuracy / 6 for _, accuracy in runs]
    found = comparison.pareto_front(costs, accuracies)
    assert sorted(found) == [i for i in range(len(runs)) if not is_dominated(i, costs, accuracies)]
    assert [costs[i] for i in found] == sorted(costs[i] for i in found)


def test_pareto_front_by_hand() -> None:
    # The first run dominates the second. The last two are equal.
    assert comparison.pareto_front([1, 2, 3, 4, 4], [0.9, 0.8, 0.95, 0.97, 0.97]) == [0, 2, 3, 4]


def evaluated(predicted: list[int], labels: list[int], seed: int = 0) -> Evaluation:
    """An evaluation of these answers, with random confidences."""
    confidence = np.random.default_rng(seed).uniform(0.5, 0.9, len(labels)).astype(np.float32)
    answers = np.repeat((1 - confidence)[:, None] / 9, 10, axis=1).astype(np.float32)
    answers[np.arange(len(labels)), predicted] = confidence
    return evaluate_answers(answers, np.array(labels, np.uint8))


digits = st.integers(0, 9)


@given(st.lists(st.tuples(digits, digits, digits), min_size=1, max_size=60))
def test_pair_matches_scikit_learn(rows: list[tuple[int, int, int]]) -> None:
    labels, first, second = ([row[i] for row in rows] for i in range(3))
    pair = comparison.compare_pair(evaluated(first, labels), evaluated(second, labels, seed=1))
    of = {"only_a": (True, False), "only_b": (False, True), "both": (True, True), "neither": (False, False)}
    for name, rights in of.items():
        wanted = [i for i, (label, a, b) in enumerate(rows) if (a == label, b == label) == rights]
        assert sorted(getattr(pair, name).tolist()) == wanted
        assert getattr(pair, name).dtype == np.int64
    names = list(range(10))
    difference = metrics.confusion_matrix(labels, first, labels=names) - metrics.confusion_matrix(
        labels, second, labels=names
    )
    np.testing.assert_array_equal(pair.confusion, difference)
    assert pair.confusion.dtype == np.int64
    # The probability that n tosses of a fair coin give a split at least as unequal.
    n, k = len(pair.only_a) + len(pair.only_b), min(len(pair.only_a), len(pair.only_b))
    tail = sum(math.comb(n, i) for i in range(k + 1)) / 2**n
    assert pair.p_value == pytest.approx(min(1.0, 2 * tail))


def test_most_confident_mistakes_come_first() -> None:
    labels = [0] * 20
    right, wrong = evaluated(labels, labels), evaluated([1] * 20, labels, seed=3)
    pair = comparison.compare_pair(right, wrong)
    confidence = wrong.probabilities.max(axis=1)
    assert pair.only_a.tolist() == sorted(range(20), key=lambda i: -confidence[i])
    assert comparison.compare_pair(wrong, right).only_b.tolist() == pair.only_a.tolist()


def test_network_compared_with_itself() -> None:
    same = evaluated([1, 2, 3, 3], [1, 2, 3, 4])
    pair = comparison.compare_pair(same, same)
    assert not pair.confusion.any()
    assert (len(pair.only_a), len(pair.only_b), len(pair.both), len(pair.neither)) == (0, 0, 3, 1)
    assert pair.p_value == 1.0


@pytest.mark.parametrize("labels", [[1, 2, 3], [1, 2, 3, 4, 5], [1, 2, 4, 3]])
def test_different_test_images(labels: list[int]) -> None:
    with pytest.raises(DataError, match="different images"):
        comparison.compare_pair(evaluated([1, 2, 3, 4], [1, 2, 3, 4]), evaluated(labels, labels))


def test_busy_seconds_by_hand() -> None:
    # 60 images in 3 steps: 20 at 10 a second, 40 at 20 a second, then the next epoch's 60 at 30 a second.
    points = [Progress(1, 1, 1.0, 0.1, 10.0, None), Progress(1, 3, 1.0, 0.1, 20.0, None)]
    points.append(Progress(2, 3, 1.0, 0.1, 30.0, None))
    seconds = busy_seconds(points, Started(3, 60, 7850), [0.0, 1 / 3, 2 / 3, 1.0, 1.5, 2.0])
    assert seconds.tolist() == pytest.approx([0.0, 2.0, 3.0, 4.0, 5.0, 6.0])


def test_busy_seconds_without_compiling() -> None:
    points = [Progress(epoch, 1, 1.0, 0.1, speed, None) for epoch, speed in ((1, 1.0), (2, 10.0), (3, 20.0), (4, 10.0))]
    seconds = busy_seconds(points, Started(1, 60, 7850), [1, 2, 3, 4])
    assert seconds.tolist() == pytest.approx([6.0, 12.0, 15.0, 21.0])


def test_busy_seconds_of_a_real_run_increase() -> None:
    started, *events = training.train(small(), blobs())
    assert isinstance(started, Started)
    points = [event for event in events if isinstance(event, Progress)]
    places = [point.epoch - 1 + point.step / started.steps_per_epoch for point in points]
    assert (np.diff(busy_seconds(points, started, places), prepend=0) > 0).all()


def test_unique_names_by_difference_and_number() -> None:
    configs = [TORRES, changed(seed=1), TORRES, changed(l2=0.5), changed(l2=0.5)]
    assert comparison.unique_names(["a", "a", "b", "c", "c"], configs) == ["a, Seed 0", "a, Seed 1", "b", "c", "c (2)"]


@given(st.lists(st.sampled_from(["a", "a (2)", "a (3)", "b"]), max_size=8))
def test_numbered_duplicates(names: list[str]) -> None:
    found = comparison.number_duplicates(names)
    assert len(set(found)) == len(names)
    assert all(new.startswith(old) for old, new in zip(names, found, strict=True))
    assert found[:1] == names[:1]
