"""The network in the repository, tested on digits and other images that it was not trained on."""

from __future__ import annotations

import functools
import os

import numpy as np
import numpy.typing as npt
import pytest

from mnist_core.config import RunConfig
from mnist_core.data import datasets
from mnist_core.drawing import handwriting, preprocessing, strokes
from mnist_core.evaluation import predictor
from mnist_core.evaluation.metrics import calibration_error
from mnist_core.network import parameter_count
from mnist_core.training.pretraining import RECIPE

PEN = 18


@functools.cache
def written(seed: int = 2024, count: int = 400) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Digits in all forms with jitter, from a seed that the training did not use."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    return np.stack([image_of(handwriting.digit_strokes(int(label), random)) for label in labels]), labels


def image_of(lines: strokes.Strokes) -> npt.NDArray[np.float32]:
    return preprocessing.to_mnist(strokes.render(strokes.fit_to_canvas(lines, 0.65), PEN)).image


def test_shipped_network_is_small_and_follows_its_recipe() -> None:
    assert predictor.SHIPPED.stat().st_size <= 2_000_000
    assert predictor.shipped().network.config == RECIPE
    assert sum(weight.nbytes for weight in predictor.shipped().network.weights) <= 2_000_000


def test_shipped_network_is_loaded_once() -> None:
    assert predictor.shipped() is predictor.shipped()


def test_model_card_names_the_recipe() -> None:
    card = (predictor.SHIPPED.parent / "README.md").read_text(encoding="utf-8")
    assert f"{RECIPE.epochs} epochs" in card
    assert f"augmentation {RECIPE.augmentation:g}" in card
    assert f"{parameter_count(RECIPE):,} parameters" in card


@pytest.mark.parametrize("source", ["Alpaydin and F. Alimoglu, 1998", "10.24432/C5MG6K", "Llorens et al., LREC 2008"])
def test_model_card_names_the_training_data(source: str) -> None:
    """Their licence, CC BY 4.0, requires it."""
    card = (predictor.SHIPPED.parent / "README.md").read_text(encoding="utf-8")
    named = [line for line in card.replace("\n  ", " ").splitlines() if source in line]
    assert named
    assert all("CC BY 4.0" in line for line in named)


def test_reads_digits_in_many_forms() -> None:
    images, labels = written()
    assert (predictor.shipped()(images).digit == labels).mean() >= 0.96


def test_reads_the_embedded_digits() -> None:
    """They are of other writers, and were made from 8 by 8 pixels."""
    data = datasets.load("embedded")
    assert (predictor.shipped()(np.float32(1 / 255) * data.test_images).digit == data.test_labels).mean() >= 0.92


@pytest.mark.skipif("MNIST_DATA_DIR" not in os.environ, reason="MNIST itself is not here")
def test_reads_mnist_with_calibrated_probabilities() -> None:
    data = datasets.load("mnist")
    assert data.name == "mnist"
    probabilities = predictor.shipped().network.predict(data.test_images)
    assert (probabilities.argmax(axis=1) == data.test_labels).mean() >= 0.996
    assert calibration_error(probabilities, data.test_labels) <= 0.02


def test_confident_of_digits_and_unsure_of_non_digits() -> None:
    images, _ = written()
    random = np.random.default_rng(7)
    others = np.stack([image_of(handwriting.non_digit_strokes(random)) for _ in range(300)])
    assert predictor.shipped()(images).is_confident.mean() >= 0.96
    assert predictor.shipped()(others).is_confident.mean() <= 0.15


@pytest.mark.parametrize("form", ["09|40|89/26 76", "00 99/90 09", "10 19/80|15|89", "10 19/80 89/15 85"])
def test_unsure_of_a_letter(form: str) -> None:
    image = image_of(handwriting.form_strokes(form, np.random.default_rng(0), jitter=0))
    assert not predictor.shipped()(image).is_confident


def test_unsure_of_a_blank_image() -> None:
    assert not predictor.shipped()(np.zeros((28, 28), np.float32)).is_confident


def test_recipe_is_a_config_that_the_page_accepts() -> None:
    assert RunConfig.from_query(RECIPE.to_query()) == RECIPE
