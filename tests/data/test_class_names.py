"""The names of a data set's classes, and the outputs of a network that stand for none."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest

from mnist_core.data import uploads
from mnist_core.data.datasets import Dataset
from mnist_core.data.sources import DIGITS, SOURCES, classes_of, noun_of, outputs_to_show, ten_names
from mnist_core.errors import DataError
from tests.jargon import assert_no_jargon
from tests.samples import blobs

SHAPES = ten_names(["heart", "star", "cat"])
LABELS = np.array([0, 1, 2, 0, 1, 2, 0], np.uint8)
IMAGES = np.random.default_rng(1).integers(0, 256, (7, 28, 28), np.uint8)


def own(names: tuple[str, ...] = SHAPES, labels: np.ndarray = LABELS) -> Dataset:
    return Dataset("own", IMAGES, labels, IMAGES[:3], labels[:3], "by hand", class_names=names)


def npz(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def test_three_names_and_seven_outputs_without_a_class() -> None:
    assert SHAPES[:4] == ("heart", "star", "cat", "unused 3")
    assert len(set(SHAPES)) == 10
    assert list(classes_of(SHAPES)) == [0, 1, 2]
    assert noun_of(SHAPES) == "class"


def test_all_ten_outputs_of_the_known_data_sets_have_a_class() -> None:
    for source in SOURCES.values():
        assert list(classes_of(source.class_names)) == list(range(10))
    assert ten_names(DIGITS) == DIGITS


@pytest.mark.parametrize(
    "names",
    [["one"], ["a"] * 2, ["a", "A"], [str(k) for k in range(11)], ["a", ""], ["a", "x" * 25], ["a", "b\nc"],
     ["a", "unused 3"], ["a", "*b*"], ["a", "- b"], ["a", "[b](c)"], ["a", "<b>"], ["a", ":red[b]"], ["a", "$b$"],
     ["a", "1. b"], ["a", "`b`"], ["a", "^b"], ["a", "# b"], ["a", "b_c_"]],
)  # fmt: skip
def test_names_that_are_refused(names: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        ten_names(names)
    assert_no_jargon(str(caught.value))


def test_names_in_any_script_and_emoji() -> None:
    names = ["T-shirt/top", "Äpfel", "星", "قلب", "❤", "👍🏽", "rock 'n' roll"]
    assert list(ten_names(names)[:7]) == names


def test_label_without_a_class_is_refused() -> None:
    with pytest.raises(DataError, match=r"no class.*0 to 2"):
        own(labels=LABELS + 1)


def test_answer_without_a_class_is_shown_too() -> None:
    assert outputs_to_show(SHAPES) == [0, 1, 2]
    assert outputs_to_show(SHAPES, 2) == [0, 1, 2]
    assert outputs_to_show(SHAPES, 7) == [0, 1, 2, 7]


def test_packed_data_set_is_read_back() -> None:
    grouped = dataclasses.replace(own(), train_groups=np.arange(7, dtype=np.int32) // 2)
    for dataset in (own(), grouped, dataclasses.replace(blobs(), name="own")):
        again = uploads.read({"mine.npz": uploads.pack(dataset)})
        assert again.fingerprint == dataset.fingerprint
        assert again.class_names == dataset.class_names


def test_classes_without_names_are_numbers() -> None:
    read = uploads.read({"mine.npz": npz(x_train=IMAGES, y_train=LABELS, x_test=IMAGES, y_test=LABELS)})
    assert [read.class_names[label] for label in classes_of(read.class_names)] == ["0", "1", "2"]


@pytest.mark.parametrize("names", [["heart", "star"], [1, 2, 3], [["a", "b", "c"]]])
def test_class_names_in_a_file_that_do_not_fit(names: list[object]) -> None:
    with pytest.raises(DataError) as caught:
        uploads.read({"mine.npz": npz(x_train=IMAGES, y_train=LABELS, class_names=np.array(names))})
    assert_no_jargon(str(caught.value))


def test_groups_that_do_not_fit_are_refused() -> None:
    parts = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS}
    with pytest.raises(DataError):
        uploads.read({"mine.npz": npz(**parts, train_groups=np.arange(3, dtype=np.int32))})
