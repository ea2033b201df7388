"""The benchmark of drawings that are not digits: what it draws and counts."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import no_digits
from mnist_core.config import RunConfig
from mnist_core.drawing import handwriting
from mnist_core.network import TrainedNetwork
from mnist_core.network.layers import initial_weights


def constant(bias: float) -> TrainedNetwork:
    """A network that answers 3 for every image."""
    config = RunConfig(layers=())
    kernel, biases = initial_weights(config)
    biases = np.zeros_like(biases)
    biases[3] = bias
    return TrainedNetwork(config, (np.zeros_like(kernel), biases))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(no_digits, "DRAWINGS_PER_KIND", 4)
    monkeypatch.setattr(no_digits, "DRAWINGS_PER_LETTER", 3)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(("bias", "share", "mostly"), [(0.0, 1.0, "-"), (9.0, 0.0, "3")])
def test_shares_of_always_unsure_and_always_confident_networks(bias: float, share: float, mostly: str) -> None:
    found = no_digits.measure(constant(bias))
    assert found["letters"] == share
    assert set(found["found"]) == {"scribbles", "pairs", *no_digits.LETTERS}
    assert all(one == {"not_sure": share, "mostly": mostly} for one in found["found"].values())


def test_letters_are_new_to_the_network() -> None:
    assert set(no_digits.LETTERS.values()).isdisjoint(handwriting.LETTER_FORMS)


def test_same_seed_draws_the_same_images() -> None:
    one, again, other = (no_digits.images(handwriting.scribble_strokes, 3, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert one.max(axis=(1, 2)).min() > 0.9
