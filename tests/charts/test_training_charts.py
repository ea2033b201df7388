"""Learning curves: axes that fit the values, and tooltips that match them."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from mnist_core.charts import training as training_charts
from mnist_core.charts.training import TRAINING, VALIDATION, Point


def learning(run: str, best: float, epochs: float = 10.0, points: int = 200) -> list[Point]:
    """A run whose accuracy rises from chance to `best`, mostly in its first epoch."""
    at = np.linspace(epochs / points, epochs, points)
    accuracies = best - (best - 0.1) * np.exp(-4 * at)
    return [
        Point(epoch, epoch, float(accuracy), float(2.4 * (1 - accuracy)), TRAINING, run)
        for epoch, accuracy in zip(at.tolist(), accuracies, strict=True)
    ]


def test_good_runs_are_distinguishable_after_the_first_epoch() -> None:
    """Runs that reach 92.6 and 98.9 % are at least a quarter of the chart's height apart."""
    low, high = training_charts.ends("accuracy", learning("a", 0.926) + learning("b", 0.989), is_over=True)
    assert high == 1.0
    assert low <= 0.926
    assert (0.989 - 0.926) / (high - low) > 0.25


@pytest.mark.parametrize(
    ("lowest", "floor"), [(0.81, 0.8), (0.79, 0.7), (0.96, 0.95)], ids=["above-80", "one-below-80", "above-95"]
)
def test_accuracy_axis_begins_below_all_runs(lowest: float, floor: float) -> None:
    points = [
        Point(epoch, epoch, accuracy, 0.3, TRAINING, run)
        for run, accuracy in (("a", lowest), ("b", 0.99))
        for epoch in (1.5, 2.0, 2.5)
    ]
    assert training_charts.ends("accuracy", points, is_over=False) == (floor, 1.0)


def test_axes_rarely_change_during_a_run() -> None:
    run = learning("a", 0.98)
    for name in ("accuracy", "loss"):
        seen = [training_charts.ends(name, run[:count], is_over=False) for count in range(1, len(run) + 1)]
        changes = sum(before != after for before, after in itertools.pairwise(seen))
        assert changes <= 2, name
        # In the first epoch the whole rise is visible.
        assert seen[0] == ((0.0, 1.0) if name == "accuracy" else (0.0, 2.0))


def test_one_bad_first_point_does_not_flatten_the_loss() -> None:
    run = learning("a", 0.9, epochs=1.0)
    bad = [Point(0.001, 0.001, 0.1, 6e8, TRAINING, "a"), *run]
    low, top = training_charts.ends("loss", bad, is_over=False)
    assert (low, top) == (0.0, 2.5)
    drawn = training_charts.rows("loss", bad, 10, (low, top))
    assert max(row["drawn"] for row in drawn) == 2.5
    assert drawn[0]["value"] == 6e8  # The tooltip has the true value.
    assert [row["note"] for row in drawn if row["note"]] == ["higher values are cut off at 2.5"]
    wall = training_charts.rows("loss", bad, 10, (low, top), note_width=22)
    assert [row["note"] for row in wall if row["note"]] == ["higher values are cut\noff at 2.5"]


def test_no_note_without_clipped_values() -> None:
    run = learning("a", 0.9)[:20]
    rows = training_charts.rows("loss", run, 10, training_charts.ends("loss", run, is_over=False))
    assert not any(row["note"] for row in rows)


def test_diverged_run_does_not_flatten_the_others() -> None:
    diverging = [Point(x, x, 0.1, 10.0**x, TRAINING, "bad") for x in np.linspace(0.1, 10, 50).tolist()]
    assert training_charts.ends("loss", learning("a", 0.95) + diverging, is_over=True)[1] <= 2.5


def test_squared_errors_fill_their_chart() -> None:
    run = [Point(x, x, 0.9, 0.09 / (1 + x), TRAINING, "a") for x in np.linspace(0.01, 1, 50).tolist()]
    assert training_charts.ends("loss", run, is_over=False) == (0.0, 0.1)


def test_nan_values_are_drawn_at_the_edge() -> None:
    run = [Point(1, 1, 0.1, float("nan"), TRAINING, "a"), Point(2, 2, 0.1, float("inf"), TRAINING, "a")]
    ends = training_charts.ends("loss", run, is_over=True)
    assert [row["drawn"] for row in training_charts.rows("loss", run, 2, ends)][:2] == [ends[1]] * 2


def test_first_point_alone_is_marked() -> None:
    rows = training_charts.rows("accuracy", [Point(0.1, 0.1, 0.4, 1.0, TRAINING, "a")], 5, (0.0, 1.0))
    assert [row["is_last"] for row in rows if row["images"] == TRAINING] == [True]


def test_end_of_each_curve_is_marked_for_any_point_order() -> None:
    run = learning("a", 0.95)[:30]
    rows = training_charts.rows("accuracy", run[::-1], 10, (0.0, 1.0))
    assert [row["epoch"] for row in rows if row["is_last"]] == [run[-1].epoch]


def test_every_row_has_the_axis_limits() -> None:
    rows = training_charts.rows("accuracy", learning("a", 0.95)[:30], 10, (0.9, 1.0))
    assert {(row["low"], row["high"], row["end"]) for row in rows} == {(0.9, 1.0, 10)}
    assert all(0.9 <= row["drawn"] <= 1 for row in rows)


@pytest.mark.parametrize("names", [["one"], ["one", "two"], ["one", training_charts.PUBLISHED]])
@pytest.mark.parametrize("shows_validation", [True, False])
def test_legend_for_dashed_lines(names: list[str], shows_validation: bool) -> None:
    for name in ("accuracy", "loss"):
        spec = training_charts.learning_curves(name, names, shows_validation=shows_validation)
        json.dumps(spec)
        dash = next(layer for layer in spec["layer"] if layer["mark"].get("type") == "line")["encoding"]["strokeDash"]
        assert (dash["legend"] is not None) == shows_validation
        assert dash["scale"]["domain"] == ([TRAINING, VALIDATION] if shows_validation else [TRAINING])


def test_axes_come_from_the_rows_not_the_spec() -> None:
    """If the spec changed, the browser would redraw the whole chart."""
    encoding = training_charts.learning_curves("loss", ["a"], shows_validation=True)["encoding"]
    assert encoding["x"]["scale"]["domain"] == [0, {"expr": "end"}]
    assert encoding["y"]["scale"]["domain"] == [{"expr": "low"}, {"expr": "high"}]


def test_tooltips_use_percent_and_axis_titles() -> None:
    tooltips = training_charts.learning_curves("accuracy", ["a"])["layer"][-1]["encoding"]["tooltip"]
    assert {one.get("title", one["field"]): one.get("format") for one in tooltips} == {
        "images": None,
        "epoch": ".2f",
        "accuracy": ".2%",
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "accuracy",
            "Accuracy on training images rises from 12% to 92% in 20 epochs. On validation images it ends at 91%.",
        ),
        ("loss", "Loss on training images falls from 2.20 to 0.26 in 20 epochs. On validation images it ends at 0.31."),
    ],
)
def test_description_of_a_run_with_validation(name: str, expected: str) -> None:
    points = [
        Point(20.0, 20.0, 0.92, 0.26, TRAINING, "a"),
        Point(0.5, 0.5, 0.12, 2.2, TRAINING, "a"),
        Point(1.0, 1.0, 0.5, 1.1, VALIDATION, "a"),
        Point(20.0, 20.0, 0.91, 0.31, VALIDATION, "a"),
    ]
    assert training_charts.description(name, points) == expected


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], "Accuracy on training images: no points yet."),
        ([(1.0, 0.5)], "Accuracy on training images is 50% after 1 epoch."),
        ([(0.5, 0.101), (2.5, 0.1)], "Accuracy on training images is 10% after 2.5 epochs."),
        ([(0.5, 0.9), (2.0, 0.1)], "Accuracy on training images falls from 90% to 10% in 2 epochs."),
        ([(0.5, None), (2.0, None)], "Accuracy on training images: no points yet."),
    ],
)
def test_description_of_a_curve(points: list[tuple[float, float | None]], expected: str) -> None:
    made = [Point(epoch, epoch, accuracy, 1.0, TRAINING, "a") for epoch, accuracy in points]
    assert training_charts.description("accuracy", made) == expected


def test_description_leaves_out_a_loss_that_is_no_number() -> None:
    points = [Point(epoch, epoch, 0.1, loss, TRAINING, "a") for epoch, loss in ((1.0, 2.0), (2.0, 9.0), (3.0, np.nan))]
    assert training_charts.description("loss", points) == "Loss on training images rises from 2.00 to 9.00 in 2 epochs."


def test_mean_of_seeds_has_a_band_within_the_axis() -> None:
    ends = {"accuracy": (0.6, 0.9), "loss": (0.4, 5.0)}
    points = [Point(1.0, 1.0, 0.8, 1.0, TRAINING, "five", ends), Point(1.0, 1.0, 0.7, 1.1, TRAINING, "one")]
    for name, band in (("accuracy", (0.7, 0.9)), ("loss", (0.7, 2.5))):
        rows = training_charts.rows(name, points, 5, (0.7, 2.5 if name == "loss" else 1.0))
        assert [(row["lowest"], row["highest"]) for row in rows if row["run"]] == [band, (None, None)]


def test_curves_for_a_projector_name_their_ends() -> None:
    spec = training_charts.enlarged(training_charts.learning_curves("accuracy", ["one", "two"]), 20)
    json.dumps(spec)
    [text] = [one for one in spec["layer"] if one.get("encoding", {}).get("text", {}).get("field") == "run"]
    assert text["mark"]["fontSize"] == spec["config"]["axis"]["labelFontSize"] == 20
    assert spec["config"]["legend"]["labelFontSize"] == 20
    sizes = [one["mark"]["fontSize"] for one in spec["layer"] if "fontSize" in one["mark"]]
    assert sizes == [20, 20]


@pytest.mark.parametrize("names", [["one"], ["one", "two"]])
def test_symbols_of_a_legend_are_as_strong_as_the_curves(names: list[str]) -> None:
    spec = training_charts.learning_curves("accuracy", names, shows_validation=True)
    dashes = [one["encoding"]["strokeDash"] for one in spec["layer"] if "strokeDash" in one.get("encoding", ())]
    assert [one["legend"]["symbolOpacity"] for one in (spec["encoding"]["color"], *dashes)] == [1, 1]


def test_curves_whose_images_are_named_elsewhere_have_no_legend() -> None:
    spec = training_charts.learning_curves("accuracy", ["one"], shows_validation=True, names_images=False)
    dashes = [one["encoding"]["strokeDash"] for one in spec["layer"] if "strokeDash" in one.get("encoding", ())]
    assert [one["legend"] for one in (spec["encoding"]["color"], *dashes)] == [None, None]
