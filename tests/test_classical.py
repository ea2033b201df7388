"""The classical models, beside scikit-learn's own trained in one go."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from mnist_core import classical, datasets
from mnist_core.errors import ConfigError
from mnist_core.evaluation import evaluate
from tests.samples import blobs

FLAT = blobs().train_images.reshape(300, -1).astype(np.float32) / 255
WHOLE: dict[str, Any] = {
    "forest": RandomForestClassifier(classical.TREES, random_state=3),
    "logistic": LogisticRegression(max_iter=2_000),
    "bayes": GaussianNB(var_smoothing=0.1),
    "neighbours": KNeighborsClassifier(5),
}


@pytest.mark.parametrize("kind", classical.KINDS)
def test_pieces_come_to_the_same_as_all_at_once(kind: str) -> None:
    *_, last = classical.learn(kind, blobs(), seed=3)
    assert last.done == last.pieces
    whole = WHOLE[kind].fit(FLAT, blobs().train_labels)
    expected = whole.predict_proba(blobs().test_images.reshape(90, -1).astype(np.float32) / 255)
    found = last.model.predict(blobs().test_images)
    # L-BFGS stops a little before or after where it would without interruptions.
    np.testing.assert_allclose(found, expected, atol=0.02 if kind == "logistic" else 1e-4)


@pytest.mark.parametrize("kind", classical.KINDS)
def test_every_piece_can_be_evaluated(kind: str) -> None:
    pieces = []
    for piece in classical.learn(kind, blobs()):
        result = evaluate(piece.model, blobs().test_images, blobs().test_labels)
        pieces.append((piece.done, piece.pieces, result.accuracy))
    assert [done for done, _, _ in pieces] == list(range(1, pieces[0][1] + 1))
    assert pieces[-1][2] > 0.5


def test_forest_grows_by_ten_trees_a_piece() -> None:
    trees = [len(piece.model.estimator.estimators_) for piece in classical.learn("forest", blobs())]
    assert trees == list(range(10, 101, 10))


def test_digits_that_never_came_have_no_probability() -> None:
    keep = blobs().train_labels < 4
    dataset = dataclasses.replace(
        blobs(), train_images=blobs().train_images[keep], train_labels=blobs().train_labels[keep]
    )
    *_, last = classical.learn("bayes", dataset)
    found = last.model.predict(blobs().test_images)
    assert not found[:, 4:].any()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_held_out_images_are_not_learned_from() -> None:
    *_, last = classical.learn("neighbours", blobs(), split="kite")
    count = len(datasets.split(blobs(), "kite").train_indices)
    assert last.model.estimator.n_samples_fit_ == count < 300


def test_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="forest"):
        classical.learn("svm", blobs())
