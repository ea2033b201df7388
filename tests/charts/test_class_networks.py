"""The picture of all networks of a class: its frontier, the band of the seeds, and the lines of the goal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from mnist_core.charts import class_networks
from mnist_core.charts.comparison import LEAST_ERROR

PARAMETERS, ERRORS = [7_850.0, 25_450.0, 50_890.0], [0.13, 0.06, 0.04]


def layers_of(spec: Mapping[str, Any], mark: str) -> list[dict[str, Any]]:
    """The layers of a picture with this kind of mark."""
    return [layer for layer in spec["layer"] if layer["mark"]["type"] == mark]


def lines(spec: Mapping[str, Any]) -> list[dict[str, float]]:
    """Where lines that are no curves stand."""
    return [row for layer in layers_of(spec, "rule") for row in layer["data"]["values"]]


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ((0.95, 30_000), [{"error": pytest.approx(0.05)}, {"cost": 30_000}]),
        ((0.95, None), [{"error": pytest.approx(0.05)}]),
        ((None, 30_000), [{"cost": 30_000}]),
        ((1.0, None), [{"error": LEAST_ERROR}]),
        ((None, None), []),
    ],
)
def test_lines_of_the_goal(goal: tuple[float | None, int | None], expected: list[dict[str, float]]) -> None:
    spec = class_networks.networks([""], PARAMETERS, ERRORS, goal)
    assert lines(spec) == expected
    # Each reaches from one end of the picture to the other one.
    ends = {"error": ("x", "x2", "width"), "cost": ("y", "y2", "height")}
    for layer in layers_of(spec, "rule"):
        [row] = layer["data"]["values"]
        for field, (first, last, end) in ends.items():
            if field in row:
                assert (layer["encoding"][first], layer["encoding"][last]) == ({"value": 0}, {"value": end})


def test_band_of_networks_that_differ_in_the_seed() -> None:
    spread = [(25_450, 0.9, 0.94), (7_850, 0.87, 1.0)]
    spec = class_networks.networks([""], PARAMETERS, ERRORS, spread=spread, font_size=28)
    [band] = layers_of(spec, "rule")
    assert lines(spec) == [
        {"cost": 25_450, "worst": pytest.approx(0.1), "best": pytest.approx(0.06)},
        {"cost": 7_850, "worst": pytest.approx(0.13), "best": LEAST_ERROR},
    ]
    assert (band["encoding"]["y"]["field"], band["encoding"]["y2"]["field"]) == ("worst", "best")
    assert band["mark"]["strokeWidth"] == 28


def test_frontier_joins_the_best_of_their_size() -> None:
    spec = class_networks.networks([""], PARAMETERS, ERRORS, font_size=28)
    [line] = layers_of(spec, "line")
    assert line["transform"] == [{"filter": "datum.pareto_front"}]
    assert line["mark"]["interpolate"] == "step-after"
    assert line["mark"]["strokeWidth"] == 4


@pytest.mark.parametrize("goal", [(None, None), (0.99, 300_000), (0.2, 100)])
def test_everything_is_within_the_round_ends_of_the_axes(goal: tuple[float | None, int | None]) -> None:
    encoding = class_networks.networks([""], PARAMETERS, ERRORS, goal)["encoding"]
    (left, right), (low, high) = (encoding[axis]["scale"]["domain"] for axis in "xy")
    accuracy, most = goal
    assert left < min(*PARAMETERS, most or math.inf) < max(*PARAMETERS, most or 0) < right
    assert low > max(*ERRORS, 1 - (accuracy or 1)) > min(*ERRORS, 1 - (accuracy or 0)) > high
    assert all(math.log2(end).is_integer() for end in (left, right))


def test_nobody_is_named() -> None:
    [points] = layers_of(class_networks.networks(["Your networks"], PARAMETERS, ERRORS), "point")
    assert "name" not in [one["field"] for one in points["encoding"]["tooltip"]]
    [points] = layers_of(class_networks.by_drawings([], ""), "point")
    assert "name" not in [one["field"] for one in points["encoding"]["tooltip"]]


@pytest.mark.parametrize("can_select", [True, False])
def test_points_can_be_selected_by_their_run(can_select: bool) -> None:
    row = {"run": "run-1", "name": "", "validation": 0.93, "drawings": 0.55}
    for spec in (
        class_networks.networks([""], PARAMETERS, ERRORS, can_select=can_select),
        class_networks.by_drawings([row], "", can_select=can_select),
    ):
        [points] = layers_of(spec, "point")
        found = [(one["name"], one["select"]["fields"]) for one in points.get("params", [])]
        assert found == [(class_networks.SELECTION, ["run"])] * can_select


def test_drawings_against_validation_have_round_ends_below_the_lowest() -> None:
    rows = [
        {"run": "run-1", "name": "", "validation": 0.93, "drawings": 0.55},
        {"run": "run-2", "name": "", "validation": 0.91, "drawings": 0.7},
    ]
    spec = class_networks.by_drawings(rows, "")
    [points] = layers_of(spec, "point")
    assert spec["data"]["values"] == rows
    assert [points["encoding"][axis]["field"] for axis in "xy"] == ["validation", "drawings"]
    assert [points["encoding"][axis]["scale"]["domain"] for axis in "xy"] == [[0.8, 1], [0.5, 1]]
