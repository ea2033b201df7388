"""Runs that belong to the whole server, watched side by side: trained once, the same for every visitor."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import lesson_figures, network, shared_runs
from mnist_core.errors import PlaygroundError
from mnist_core.job import Status
from pages.widgets import session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from mnist_core.articles import Article
    from mnist_core.course import Trial
    from mnist_core.datasets import Dataset
    from mnist_core.job import Job
    from mnist_core.live_run import Run

    Named = dict[str, Run]
    """Runs by their names."""
    Draw = Callable[[Named], None]

POLL_SECONDS = 0.5
_MOST_POINTS = 120


def on(trial: Trial, dataset: Dataset) -> Trial:
    """A trial on the data set that is there."""
    return dataclasses.replace(trial, config=dataclasses.replace(trial.config, dataset=dataset.name))


def found(trials: Sequence[Trial], dataset: Dataset) -> Named:
    """Those of the trials that the server has run or is running, by name."""
    runs = shared_runs.shared()
    there = {trial.name: runs.find_network(on(trial, dataset).config, dataset) for trial in trials}
    return {name: run for name, run in there.items() if run is not None}


def start(trials: Sequence[Trial], dataset: Dataset) -> None:
    """Let the server run those of the trials that it has not run yet; says so where it cannot."""
    runs = shared_runs.shared()
    begun: Named = {}
    try:
        for trial in trials:
            begun[trial.name] = runs.network(on(trial, dataset).config, dataset, session.watcher())
    except PlaygroundError as error:
        st.error(str(error), icon=":material/error:")
    session.keep("begun-trials", session.kept("begun-trials", {}) | begun)


def show(trials: Sequence[Trial], dataset: Dataset, draw: Draw, in_turn: bool = False) -> Named:
    """Start the trials when told to, show them while they learn, and give them back once all have ended.

    Args:
        trials: what to run, each with a name of its own.
        dataset: what to learn from.
        draw: shows those that have begun.
        in_turn: whether one waits for the other, so that their times can be compared.
    """
    there = found(trials, dataset)
    if _are_active(there) or session.kept("awaited-trials", None) == trials:
        if st.button("Stop", icon=":material/stop:"):
            session.keep("awaited-trials", None)
            for run in there.values():
                run.leave(session.watcher())
        st.fragment(_follow, run_every=POLL_SECONDS)(trials, dataset, draw)
        return {}
    if len(there) < len(trials):
        _failures(trials)
        label = "Let it run" if len(trials) == 1 else "Let them run"
        if st.button(label, icon=":material/play_arrow:", type="primary"):
            session.keep("begun-trials", {})
            if in_turn:
                session.keep("awaited-trials", trials)
            else:
                start(trials, dataset)
            st.rerun()
        return {}
    draw(there)
    return there


def _are_active(there: Named) -> bool:
    return any(run.snapshot.status.is_active for run in there.values())


def _failures(trials: Sequence[Trial]) -> list[str]:
    """Tell what became of runs that the visitor began and that are not there any more; returns their names."""
    begun: Named = session.kept("begun-trials", {})
    failed = [trial.name for trial in trials if trial.name in begun and _has_failed(begun[trial.name])]
    for name in failed:
        st.error(f"{name}: {begun[name].snapshot.message}", icon=":material/error:")
    return failed


def _has_failed(run: Run) -> bool:
    return run.snapshot.status is Status.FAILED


def _follow(trials: Sequence[Trial], dataset: Dataset, draw: Draw) -> None:
    there = found(trials, dataset)
    if not _are_active(there):
        waiting = [trial for trial in trials if trial.name not in there]
        if not waiting or session.kept("awaited-trials", None) != trials or _failures(trials):
            session.keep("awaited-trials", None)
            st.rerun()
        start(waiting[:1], dataset)
        there = found(trials, dataset)
    done = sum(run.fraction for run in there.values()) / len(trials)
    is_ready = any(run.snapshot.points for run in there.values())
    st.progress(done, text=f"{done:.0%} of the training is done" if is_ready else "Getting ready …")
    draw(there)


def compare(there: Named) -> None:
    """Curves of runs, and what they came to."""
    curves(there)
    results(there)


def curves(there: Named, article: Article | None = None, floor: float = 0.0) -> None:
    """Accuracy and loss of runs side by side.

    Args:
        there: the runs.
        article: whose printed log stands beside them.
        floor: the accuracy at which the axis begins; the loss is then shown up to three times of what it leaves out.
    """
    begun = {name: run for name, run in there.items() if run.snapshot.points}
    if not begun:
        return
    table = _points(begun, article)
    names = [*begun, lesson_figures.PUBLISHED] if article is not None and article.log else list(begun)
    epochs = max(run.config.epochs for run in begun.values())
    # Whoever begins far above the others, such as with pixels that are not scaled, is cut off.
    highest = min(math.ceil(11 * run.snapshot.points[0].loss) / 10 for run in begun.values())
    if floor:
        highest = min(highest, 3 * (1 - floor))
    for place, name, height in zip(st.columns(2), ("accuracy", "loss"), ((floor, 1.0), (0.0, highest)), strict=True):
        with place:
            st.markdown(f"**{name.capitalize()}**")
            spec = lesson_figures.compared_curves(name, names, epochs, height)
            st.vega_lite_chart(table, spec, key=f"trials-{name}")


def _points(begun: Named, article: Article | None) -> pd.DataFrame:
    import pandas as pd  # Not before the first curve: it takes longer to import than the rest of the page.

    rows: list[tuple[float, float, float | None, str, str]] = []
    for name, run in begun.items():
        shot = run.snapshot
        per_epoch = shot.started.steps_per_epoch if shot.started else 1
        every = -(-len(shot.points) // _MOST_POINTS)
        if article is not None:  # A printed log has the mean of each epoch, so that is what stands beside it.
            rows += [(one.epoch, one.loss, one.accuracy, "training", name) for one in shot.epochs]
        else:
            rows += [
                ((point.epoch - 1) + point.step / per_epoch, point.loss, point.accuracy, "training", name)
                for point in shot.points[::-1][::every]
            ]
        rows += [
            (metrics.epoch, metrics.validation_loss, metrics.validation_accuracy, "validation", name)
            for metrics in shot.epochs
            if metrics.validation_loss is not None
        ]
    if article is not None:
        rows += [(line.epoch, line.loss, line.accuracy, "training", lesson_figures.PUBLISHED) for line in article.log]
    return pd.DataFrame(rows, columns=["epoch", "loss", "accuracy", "images", "run"])


def offer_mistakes(run: Job) -> None:
    """A button that takes a run of the server's to the visitor's own and shows it on the Evaluate page."""
    if st.button("See its mistakes", key=f"mistakes-{run.id}", icon=":material/grid_on:", type="tertiary"):
        session.adopt(run)
        st.switch_page("pages/evaluate.py")


def results(there: Named) -> None:
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
            "Test and train: accuracy on the test images, and on the training images over the last epoch. Weights: how "
            "many numbers it learns, biases included. Epoch: how long one takes while the processor is free."
        )
