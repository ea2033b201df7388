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
from mnist_core.language import Message, format_number
from mnist_core.language import gettext as _
from mnist_core.runs.snapshot import busy_seconds
from pages.widgets.common import live_frame, projector, run_picker, theme, vega_chart
from pages.widgets.state import visitor_runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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


NO_BREAK = "\u00a0"
"""A space at which no line ends."""
EPOCHS, SECONDS = Message("epoch"), Message("seconds")
_MOST_POINTS = 120
_HEIGHT = 280
# In large type, the characters of a line in a chart.
_NOTE_WIDTH = 22


def training_curves(
    there: Shown,
    article: Article | None = None,
    floor: float = 0.0,
    across: str = EPOCHS,
    names: Sequence[str] | None = None,
    places: Sequence[DeltaGenerator] | None = None,
    height: int | None = None,
    font_size: int | None = None,
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
        font_size: of its texts, in pixels, on a wall that names the runs elsewhere, and above two charts the images
            of a single one too; None for the usual one.
    """
    there = {_(name): run for name, run in there.items()}
    started = {name: run for name, run in there.items() if run.snapshot.points}
    if not started:
        return
    import pandas as pd  # Not before the first curve: it takes longer to import than the rest of the page.

    points = _points(started, article, across)
    has_legend = names is None and len(there) > 1
    names = list(map(_, there if names is None else names))
    if article is not None and article.log:
        names.append(training_charts.PUBLISHED)
        has_legend = True
    end: float = max(run.config.epochs for run in started.values())
    if across == SECONDS:
        end = _round_end(max(point.across for point in points))
    is_over = not any(run.snapshot.status.is_active for run in there.values())
    shows_validation = any(run.config.validation_fraction for run in there.values()) and article is None
    # Large type in a chart would leave little room for the curves.
    is_above = font_size is not None and len(names) == 1
    places = places or st.columns(2)
    for place, name in zip(places, (training_charts.ACCURACY, training_charts.LOSS), strict=False):
        with place:
            title = _(name.capitalize())
            if shows_validation and is_above:
                chart_heading(title, images_legend() if len(places) == 1 else ())
            else:
                st.markdown(f"**{title if shows_validation else _('{name} on training images', name=title)}**")
            ends = _ends(name, points, floor, is_over)
            rows = training_charts.rows(name, points, end, ends, None if font_size is None else _NOTE_WIDTH)
            table = pd.DataFrame(rows)
            spec = training_charts.learning_curves(
                name,
                names,
                across,
                shows_validation,
                has_legend,
                theme.text_color(),
                height or _HEIGHT,
                names_images=not is_above,
            )
            if font_size is not None:
                spec = training_charts.enlarged(spec, font_size, has_names=False)
            elif projector.is_on():
                spec = training_charts.enlarged(spec, projector.FONT_SIZE)
            alt = _("Curves: the {name} of {runs}, by {across}.", name=_(name), runs=", ".join(names), across=_(across))
            vega_chart.vega_chart(spec, table, key=f"compared-{name}", alt=alt)


def _ends(name: str, points: Sequence[Point], floor: float, is_over: bool) -> tuple[float, float]:
    if not floor:
        return training_charts.ends(name, points, is_over)
    return (floor, 1.0) if name == "accuracy" else (0.0, 3 * (1 - floor))


def chart_heading(title: str, legend: Iterable[str]) -> None:
    """The title of a chart in large type, with its legend beside it."""
    with st.container(horizontal=True, gap="xsmall"):  # No dot stays on the line above its name.
        for text in (f"**{title}**", *legend):
            st.markdown(text, width="content")


def run_legend(names: Sequence[str]) -> dict[str, str]:
    """The runs' names as Markdown, each after a dot in its colour."""
    colors = training_charts.series(names)["range"]
    return {name: _legend_entry(name, color) for name, color in zip(names, colors, strict=True)}


def images_legend() -> list[str]:
    """The images of the two curves of a single run, in the same way."""
    images = training_charts.TRAINING, training_charts.VALIDATION
    return [
        _legend_entry(unbroken(_(one)), color) for one, color in zip(images, training_charts.IMAGE_COLORS, strict=True)
    ]


def _legend_entry(name: str, color: str) -> str:
    return f"![ ]({_dot(color)}){NO_BREAK}{run_picker.escape_markdown(name)}"


def unbroken(text: str) -> str:
    """A short text that stays on one line."""
    return text.replace(" ", NO_BREAK)


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
    if st.button(_("See its mistakes"), key=f"mistakes-{run.id}", icon=":material/grid_on:", type="tertiary"):
        visitor_runs.adopt_run(run)
        st.switch_page("pages/evaluate.py")


def results_table(there: Shown, has_seconds: bool = False) -> None:
    """A table of the runs' results: few and short columns, for phones.

    Args:
        there: the runs.
        has_seconds: whether to show how long an epoch takes. Only times of runs that had the processor to themselves
            can be compared.
    """
    there = {_(name): run for name, run in there.items()}
    tested = {name: run for name, run in there.items() if run.snapshot.evaluation is not None and run.snapshot.epochs}
    if not tested:
        return
    has_validation = any(run.config.validation_fraction for run in tested.values())
    weights = {network.parameter_count(run.config) for run in there.values()}
    is_same = len(weights) == 1
    columns = [_("Run"), _("Test"), *([_("Validation")] if has_validation else []), _("Training")]
    columns += [] if is_same else [_("Weights"), _("Multiplications")]
    columns += [_("Epoch")] if has_seconds else []
    lines = [f"| {' | '.join(columns)} |", f"|:--|{'--:|' * (len(columns) - 1)}"]
    is_ahead = False
    for name, run in tested.items():
        shot, last = run.snapshot, run.snapshot.epochs[-1]
        assert shot.evaluation is not None
        is_ahead = is_ahead or shot.evaluation.accuracy > last.accuracy
        cells = [name, format_number(shot.evaluation.accuracy, ".2%")]
        if has_validation:
            cells.append("-" if last.validation_accuracy is None else format_number(last.validation_accuracy, ".2%"))
        cells.append(format_number(last.accuracy, ".2%"))
        if not is_same:
            cells += [
                format_number(network.parameter_count(run.config), ","),
                format_number(network.multiplications(run.config), ","),
            ]
        if has_seconds:
            seconds = shot.seconds_an_epoch
            cells.append("-" if seconds is None else _("{seconds:.2f} s", seconds=seconds))
        lines.append(f"| {' | '.join(cells)} |")
    st.markdown("\n".join(lines))
    groups = (
        _("test, validation and training images") if has_validation else _("test images and on the training images")
    )
    notes = [_("Accuracy on the {groups}.", groups=groups)]
    if is_ahead:
        notes.append(
            _(
                "Test can be higher than train: train is the average over the last epoch, while the network was still "
                "getting better (and with dropout on). Test is measured at the end."
            )
        )
    if is_same:
        notes.append(
            _("Each learns {weights:,} weights and biases.", weights=weights.pop())
            if len(there) > 1
            else _("It learns {weights:,} weights and biases.", weights=weights.pop())
        )
    else:
        notes.append(
            _("Weights: how many it learns, biases included. Multiplications: how many it needs for one image.")
        )
    if has_seconds:
        notes.append(_("Epoch: how long one takes. The runs had the processor one after the other."))
    st.caption(" ".join(notes))
