"""The classical models, compared with scikit-learn's models trained in one call."""

from __future__ import annotations

import dataclasses
import gc
import threading
import warnings
import weakref
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from mnist_core.data import datasets, splits
from mnist_core.errors import ConfigError
from mnist_core.training import classical, logistic
from mnist_core.training.classical import Piece
from tests.samples import blobs
from tests.sklearn_models import TEST_PIXELS, TRAIN_PIXELS, sklearn_model


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pieces, so that the small data has several."""
    monkeypatch.setattr(classical, "_IMAGES_A_PIECE", 70)
    monkeypatch.setattr(classical, "_NEIGHBOURS_A_PIECE", 40)
    monkeypatch.setattr(classical, "_BLOCK", 50)


def of_digits(*digits: int) -> datasets.Dataset:
    keep = np.isin(blobs().train_labels, digits)
    return dataclasses.replace(
        blobs(), train_images=blobs().train_images[keep], train_labels=blobs().train_labels[keep]
    )


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("kind", classical.KINDS)
def test_pieces_match_one_fit(kind: str) -> None:
    *_, last = classical.learn(kind, blobs(), seed=3)
    assert last.done == last.whole
    expected = sklearn_model(kind, seed=3).fit(TRAIN_PIXELS, blobs().train_labels).predict_proba(TEST_PIXELS)
    # Its path to the minimum is different.
    np.testing.assert_allclose(last.answers, expected, atol=0.01 if kind == "logistic" else 1e-4)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("kind", classical.KINDS)
def test_every_piece_but_the_first_has_answers(kind: str) -> None:
    first, *pieces = classical.learn(kind, blobs())
    assert (first.done, len(first.answers)) == (0, 0)
    assert [piece.done for piece in pieces] == sorted({piece.done for piece in pieces})
    for piece in pieces:
        assert piece.whole == first.whole
        assert len(piece.answers) == (piece.done if kind == "neighbours" else 90)
        np.testing.assert_allclose(piece.answers.sum(axis=1), 1, atol=1e-5)


def test_unfinished_forest_matches_a_smaller_forest() -> None:
    pieces = classical.learn("forest", blobs(), seed=3)
    seventh = next(piece for piece in pieces if piece.done == 7)
    expected = (
        RandomForestClassifier(7, random_state=3).fit(TRAIN_PIXELS, blobs().train_labels).predict_proba(TEST_PIXELS)
    )
    np.testing.assert_allclose(seventh.answers, expected, atol=1e-6)


@pytest.mark.usefixtures("small_pieces")
def test_unfinished_bayes_matches_fewer_images() -> None:
    pieces = [piece for piece in classical.learn("bayes", blobs()) if piece.done]
    assert [piece.done for piece in pieces] == [70, 140, 210, 280, 300]
    expected = (
        GaussianNB(var_smoothing=0.1).fit(TRAIN_PIXELS[:140], blobs().train_labels[:140]).predict_proba(TEST_PIXELS)
    )
    np.testing.assert_allclose(pieces[1].answers, expected, atol=1e-4)


@pytest.mark.parametrize("kind", classical.KINDS)
def test_unseen_digits_have_zero_probability(kind: str) -> None:
    *_, last = classical.learn(kind, of_digits(0, 2, 3))
    assert not last.answers[:, [1, 4, 5, 6, 7, 8, 9]].any()
    np.testing.assert_allclose(last.answers.sum(axis=1), 1, atol=1e-5)


def test_held_out_images_are_only_evaluated() -> None:
    split = splits.split(blobs(), "kite")
    *_, last = classical.learn("neighbours", blobs(), "kite")
    model = KNeighborsClassifier(5).fit(TRAIN_PIXELS[split.train_indices], blobs().train_labels[split.train_indices])
    test = split.test_images.reshape(len(split.test_images), -1).astype(np.float32) / 255
    np.testing.assert_allclose(last.answers, model.predict_proba(test), atol=1e-4)


def test_fewer_images_than_neighbours() -> None:
    dataset = dataclasses.replace(blobs(), train_images=blobs().train_images[:3], train_labels=blobs().train_labels[:3])
    *_, last = classical.learn("neighbours", dataset)
    np.testing.assert_allclose(last.answers.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("kind", classical.KINDS)
def test_no_warnings(kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(classical.learn(kind, blobs()))
        list(classical.learn(kind, of_digits(4)))


def test_unknown_kind_names_the_known_kinds() -> None:
    with pytest.raises(ConfigError, match="forest"):
        classical.learn("svm", blobs())


def test_unknown_split_is_refused() -> None:
    with pytest.raises(ConfigError, match="official"):
        classical.learn("forest", blobs(), "half")


# Pixels


@pytest.mark.usefixtures("small_pieces")
def test_pixels_of_the_split_scaled_to_0_1() -> None:
    split = splits.split(blobs(), "kite")
    train, test = classical.pixels(blobs(), "kite").get()
    np.testing.assert_array_equal(train, TRAIN_PIXELS[split.train_indices])
    np.testing.assert_array_equal(test, split.test_images.reshape(len(test), -1).astype(np.float32) / 255)
    assert classical.pixels(blobs(), "kite").nbytes == train.nbytes + test.nbytes


def test_pixels_are_shared_by_threads_and_then_freed() -> None:
    dataset = dataclasses.replace(blobs())
    together = threading.Barrier(8)
    found: list[Any] = []

    def learn() -> None:
        together.wait()
        mine = classical.pixels(dataset)
        found.append((mine, mine.get()[0]))

    threads = [threading.Thread(target=learn) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(pixels) for _, pixels in found}) == 1
    gone = weakref.ref(found[0][1])
    found.clear()
    gc.collect()
    assert gone() is None


def test_finished_work_holds_no_pixels() -> None:
    dataset = dataclasses.replace(blobs())
    pieces: list[Piece] = list(classical.learn("neighbours", dataset))
    assert pieces
    gc.collect()
    assert (id(dataset), "official") not in classical._pixels


# The loss of the logistic regression


def test_gradient_matches_the_loss() -> None:
    point = np.random.default_rng(1).normal(0, 0.1, (785, 10))
    labels = blobs().train_labels
    _, gradient = logistic.loss_and_gradient(point, TRAIN_PIXELS, labels)
    direction = np.random.default_rng(2).normal(size=point.shape)
    step = 0.01 * direction / np.linalg.norm(direction)
    above, below = (logistic.loss_and_gradient(point + x, TRAIN_PIXELS, labels)[0] for x in (step, -step))
    assert (above - below) / 2 == pytest.approx(float(np.vdot(gradient, step)), rel=0.01)


def test_minimum_matches_scikit_learn() -> None:
    labels = blobs().train_labels
    *_, point = logistic.fit(TRAIN_PIXELS, labels, 10)
    model = LogisticRegression(max_iter=2_000).fit(TRAIN_PIXELS.astype(np.float64), labels)
    theirs = np.concatenate([model.coef_.T, model.intercept_[None]])
    loss, gradient = logistic.loss_and_gradient(point, TRAIN_PIXELS, labels)
    assert loss == pytest.approx(logistic.loss_and_gradient(theirs, TRAIN_PIXELS, labels)[0], abs=1e-4)
    assert np.abs(gradient).max() <= 1e-4


def test_loss_decreases_every_round() -> None:
    labels = blobs().train_labels
    losses = [
        logistic.loss_and_gradient(point, TRAIN_PIXELS, labels)[0] for point in logistic.fit(TRAIN_PIXELS, labels, 10)
    ]
    assert losses == sorted(losses, reverse=True)
