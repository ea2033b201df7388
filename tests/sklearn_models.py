"""scikit-learn's classical models, as an independent oracle, and their training data."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from mnist_core.training import classical
from tests.samples import blobs

TRAIN_PIXELS = (blobs().train_images.reshape(300, -1) / 255).astype(np.float32)
TEST_PIXELS = (blobs().test_images.reshape(90, -1) / 255).astype(np.float32)


def sklearn_model(kind: str, seed: int) -> Any:
    """Return the unfitted scikit-learn model of a key of `classical.KINDS`."""
    models: dict[str, Any] = {
        "forest": RandomForestClassifier(classical.TREES, random_state=seed),
        "logistic": LogisticRegression(max_iter=2_000),
        "bayes": GaussianNB(var_smoothing=0.1),
        "neighbours": KNeighborsClassifier(5),
    }
    return models[kind]
