"""The fault lab: the corrupted data, and every symptom that the hints and explanations mention."""

from __future__ import annotations

import dataclasses
import functools
import os
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mnist_core import training
from mnist_core.config import RunConfig
from mnist_core.data import Dataset, datasets, splits
from mnist_core.errors import ConfigError, DataError
from mnist_core.evaluation import Evaluation
from mnist_core.evaluation.metrics import evaluate_on_test
from mnist_core.lessons import faults
from mnist_core.lessons.faults import FAULTS
from mnist_core.training import Progress
from tests.events import finished
from tests.samples import blobs

# The loss of guessing among ten digits.
GUESSING = float(np.log(10))
DATA = [
    "embedded",
    pytest.param("mnist", marks=pytest.mark.skipif("MNIST_DATA_DIR" not in os.environ, reason="MNIST is not here")),
]
on_all_data = pytest.mark.parametrize("name", DATA)


@functools.cache
def whole(name: str) -> Dataset:
    return datasets.load(name)


@dataclass(frozen=True, eq=False)
class Case:
    """What a learner sees of a case: the curves and the matrix on the test images."""

    points: list[Progress]
    history: tuple[training.EpochMetrics, ...]
    test: Evaluation
    network: Any

    @property
    def last(self) -> training.EpochMetrics:
        return self.history[-1]

    @property
    def columns(self) -> npt.NDArray[np.float64]:
        """The share of each digit among the answers."""
        return np.asarray(self.test.confusion.sum(axis=0) / self.test.confusion.sum())

    @property
    def validation(self) -> list[float]:
        return [metrics.validation_accuracy or 0.0 for metrics in self.history]


@functools.cache
def case(key: str, name: str) -> Case:
    dataset = faults.corrupted(key, whole(name))
    events = list(training.train(FAULTS[key].config, dataset, faults.start(key)))
    end = finished(events)
    points = [event for event in events if isinstance(event, Progress)]
    return Case(points, end.history, evaluate_on_test(end.network, dataset), end.network)


# The list of cases


def test_cases_have_all_texts() -> None:
    assert [fault.key for fault in FAULTS.values()] == list(FAULTS)
    assert len({fault.name for fault in FAULTS.values()}) == len(FAULTS) == 9
    for fault in FAULTS.values():
        assert 2 <= len(fault.hints) <= 3
        for text in (*fault.hints, fault.symptom, fault.explanation, fault.cure):
            assert text.endswith((".", "?"))
            assert "  " not in text


def test_case_by_its_number() -> None:
    assert sorted(faults.NUMBERED) == sorted(FAULTS)
    assert [faults.key_of_case(str(number)) for number in range(1, 10)] == list(faults.NUMBERED)
    # The order of the answers on the page and in the table does not reveal the cases.
    for order in (list(FAULTS), sorted(FAULTS, key=lambda key: FAULTS[key].name)):
        assert sum(a == b for a, b in zip(order, faults.NUMBERED, strict=True)) <= 3


@pytest.mark.parametrize("text", ["", "0", "10", "-1", "1.0", "dead", "²"])
def test_unknown_case_number(text: str) -> None:
    with pytest.raises(DataError, match="no such case"):
        faults.key_of_case(text)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("raw", ["scale", "pixel"]),
        ("inverted", ["invert", "swap", "black", "white"]),
        ("labels", ["label"]),
        ("sorted", ["sort", "shuffl"]),
        ("leak", ["among the training", "leak"]),
        ("high", ["rate", "too high"]),
        ("low", ["rate", "too low"]),
        ("dead", ["dead", "relu", "hidden"]),
        ("nothing", ["nothing", "healthy", "right"]),
    ],
)
def test_hints_do_not_name_the_fault(key: str, words: list[str]) -> None:
    hints = " ".join(FAULTS[key].hints).lower().replace("accuracy", "")
    assert not [word for word in words if word in hints]


def test_case_differs_from_the_healthy_one_in_one_thing() -> None:
    healthy = dataclasses.asdict(FAULTS["nothing"].config)
    data = faults.corrupted("nothing", blobs())
    different = {}
    for key, fault in FAULTS.items():
        config = dataclasses.asdict(fault.config)
        settings = [field for field in healthy if config[field] != healthy[field]]
        corrupted = ["data"] if faults.corrupted(key, blobs()) is not data else []
        different[key] = settings + corrupted + (["start"] if faults.start(key) else [])
    # Sorted data do no harm if they are shuffled, so these two changes are one fault.
    assert different.pop("sorted") == ["order", "data"]
    assert different == {
        "raw": ["pixels"],
        "inverted": ["data"],
        "labels": ["data"],
        "leak": ["data"],
        "high": ["learning_rate"],
        "low": ["learning_rate"],
        "dead": ["start"],
        "nothing": [],
    }


@pytest.mark.parametrize("function", [lambda key: faults.corrupted(key, blobs()), faults.start])
@pytest.mark.parametrize("key", ["", "RAW", "everything"])
def test_unknown_case_key(function: Any, key: str) -> None:
    with pytest.raises(ConfigError, match="nothing"):
        function(key)


# The data


@pytest.mark.parametrize("key", FAULTS)
def test_test_images_stay_unchanged(key: str) -> None:
    dataset = faults.corrupted(key, blobs())
    np.testing.assert_array_equal(dataset.test_images, blobs().test_images)
    np.testing.assert_array_equal(dataset.test_labels, blobs().test_labels)
    assert dataset.name == "blobs"


@pytest.mark.parametrize("key", FAULTS)
def test_original_images_stay_unchanged(key: str) -> None:
    before = blobs().train_images.copy(), blobs().train_labels.copy()
    faults.corrupted(key, blobs())
    np.testing.assert_array_equal(blobs().train_images, before[0])
    np.testing.assert_array_equal(blobs().train_labels, before[1])


@pytest.mark.parametrize("key", FAULTS)
def test_corrupted_data_are_reproducible(key: str) -> None:
    first = faults.corrupted(key, blobs())
    faults._corrupted.cache_clear()
    again = faults.corrupted(key, blobs())
    assert again is not first
    np.testing.assert_array_equal(again.train_images, first.train_images)
    np.testing.assert_array_equal(again.train_labels, first.train_labels)


@pytest.mark.parametrize("key", FAULTS)
def test_visitors_share_one_copy(key: str) -> None:
    faults._corrupted.cache_clear()
    together, received = threading.Barrier(8), []

    def visit() -> None:
        together.wait()
        received.append(faults.corrupted(key, blobs()))

    visitors = [threading.Thread(target=visit) for _ in range(8)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert len(received) == 8
    assert len(set(map(id, received))) == 1


def test_cases_with_clean_images_share_one_copy() -> None:
    assert len({id(faults.corrupted(key, blobs())) for key in ("nothing", "raw", "high", "low", "dead")}) == 1


def test_number_of_training_images_is_limited() -> None:
    many = blobs(train=faults.MOST_IMAGES + 300)
    many = dataclasses.replace(many, train_groups=np.arange(len(many.train_images), dtype=np.int32) // 4)
    part = faults.corrupted("nothing", many)
    np.testing.assert_array_equal(part.train_images, many.train_images[:12_000])
    np.testing.assert_array_equal(part.train_labels, many.train_labels[:12_000])
    assert part.train_groups is not None
    assert part.train_groups.tolist() == [i // 4 for i in range(12_000)]


def test_inverted_images_by_hand() -> None:
    dataset = faults.corrupted("inverted", blobs())
    together = dataset.train_images.astype(int) + blobs().train_images
    assert (together == 255).all()
    np.testing.assert_array_equal(dataset.train_labels, blobs().train_labels)


def test_shuffled_labels_agree_by_chance_only() -> None:
    dataset, clean = faults.corrupted("labels", whole("embedded")), whole("embedded")
    np.testing.assert_array_equal(dataset.train_images, clean.train_images)
    np.testing.assert_array_equal(np.bincount(dataset.train_labels), np.bincount(clean.train_labels))
    # Four standard deviations of 12,000 guesses.
    assert abs((dataset.train_labels == clean.train_labels).mean() - 0.1) < 4 * np.sqrt(0.09 / 12_000)


def test_sorted_images_keep_labels_and_groups() -> None:
    dataset, clean = faults.corrupted("sorted", whole("embedded")), whole("embedded")
    assert (np.diff(dataset.train_labels.astype(int)) >= 0).all()
    assert dataset.train_groups is not None
    assert clean.train_groups is not None

    def pieces(data: Dataset, groups: Any) -> list[tuple[bytes, int, int]]:
        images = map(np.ndarray.tobytes, data.train_images)
        return sorted(zip(images, data.train_labels.tolist(), groups.tolist(), strict=True))

    assert pieces(dataset, dataset.train_groups) == pieces(clean, clean.train_groups)


@pytest.mark.parametrize("data", [blobs, functools.partial(whole, "embedded")])
def test_leaked_test_images_are_in_no_validation_set(data: Any) -> None:
    clean, dataset = data(), faults.corrupted("leak", data())
    config = FAULTS["leak"].config
    split = splits.split(dataset, config.split, config.validation_fraction)

    def pairs(images: Any, labels: Any) -> set[tuple[bytes, int]]:
        return set(zip(map(np.ndarray.tobytes, images), labels.tolist(), strict=True))

    def trained(indices: Any) -> set[tuple[bytes, int]]:
        return pairs(dataset.train_images[indices], dataset.train_labels[indices])

    test = pairs(clean.test_images, clean.test_labels)
    assert test <= trained(split.train_indices)
    assert not test & trained(split.validation_indices)
    assert pairs(dataset.train_images, dataset.train_labels) <= test | pairs(clean.train_images, clean.train_labels)
    assert len(dataset.train_images) == len(clean.train_images)


def test_leak_with_more_test_than_training_images() -> None:
    few = blobs(train=60)
    dataset = faults.corrupted("leak", few)
    config = FAULTS["leak"].config
    places = splits.split(dataset, config.split, config.validation_fraction).train_indices
    assert 50 < len(places) < 60
    np.testing.assert_array_equal(dataset.train_images[places], few.test_images[: len(places)])


def test_leak_with_images_of_a_single_original() -> None:
    one = dataclasses.replace(blobs(), train_groups=np.zeros(300, np.int32))
    with pytest.raises(DataError):
        faults.corrupted("leak", one)


# The start


@on_all_data
def test_dead_units_answer_to_no_image(name: str) -> None:
    state = faults.start("dead")
    assert state is not None
    kernel, bias = state.weights[0].astype(np.float64), state.weights[1].astype(np.float64)
    dataset = faults.corrupted("dead", whole(name))
    for images in (dataset.train_images, dataset.test_images):
        assert np.maximum(images.reshape(-1, 784) / 255 @ kernel + bias, 0).max() == 0
    # Training does not change them.
    after = case("dead", name).network.weights
    np.testing.assert_array_equal(after[0], state.weights[0])
    np.testing.assert_array_equal(after[1], state.weights[1])


def test_only_dead_units_have_a_start_of_their_own() -> None:
    assert [key for key in FAULTS if faults.start(key) is not None] == ["dead"]


# The symptoms that the hints and explanations mention


@on_all_data
def test_symptoms_of_nothing_wrong(name: str) -> None:
    it = case("nothing", name)
    assert it.points[0].loss < GUESSING
    assert it.last.accuracy > 0.98
    assert it.last.loss < 0.1
    assert 0.02 < it.last.accuracy - it.validation[-1] < 0.1
    assert 0.9 < it.test.accuracy < 0.99
    assert (it.test.confusion.diagonal() > 0.8 * it.test.confusion.sum(axis=1)).all()


@on_all_data
def test_symptoms_of_raw_pixels(name: str) -> None:
    it, healthy = case("raw", name), case("nothing", name)
    assert it.points[0].loss > 10 * GUESSING
    assert it.last.loss < it.history[2].loss / 1.5 < it.history[0].loss / 3
    assert it.last.accuracy > 0.93
    assert it.test.accuracy > 0.88
    assert len(it.test.mistakes) > 1.5 * len(healthy.test.mistakes)


@on_all_data
def test_symptoms_of_inverted_images(name: str) -> None:
    it = case("inverted", name)
    assert it.validation[-1] > 0.85
    assert it.last.accuracy > 0.9
    assert it.test.accuracy < 0.05


@on_all_data
def test_symptoms_of_shuffled_labels(name: str) -> None:
    it = case("labels", name)
    assert it.history[0].accuracy < 0.13
    assert it.last.accuracy > 0.2
    assert all(0.07 < accuracy < 0.14 for accuracy in it.validation)
    assert it.last.validation_loss is not None
    assert it.last.validation_loss > GUESSING + 0.1
    assert it.test.accuracy < 0.2
    assert (it.columns > 0.03).sum() >= 8
    assert it.columns.max() < 0.4


@on_all_data
def test_symptoms_of_sorted_images(name: str) -> None:
    it = case("sorted", name)
    assert it.points[0].accuracy > 0.9
    assert max(point.accuracy for point in it.points[1:4]) < 0.75
    for epoch in (2, 6, len(it.history)):
        accuracies = [point.accuracy for point in it.points if point.epoch == epoch]
        moves = np.sign(np.diff(accuracies))
        assert (moves[1:] != moves[:-1]).sum() >= 3
        assert max(accuracies) - min(accuracies) > 0.08
    assert it.last.accuracy - it.validation[-1] > 0.3
    assert it.columns[8:].sum() > 0.5


@on_all_data
def test_symptoms_of_leaked_test_images(name: str) -> None:
    it = case("leak", name)
    assert it.test.accuracy > 0.999
    assert it.last.accuracy > 0.99
    assert it.validation[-1] < 0.975


@on_all_data
def test_symptoms_of_a_high_learning_rate(name: str) -> None:
    it = case("high", name)
    assert it.points[0].loss > 1.3 * GUESSING
    assert min(point.loss for point in it.points) > 0.4
    assert it.last.accuracy < 0.85
    late = [point.loss for point in it.points[12:]]
    assert max(late) - min(late) > 0.2
    assert it.columns.max() > 0.3
    hidden = whole(name).test_images.reshape(-1, 784) / 255 @ it.network.weights[0] + it.network.weights[1]
    assert (hidden.max(axis=0) <= 0).mean() > 0.5


@on_all_data
def test_symptoms_of_a_low_learning_rate(name: str) -> None:
    it = case("low", name)
    losses = np.array([metrics.loss for metrics in it.history])
    falls = -np.diff(losses)
    assert (falls > 0).all()
    assert falls.max() < 1.6 * falls.min()
    assert it.last.loss > 1.5
    assert it.last.accuracy < 0.75
    assert (np.diff(it.validation) > 0).all()
    shares = it.test.confusion.diagonal() / it.test.confusion.sum(axis=1)
    assert shares.max() > 0.8
    assert shares.min() < 0.2


@on_all_data
def test_symptoms_of_dead_units(name: str) -> None:
    it = case("dead", name)
    assert all(abs(point.loss - GUESSING) < 0.03 for point in it.points)
    assert len(set(it.validation)) <= 2
    assert (it.test.confusion.sum(axis=0) > 0).sum() == 1


@on_all_data
@pytest.mark.parametrize("key", FAULTS)
def test_every_case_ends_with_a_matrix(key: str, name: str) -> None:
    it = case(key, name)
    assert it.last.epoch == FAULTS[key].config.epochs
    assert np.isfinite([point.loss for point in it.points]).all()
    assert it.test.confusion.sum() == len(whole(name).test_images)


def test_configs_in_a_link() -> None:
    for fault in FAULTS.values():
        assert RunConfig.from_query(fault.config.to_query()) == fault.config
