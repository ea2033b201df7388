"""Curves and results of several runs."""

from __future__ import annotations

import base64
import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import network
from mnist_core.charts import training as training_charts
from mnist_core.charts.training import Point
from mnist_core.runs.snapshot import busy_seconds
from pages.widgets.common import live_frame, projector, run_picker, theme
from pages.widgets.state import visitor_runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamlit.delta_generator import DeltaGenerator

    from mnist_core.config import RunConfig
    from mnist_core.lessons.articles import Article
    from mnist_core.runs.job import Job
    from mnist_core.runs.network_run import Run
    from mnist_core.runs.replay import Replayed
    from mnist_core.runs.snapshot import Snapshot

    Named = dict[str, Run]
    """Runs by their names."""
    Shown = Mapping[str, "Run | Replayed | SeedGroup"]
    """Runs by their names, as they are now or as they were at an earlier moment, or as the mean of several seeds."""


@dataclass(frozen=True)
class SeedGroup:
    """Runs of one network with different seeds, which are drawn as their mean between the lowest and the highest."""

    runs: Sequence[Run]

    @property
    def config(self) -> RunConfig:
        """The config of the first run."""
        return self.runs[0].config

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot of the first run."""
        return self.runs[0].snapshot


EPOCHS, SECONDS = "epoch", "seconds"
_MOST_POINTS = 120
_HEIGHT = 280


def curves_and_results(there: Shown) -> None:
    """The curves of runs, and a table of their results."""
    training_curves(there)
    results_table(there)


def training_curves(
    there: Shown,
    article: Article | None = None,
    floor: float = 0.0,
    across: str = EPOCHS,
    names: Sequence[str] | None = None,
    places: Sequence[DeltaGenerator] | None = None,
    height: int | None = None,
) -> None:
    """Charts of the accuracy and the loss of runs.

    Args:
        there: the runs.
        article: adds the log that this article printed.
        floor: the accuracy at which the axis starts; the axis of the loss then ends at 3 * (1 - floor). 0: the axes
            follow the curves, see `training_charts.ends`.
        across: `EPOCHS`, or `SECONDS` of computing.
        names: all names that get a colour, if `run_legend` is shown; None for the names in `there`.
        places: where the two charts go, or that of the accuracy alone; None for two columns.
        height: of each chart, in pixels; None for the default.
    """
    started = {name: run for name, run in there.items() if run.snapshot.points}
    if not started:
        return
    import pandas as pd  # Not before the first curve: it takes longer to import than the rest of the page.

    points = _points(started, article, across)
    has_legend = names is None and len(there) > 1
    names = list(there if names is None else names)
    if article is not None and article.log:
        names.append(training_charts.PUBLISHED)
        has_legend = True
    end: float = max(run.config.epochs for run in started.values())
    if across == SECONDS:
        end = _round_end(max(point.across for point in points))
    is_over = not any(run.snapshot.status.is_active for run in there.values())
    shows_validation = any(run.config.validation_fraction for run in there.values()) and article is None
    for place, name in zip(places or st.columns(2), ("accuracy", "loss"), strict=False):
        with place:
            st.markdown(f"**{name.capitalize()}{'' if shows_validation else ' on training images'}**")
            ends = _ends(name, points, floor, is_over)
            table = pd.DataFrame(training_charts.rows(name, points, end, ends))
            spec = training_charts.learning_curves(
                name, names, across, shows_validation, has_legend, theme.text_color(), height or _HEIGHT
            )
            if projector.is_on():
                spec = training_charts.enlarged(spec, projector.FONT_SIZE)
            alt = f"Curves: the {name} of {', '.join(names)}, by {across}."
            st.vega_lite_chart(table, spec, key=f"compared-{name}", alt=alt)


def _ends(name: str, points: Sequence[Point], floor: float, is_over: bool) -> tuple[float, float]:
    if not floor:
        return training_charts.ends(name, points, is_over)
    return (floor, 1.0) if name == "accuracy" else (0.0, 3 * (1 - floor))


def run_legend(names: Sequence[str]) -> dict[str, str]:
    """The runs' names as Markdown, each after a dot in its colour."""
    colors = training_charts.series(names)["range"]
    return {
        name: f"![ ]({_dot(color)}) {run_picker.escape_markdown(name)}"
        for name, color in zip(names, colors, strict=True)
    }


def _dot(color: str) -> str:
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10">'
        f'<circle cx="5" cy="5" r="5" fill="{color}"/></svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode()


def _round_end(seconds: float) -> float:
    """The end of an axis for this many seconds: a power of two, so that the axis seldom changes."""
    return float(2 ** math.ceil(math.log2(max(seconds, 2.0))))


def _points(started: Shown, article: Article | None, across: str) -> list[Point]:
    points: list[Point] = []
    for name, run in started.items():
        if article is not None:  # A printed log has the mean of each epoch, so compare it with the mean of each epoch.
            points += [
                Point(one.epoch, one.epoch, one.accuracy, one.loss, training_charts.TRAINING, name)
                for one in run.snapshot.epochs
            ]
            continue
        if isinstance(run, SeedGroup):
            points += _mean_points(run, name)
            continue
        curve = live_frame.curve_points(run.snapshot, _MOST_POINTS, name)
        if across == SECONDS and run.snapshot.started is not None:
            places = [point.epoch for point in curve]
            seconds = busy_seconds(run.snapshot.points, run.snapshot.started, places)
            curve = [
                dataclasses.replace(point, across=second) for second, point in zip(seconds.tolist(), curve, strict=True)
            ]
        points += curve
    for line in article.log if article is not None else ():
        points.append(
            Point(line.epoch, line.epoch, line.accuracy, line.loss, training_charts.TRAINING, training_charts.PUBLISHED)
        )
    return points


def _mean_points(group: SeedGroup, name: str) -> list[Point]:
    found = live_frame.bands([live_frame.curve_points(run.snapshot, _MOST_POINTS) for run in group.runs])
    points = []
    for key, images in (("trainingBand", training_charts.TRAINING), ("validationBand", training_charts.VALIDATION)):
        for epoch, accuracy, worst, best, loss, low, high in found[key].tolist():
            ends = {"accuracy": (worst, best), "loss": (low, high)}
            points.append(Point(epoch, epoch, accuracy, loss, images, name, ends))
    return points


def mistakes_button(run: Job) -> None:
    """A button that adds a shared run to the visitor's runs and opens it on the Evaluate page."""
    if st.button("See its mistakes", key=f"mistakes-{run.id}", icon=":material/grid_on:", type="tertiary"):
        visitor_runs.adopt_run(run)
        st.switch_page("pages/evaluate.py")


def results_table(there: Shown) -> None:
    """A table of the runs' results."""
    lines = []
    weights = [network.parameter_count(run.config) for run in there.values()]
    is_same = len(set(weights)) == 1
    for (name, run), count in zip(there.items(), weights, strict=True):
        shot = run.snapshot
        if shot.evaluation is None or not shot.epochs:
            continue
        seconds = shot.seconds_an_epoch
        last = shot.epochs[-1]
        lines.append(
            f"| {name} | {shot.evaluation.accuracy:.2%} | {last.accuracy:.2%} | "
            f"{'' if is_same else f'{count:,} | '}{'-' if seconds is None else f'{seconds:.2f} s'} |"
        )
    if lines:
        # Few and short columns, for phones.
        head = f"| Run | Test | Train | {'' if is_same else 'Weights | '}Epoch |"
        st.markdown("\n".join([head, f"|:--|--:|--:|{'' if is_same else '--:|'}--:|", *lines]))
        st.caption(
            "Test and train: accuracy on the test images, and on the training images over the last epoch. Weights: "
            f"how many parameters it learns, biases included{f', here {weights[0]:,}' if is_same else ''}. "
            "Epoch: how long one takes while the processor is free."
        )
