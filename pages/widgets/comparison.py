"""Runs side by side: their curves, and what they came to."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import lesson_figures, live_run, network
from pages.widgets import live, runs, session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from streamlit.delta_generator import DeltaGenerator

    from mnist_core.articles import Article
    from mnist_core.job import Job
    from mnist_core.live_run import Run
    from mnist_core.replay import Replayed

    Named = dict[str, Run]
    """Runs by their names."""
    Shown = Mapping[str, Run | Replayed]
    """Runs by their names, as they stand or as they stood at an earlier moment."""

EPOCHS, SECONDS = "epoch", "seconds"
_MOST_POINTS = 120
# Guessing among ten digits costs a cross-entropy of 2.3: with less, an axis would cut off what is usual.
_USUAL_TOP = 2.5


def compare(there: Shown) -> None:
    """Curves of runs, and what they came to."""
    curves(there)
    results(there)


def curves(
    there: Shown,
    article: Article | None = None,
    floor: float = 0.0,
    across: str = EPOCHS,
    names: Sequence[str] | None = None,
    places: Sequence[DeltaGenerator] | None = None,
    height: int | None = None,
) -> None:
    """Accuracy and loss of runs side by side.

    Args:
        there: the runs.
        article: whose printed log stands beside them.
        floor: the accuracy at which the axis begins; the loss is then shown up to three times of what it leaves out.
        across: `EPOCHS`, or `SECONDS` that they computed.
        names: of all that have a colour of their own, where `legend` tells them; None for those of `there`.
        places: where accuracy and loss go; None for two columns.
        height: of each chart, in pixels; None for the usual one.
    """
    begun = {name: run for name, run in there.items() if run.snapshot.points}
    if not begun:
        return
    table = _points(begun, article, across)
    has_legend = names is None
    names = list(there if names is None else names)
    if article is not None and article.log:
        names.append(lesson_figures.PUBLISHED)
    end: float = max(run.config.epochs for run in begun.values())
    if across == SECONDS:
        end = _round_end(float(table[across].max()))
    heights = ((floor, 1.0), (0.0, _loss_top(list(begun.values()), floor)))
    for place, name, ends in zip(places or st.columns(2), ("accuracy", "loss"), heights, strict=True):
        with place:
            st.markdown(f"**{name.capitalize()}**")
            spec = lesson_figures.compared_curves(name, names, end, ends, across, has_legend)
            if height is not None:
                spec["height"] = height
            alt = f"{name.capitalize()} of each run while it trains. Dashed: on validation images."
            st.vega_lite_chart(table, spec, key=f"compared-{name}", alt=alt)


def legend(names: Sequence[str]) -> dict[str, str]:
    """The runs' names as Markdown, each behind a dot of its colour in the charts."""
    colors = lesson_figures.series(names)["range"]
    return {name: f"![ ]({_dot(color)}) {runs.in_markdown(name)}" for name, color in zip(names, colors, strict=True)}


def _dot(color: str) -> str:
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10">'
        f'<circle cx="5" cy="5" r="5" fill="{color}"/></svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode()


def _loss_top(runs: Sequence[Run | Replayed], floor: float) -> float:
    """Where the axis of the loss ends: the same for most runs, higher for what begins high or climbs."""
    if len(runs) == 1:
        highest = max(point.loss for point in runs[0].snapshot.points)
    else:
        # One that begins far above the others, such as with pixels that are not scaled, is cut off.
        highest = min(run.snapshot.points[0].loss for run in runs)
    top = max(_USUAL_TOP, math.ceil(11 * highest) / 10)
    return min(top, 3 * (1 - floor)) if floor else top


def _round_end(seconds: float) -> float:
    """Where an axis for so many seconds ends: doubled again and again, so that it seldom moves while they pass."""
    return float(2 ** math.ceil(math.log2(max(seconds, 2.0))))


def _points(begun: Shown, article: Article | None, across: str) -> pd.DataFrame:
    import pandas as pd  # Not before the first curve: it takes longer to import than the rest of the page.

    rows: list[tuple[float, float, float | None, str, str]] = []
    for name, run in begun.items():
        if article is not None:  # A printed log has the mean of each epoch, so that is what stands beside it.
            rows += [(one.epoch, one.loss, one.accuracy, "training", name) for one in run.snapshot.epochs]
        else:
            curve = live.curve(run.snapshot, _MOST_POINTS)
            if across == SECONDS and run.snapshot.started is not None:
                places = [row[0] for row in curve]
                seconds = live_run.busy_seconds(run.snapshot.points, run.snapshot.started, places)
                curve = [(second, *row[1:]) for second, row in zip(seconds.tolist(), curve, strict=True)]
            rows += [(*row, name) for row in curve]
    for line in article.log if article is not None else ():
        rows.append((line.epoch, line.loss, line.accuracy, "training", lesson_figures.PUBLISHED))
    return pd.DataFrame(rows, columns=[across, "loss", "accuracy", "images", "run"])


def offer_mistakes(run: Job) -> None:
    """A button that takes a run of the server's to the visitor's own and shows it on the Evaluate page."""
    if st.button("See its mistakes", key=f"mistakes-{run.id}", icon=":material/grid_on:", type="tertiary"):
        session.adopt(run)
        st.switch_page("pages/evaluate.py")


def results(there: Shown) -> None:
    """What the runs came to, in a table."""
    lines = []
    for name, run in there.items():
        shot = run.snapshot
        if shot.evaluation is None or not shot.epochs:
            continue
        seconds = shot.seconds_an_epoch
        last = shot.epochs[-1]
        lines.append(
            f"| {name} | {shot.evaluation.accuracy:.2%} | {last.accuracy:.2%} | "
            f"{network.parameter_count(run.config):,} | {'-' if seconds is None else f'{seconds:.2f} s'} |"
        )
    if lines:
        # Few and short enough for a phone.
        head = "| Run | Test | Train | Weights | Epoch |"
        st.markdown("\n".join([head, "|:--|--:|--:|--:|--:|", *lines]))
        st.caption(
            "Test and train: accuracy on the test images, and on the training images over the last epoch. Weights: "
            "how many parameters it learns, biases included. Epoch: how long one takes while the processor is free."
        )
