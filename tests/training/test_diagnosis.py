"""The diagnosis of runs that were made to have a fault, and of healthy ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from mnist_core import presets, training
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.data import datasets
from mnist_core.errors import TrainingError
from mnist_core.training import diagnosis
from mnist_core.training.diagnosis import Finding
from tests.samples import blobs, small

KITE = presets.PRESETS["kite"].config
ADAM: dict[str, Any] = {"optimizer": "adam", "learning_rate": 0.001}


def found_in(config: RunConfig, dataset: str = "embedded") -> Finding | None:
    """Train a network on the embedded digits, and diagnose its run."""
    points: list[training.Progress] = []
    epochs: tuple[training.EpochMetrics, ...] = ()
    diverged = False
    data = blobs() if dataset == "blobs" else datasets.load(dataset)
    try:
        for event in training.train(config, data):
            if isinstance(event, training.Progress):
                points.append(event)
            elif isinstance(event, training.EpochEnded):
                epochs = event.state.history
    except TrainingError:
        diverged = True
    return diagnosis.diagnose(config, points, epochs, diverged=diverged)


HEALTHY: dict[str, dict[str, Any]] = {
    "Kite": {},
    "validation": {"validation_fraction": 0.2},
    "Adam": {**ADAM, "epochs": 5},
    "two layers with dropout": {"layers": (LayerConfig(units=64), LayerConfig(units=32, dropout=0.2)), **ADAM},
    "convolution": {"layers": (LayerConfig("conv", 8), LayerConfig(units=32)), **ADAM, "epochs": 4},
    "no hidden layer": {"layers": ()},
    "overfits, but stops early": {
        "layers": (LayerConfig(units=256),), **ADAM, "training_images": 500, "validation_fraction": 0.2,
        "early_stopping": 2, "epochs": 30,
    },
}  # fmt: skip


@pytest.mark.parametrize("case", HEALTHY)
def test_nothing_is_wrong_with_a_healthy_run(case: str) -> None:
    assert found_in(dataclasses.replace(KITE, **HEALTHY[case])) is None


FAULTY: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "learning rate far too high": ({"learning_rate": 3.0}, "Divide the learning rate by 10", {"learning_rate": 0.3}),
    "learning rate of Adam too high": (
        {"optimizer": "adam", "learning_rate": 0.3}, "Divide the learning rate by 10", {"learning_rate": 0.03},
    ),
    "raw pixels": ({"pixels": "raw"}, "Use pixels from 0 to 1", {"pixels": "scaled"}),
    "steps so small that it guesses": (
        {"learning_rate": 1e-4}, "Multiply the learning rate by 10", {"learning_rate": 0.001},
    ),
    "slow": (
        {"learning_rate": 0.002, "epochs": 10}, "Multiply the learning rate by 10", {"learning_rate": 0.02},
    ),
    "one unit": (
        {"layers": (LayerConfig(units=64), LayerConfig(units=1)), **ADAM, "epochs": 5},
        "Give layer 2 32 units", {"layers": (LayerConfig(units=64), LayerConfig(units=32))},
    ),
    "deep and sigmoid": (
        {"layers": tuple(LayerConfig(units=64, activation="sigmoid") for _ in range(5))},
        "Use ReLU in these layers", {"layers": tuple(LayerConfig(units=64) for _ in range(5))},
    ),
    "linear": (
        {"layers": (LayerConfig(activation="linear"),)},
        "Use ReLU in these layers", {"layers": (LayerConfig(),)},
    ),
    "overfitting": (
        {
            "layers": (LayerConfig(units=512),), **ADAM, "training_images": 1000, "validation_fraction": 0.2,
            "epochs": 40,
        },
        "Stop early, after 2 epochs without progress", {"early_stopping": 2},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTY)
def test_fault_is_found_and_mended(case: str) -> None:
    changes, cure, mended = FAULTY[case]
    config = dataclasses.replace(KITE, **{"epochs": 3, **changes})
    found = found_in(config)
    assert found is not None
    assert found.cure == cure
    assert found.config == dataclasses.replace(config, **mended)


@pytest.mark.parametrize(
    ("pixels", "cure"), [("raw", "Use pixels from 0 to 1"), ("scaled", "Divide the learning rate by 10")]
)
def test_run_whose_loss_is_no_number(pixels: str, cure: str) -> None:
    linear = (LayerConfig(activation="linear"),) * 3
    found = found_in(small(learning_rate=10.0, pixels=pixels, layers=linear), "blobs")
    assert found is not None
    assert "exploded" in found.text
    assert found.cure == cure


def test_loss_that_has_grown() -> None:
    first, last = (training.Progress(1, step, loss, 0.1, 1.0, None) for step, loss in ((1, 2.4), (9, 40.0)))
    found = diagnosis.diagnose(KITE, [first, last], [])
    assert found is not None
    assert "exploded" in found.text
    assert diagnosis.diagnose(KITE, [last, first], []) is None


def test_run_without_a_point_has_no_finding() -> None:
    assert diagnosis.diagnose(KITE, [], []) is None


def test_learning_rate_that_cannot_be_lower() -> None:
    point = training.Progress(1, 1, 1e9, 0.1, 1.0, None)
    lowest = dataclasses.replace(KITE, learning_rate=1e-6)
    assert diagnosis.diagnose(lowest, [point, point], [], diverged=True) is None
