"""The picture of all networks of a class, from what its seats have handed in."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mnist_core.classes import Train, progress
from mnist_core.classes.class_test import ClassDrawing, ClassTest
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.drawing.test_set import LabelledDrawing
from mnist_core.store.class_records import OPEN, Board, Class
from mnist_core.store.handed_in import TrainedRun
from mnist_core.training import Status
from pages.widgets.classroom import drawings, networks
from pages.widgets.common import vega_chart

TASK = Train("n1", "layers=dense-32-relu&validation_fraction=0.2", ("layers",), accuracy=0.95, parameters=30_000)
NOW = Class("1" * 32, "K7M2QD", "", "[]", 0, "n1", OPEN, 1, True, False, 1, 0.0, 0.0, None)
# Parameters of one layer of so many units: 784 n + n and 10 n + 10.
SIZES = {8: 6_370, 16: 12_730, 32: 25_450, 64: 50_890}


def run(units: int, seed: int, accuracy: float | None, status: Status = Status.FINISHED) -> TrainedRun:
    config = RunConfig(layers=(LayerConfig(units=units),), seed=seed, validation_fraction=0.2)
    return TrainedRun(f"run-{seed}", 0.0, config.to_json(), status.value, 1, 0.99, accuracy)


BOARD = Board(
    NOW,
    (),
    {},
    runs={
        1: (run(32, 1, 0.90), run(64, 2, 0.93)),
        2: (run(32, 3, 0.94),),
        3: (run(16, 4, 0.92), run(16, 5, None)),
        4: (run(8, 6, 0.85), run(32, 7, 0.88, Status.RUNNING)),
        5: (run(8, 8, 0.80, Status.RUNNING),),
    },
)


def drawn(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> tuple[dict[str, Any], pd.DataFrame]:
    """The description and the data of the picture."""
    found: list[tuple[dict[str, Any], pd.DataFrame]] = []
    monkeypatch.setattr(vega_chart, "vega_chart", lambda spec, table, **_: found.append((spec, table)))
    networks.picture(TASK, progress.networks_of(BOARD), "picture", **settings)
    [(spec, table)] = found
    return spec, table


def test_picture_has_the_points_and_the_frontier(monkeypatch: pytest.MonkeyPatch) -> None:
    _spec, table = drawn(monkeypatch, own=2)
    points = {(one.cost, round(1 - one.error, 3)): one.pareto_front for one in table.itertuples()}
    # Counted by hand: one is beaten if another one is as small or smaller, and reads more.
    assert points == {
        (SIZES[8], 0.80): False,
        (SIZES[8], 0.85): True,
        (SIZES[16], 0.92): True,
        (SIZES[32], 0.88): False,
        (SIZES[32], 0.90): False,
        (SIZES[32], 0.94): True,
        (SIZES[64], 0.93): False,
    }
    assert table["name"].tolist() == [*[""] * 6, "Your networks"]  # Drawn last, above the others.


def test_picture_has_the_goal_and_at_the_end_the_band_of_the_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    goal = [{"error": pytest.approx(0.05)}, {"cost": 30_000}]
    # Those that still train, or are alone with their settings, have no band.
    band = [{"cost": SIZES[32], "worst": pytest.approx(0.10), "best": pytest.approx(0.06)}]
    for has_spread in (False, True):
        spec, _table = drawn(monkeypatch, has_spread=has_spread)
        rules = [layer for layer in spec["layer"] if layer["mark"]["type"] == "rule"]
        assert [row for layer in rules for row in layer["data"]["values"]] == band * has_spread + goal


def test_no_network_is_the_best_before_all_have_read() -> None:
    config = RunConfig(layers=(LayerConfig(units=8),))
    found = [progress.Network(seat, f"run-{seat}", config, SIZES[8], 0.9, is_active=False) for seat in (1, 2)]
    drawn = ClassDrawing(1, 0, False, LabelledDrawing(np.zeros((28, 28), np.uint8), 4))
    test = ClassTest((drawn,), tuple(found), np.array([[4], [9]], np.uint8), waiting=0, is_built_in=False)
    assert drawings.best_text(test, {1: "blue otter", 2: "red fox"}).endswith("**blue otter**")
    assert drawings.best_text(dataclasses.replace(test, waiting=1)) == ""
