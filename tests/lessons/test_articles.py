"""The figures of the articles, checked by hand, with MNIST and with Keras, and their comparison with a run."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import recall_score

from mnist_core import training
from mnist_core.data import splits
from mnist_core.evaluation import Evaluation
from mnist_core.evaluation.metrics import evaluate_on_test
from mnist_core.lessons import articles
from mnist_core.lessons.articles import ARTICLES, Row, compare, format_value
from mnist_core.presets import PRESETS
from tests.events import epochs, events_of, finished
from tests.samples import blobs, small

# Number of images of each digit among MNIST's 60,000 training images.
OF_EACH_DIGIT = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
# The diagonals, copied from the articles.
DIAGONALS = {
    "kite": [1413, 1646, 1353, 1420, 1403, 1194, 1363, 1491, 1280, 1333],
    "kite-retold": [1402, 1684, 1280, 1404, 1345, 1157, 1431, 1484, 1348, 1381],
}


def test_reading_order() -> None:
    assert list(ARTICLES) == ["kite", "kite-retold", "torres", "morgan-0", "morgan-1", "morgan-2"]
    assert [article.key for article in ARTICLES.values()] == list(ARTICLES)


def test_recipes_and_results_from_the_presets() -> None:
    for article in ARTICLES.values():
        preset = PRESETS[article.key.removesuffix("-retold")]
        assert preset.published is not None
        assert article.config is preset.config
        assert article.test_accuracy == preset.published.test_accuracy
        if article.key != "kite-retold":  # It gives no loss.
            assert article.test_loss == preset.published.test_loss


@pytest.mark.parametrize(("key", "hits", "accuracy"), [("kite", 13_896, 0.9264), ("kite-retold", 13_916, 0.9277)])
def test_printed_matrix_has_15_000_images(key: str, hits: int, accuracy: float) -> None:
    matrix = confusion_of(key)
    assert matrix.shape == (10, 10)
    assert matrix.dtype == np.int64
    assert matrix.sum() == 15_000
    assert matrix.diagonal().tolist() == DIAGONALS[key]
    assert matrix.trace() == sum(DIAGONALS[key]) == hits
    assert round(hits / 15_000, 4) == accuracy
    with pytest.raises(ValueError, match="read-only"):
        matrix[0, 0] = 0


@pytest.mark.parametrize("key", DIAGONALS)
def test_printed_matrix_is_a_random_quarter_of_mnist(key: str) -> None:
    """About a quarter of each digit, within four standard deviations of a random draw of 15,000 out of 60,000."""
    for images, of_digit in zip(confusion_of(key).sum(axis=1), OF_EACH_DIGIT, strict=True):
        share = of_digit / 60_000
        deviation = math.sqrt(15_000 * share * (1 - share) * (45_000 / 59_999))
        assert abs(images - of_digit / 4) < 4 * deviation


def test_kites_accuracy_fits_its_own_matrix_only() -> None:
    assert ARTICLES["kite"].test_accuracy == ARTICLES["kite-retold"].test_accuracy == 0.9264
    assert confusion_of("kite").trace() / 15_000 == 0.9264
    assert confusion_of("kite-retold").trace() / 15_000 > 0.9277
    [mistake] = ARTICLES["kite-retold"].mistakes
    assert "13,916 of 15,000" in mistake.text
    assert "0.9277" in mistake.text


@pytest.mark.parametrize(("key", "hidden", "activation"), [("kite", 128, "relu"), ("torres", 10, "sigmoid")])
def test_printed_parameters_as_keras_counts_them(key: str, hidden: int, activation: str) -> None:
    import keras

    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(hidden, activation=activation),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    assert ARTICLES[key].parameters == model.count_params()
    [row] = [row for row in compare(ARTICLES[key], [], None, None) if row.unit == "count"]
    assert row.ours == row.published


def test_torres_log_contradicts_its_accuracy() -> None:
    article = ARTICLES["torres"]
    assert [line.epoch for line in article.log] == [1, 2, 3, 4, 5]
    assert article.config.epochs == article.log[-1].epoch
    assert article.test_accuracy == 0.9018
    assert article.log[-1].accuracy == 0.7034
    assert "0.9018" in article.mistakes[0].text
    assert "0.7034" in article.mistakes[0].text


def test_torres_answer_sums_to_1_01() -> None:
    answer = ARTICLES["torres"].answer
    assert answer is not None
    assert (answer.image, answer.digit) == (11, 6)
    assert list(answer.probabilities) == list(range(10))
    assert sum(round(100 * value) for value in answer.probabilities.values()) == 101
    assert max(answer.probabilities, key=lambda digit: answer.probabilities[digit]) == 6
    assert [mistake.title for mistake in ARTICLES["torres"].mistakes if "1.01" in mistake.title]


@pytest.mark.parametrize("key", ARTICLES)
def test_log_improves_with_every_line(key: str) -> None:
    """Most typing errors would break this."""
    lines = ARTICLES[key].log
    assert all(a.epoch < b.epoch <= ARTICLES[key].config.epochs for a, b in itertools.pairwise(lines))
    assert all(a.loss > b.loss for a, b in itertools.pairwise(lines))
    assert all(a.accuracy < b.accuracy for a, b in itertools.pairwise(lines))


@pytest.mark.parametrize("key", ARTICLES)
def test_mistakes_have_title_and_text(key: str) -> None:
    assert ARTICLES[key].mistakes
    for mistake in ARTICLES[key].mistakes:
        assert mistake.title[0].isupper()
        assert not mistake.title.endswith(".")
        assert mistake.text.endswith(".")


@pytest.mark.parametrize(
    ("key", "count"),
    [
        # parameters; two for each line of the log; test loss and accuracy; matrix and ten recalls; answer; seconds
        ("kite", 1 + 2 * 5 + 2 + 11 + 1 + 1),
        ("kite-retold", 2 * 3 + 1 + 11 + 1),
        ("torres", 1 + 2 * 5 + 1 + 10 + 1),
        ("morgan-0", 2 + 1),
        ("morgan-1", 2),
        ("morgan-2", 2),
    ],
)
def test_published_figures_without_a_run(key: str, count: int) -> None:
    rows = compare(ARTICLES[key], [], None, None)
    assert len(rows) == count
    assert len({row.figure for row in rows}) == count
    assert all(row.ours is None for row in rows if row.unit != "count")
    assert all("-" not in format_value(row.published, row.unit) for row in rows)


def test_published_range_of_seconds() -> None:
    row = compare(ARTICLES["kite"], [], None, 0.2)[-1]
    assert row == Row("seconds an epoch", 7, 0.2, "seconds", 10)
    assert compare(ARTICLES["torres"], [], None, None)[-1].published_to is None


@functools.cache
def run_of(split: str) -> tuple[training.Finished, Evaluation, Any]:
    """A small run of five epochs, its evaluation, and the answers of Keras with the same weights."""
    events = events_of(small(split=split, epochs=5))
    network = finished(events).network
    parts = splits.split(blobs(), split)
    answers = network.to_keras().predict(parts.test_images.astype(np.float32) / 255, verbose=0)
    assert len(epochs(events)) == 5
    return finished(events), evaluate_on_test(network, blobs()), answers


def test_finished_run_has_a_value_for_every_torres_figure() -> None:
    run, result, answers = run_of("official")
    article = dataclasses.replace(ARTICLES["torres"], answer=a_six(), config=small(epochs=5))
    rows = {row.figure: row for row in compare(article, run.history, result, 0.1)}
    assert None not in [row.ours for row in rows.values()]
    for epoch, metrics in enumerate(run.history, 1):
        assert rows[f"training loss, epoch {epoch}"].ours == metrics.loss
        assert rows[f"training accuracy, epoch {epoch}"].ours == metrics.accuracy
    hits = (answers.argmax(axis=1) == blobs().test_labels).mean()
    assert rows["test accuracy"].ours == pytest.approx(hits)
    image = a_six().image
    ours = [rows[f"probability of {digit} for image {image}, a 6"].ours for digit in range(10)]
    np.testing.assert_allclose(np.array(ours, float), answers[image], atol=1e-5)
    assert rows["seconds an epoch"].ours == 0.1


def test_finished_run_of_kite_by_digit() -> None:
    run, result, answers = run_of("kite")
    article = dataclasses.replace(ARTICLES["kite"], config=small(split="kite", epochs=5))
    rows = compare(article, run.history, result, 0.1)
    missing = [row.figure for row in rows if row.ours is None]
    assert missing == [f"training {what}, epoch {epoch}" for epoch in (10, 20) for what in ("loss", "accuracy")]
    labels = splits.split(blobs(), "kite").test_labels
    expected = recall_score(labels, answers.argmax(axis=1), average=None)
    recalls = [row.ours for row in rows if row.figure.startswith("recall")]
    np.testing.assert_allclose(np.array(recalls, float), expected)
    [fours] = [row for row in rows if row.unit == "probability"]
    assert fours.published == 0.99889
    assert fours.ours == pytest.approx(float(np.median(answers[labels == 4, 4])), abs=1e-5)


def test_image_of_another_digit_is_not_compared() -> None:
    _, result, _ = run_of("official")
    no_six = next(k for k, label in enumerate(blobs().test_labels) if label != 6)
    for image in (no_six, len(blobs().test_labels)):
        article = dataclasses.replace(ARTICLES["torres"], answer=dataclasses.replace(a_six(), image=image))
        rows = [row for row in compare(article, [], result, None) if row.unit == "probability"]
        assert [row.ours for row in rows] == [None] * 10


def test_total_time_of_a_finished_run_only() -> None:
    run, _, _ = run_of("official")
    article = dataclasses.replace(ARTICLES["morgan-0"], config=small(epochs=5))
    assert compare(article, run.history, None, 0.5)[-1] == Row("seconds in total (ours: 5 epochs)", 30, 2.5, "seconds")
    assert compare(article, run.history[:4], None, 0.5)[-1].ours is None


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.9264, "accuracy", "0.9264"),
        (0.068, "loss", "0.0680"),
        (101_770, "count", "101,770"),
        (0.99889, "probability", "0.99889"),
        (0.1, "seconds", "0.10 s"),
        (None, "loss", "-"),
    ],
)
def test_formatted_value(value: float | None, unit: str, text: str) -> None:
    assert format_value(value, unit) == text


def confusion_of(key: str) -> Any:
    matrix = ARTICLES[key].confusion
    assert matrix is not None
    return matrix


def a_six() -> articles.Answer:
    """Torres' answer, moved to a test image of `blobs` that shows a 6."""
    answer = ARTICLES["torres"].answer
    assert answer is not None
    return dataclasses.replace(answer, image=int(np.flatnonzero(blobs().test_labels == 6)[0]))
