"""A data set of one's own drawings: what is held out, and what the variants are made of."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_core import training
from mnist_core.data import splits
from mnist_core.data.sources import ten_names
from mnist_core.drawing import collection, strokes, to_mnist
from mnist_core.drawing.handwriting import digit_strokes
from mnist_core.drawing.test_set import LabelledDrawing
from mnist_core.errors import DataError
from tests.events import finished
from tests.samples import small

NAMES = ten_names(["ring", "stick"])


def drawings(of_each: int, seed: int = 0) -> list[LabelledDrawing]:
    """Zeros as rings and ones as sticks, in turn."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(2 * of_each):
        label = number % 2
        lines = strokes.fit_to_canvas(digit_strokes(label, random), 0.6)
        image = to_mnist(strokes.render(lines, 18)).image
        made.append(LabelledDrawing(np.round(image * 255).astype(np.uint8), label, (), NAMES))
    return made


def test_a_fifth_of_each_class_is_held_out_as_it_was_drawn() -> None:
    own = drawings(10)
    dataset = collection.make_dataset(own, NAMES)
    assert np.bincount(dataset.test_labels).tolist() == [2, 2]
    as_drawn = {(one.image.tobytes(), one.label) for one in own}
    tested = {(image.tobytes(), label) for image, label in zip(dataset.test_images, dataset.test_labels, strict=True)}
    assert tested <= as_drawn
    trained = {image.tobytes() for image in dataset.train_images}
    assert not trained & {image for image, _ in tested}
    # The other sixteen are there as they were drawn, too.
    assert len(trained & {image for image, _ in as_drawn}) == 16


def test_variants_of_a_drawing_are_one_group_with_its_label() -> None:
    own = drawings(5)
    dataset = collection.make_dataset(own, NAMES)
    assert dataset.train_groups is not None
    counts = np.bincount(dataset.train_groups)
    assert set(counts[counts > 0]) == {collection.TRAINING_IMAGES // 8}
    np.testing.assert_array_equal([own[group].label for group in dataset.train_groups], dataset.train_labels)
    split = splits.split_for(dataset, small(dataset="own", validation_fraction=0.25))
    in_training = set(dataset.train_groups[split.train_indices])
    assert not in_training & set(dataset.train_groups[split.validation_indices])


def test_same_drawings_give_the_same_data_set() -> None:
    own = drawings(3)
    assert collection.make_dataset(own, NAMES).fingerprint == collection.make_dataset(own, NAMES).fingerprint


def test_class_with_one_drawing_is_refused() -> None:
    with pytest.raises(DataError, match=r"too few drawings of stick"):
        collection.make_dataset([one for one in drawings(3) if not one.label] + drawings(1)[1:], NAMES)


def test_network_learns_from_ten_of_each() -> None:
    """On fifty new drawings of each, made with other random numbers."""
    dataset = collection.make_dataset(drawings(10), NAMES)
    network = finished(list(training.train(small(dataset="own", epochs=3), dataset))).network
    new = drawings(50, seed=1)
    answers = network.predict(np.stack([one.image for one in new])).argmax(axis=1)
    assert np.mean(answers == [one.label for one in new]) >= 0.95
