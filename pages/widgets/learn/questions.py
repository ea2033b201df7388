"""Open questions of the tutorials, answered by experiments."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.charts import lessons as lesson_charts
from mnist_core.errors import PlaygroundError
from mnist_core.lessons.experiments import EXPERIMENTS, Experiment
from mnist_core.runs import run_cache
from mnist_core.training import Status
from mnist_core.training.classical import KINDS
from pages.widgets.common import live, run_curves, run_text, segments
from pages.widgets.learn import lessons, trials
from pages.widgets.state import visitor_runs

if TYPE_CHECKING:
    from mnist_core.data import Dataset
    from mnist_core.runs.classical_run import ClassicalRun


def questions_view(dataset: Dataset) -> None:
    """One question: predict, run, compare."""
    keys = list(EXPERIMENTS)
    key = segments.segmented_choice("Question", "experiment", keys, lambda key: EXPERIMENTS[key].title)
    experiment = EXPERIMENTS[key]
    st.markdown(experiment.text)
    answer = lessons.question_choice(f"experiment-{key}", experiment.question)
    if answer is None:
        st.caption(lessons.ANSWER_FIRST)
        return
    trials.refusal_message()
    if experiment.classical:
        _classical_models(experiment, dataset)
        st.markdown("**Two networks**, for comparison")
    draw = functools.partial(_trends, experiment) if experiment.across else run_curves.curves_and_results
    ended = trials.trials_view(experiment.trials, dataset, draw, in_turn=bool(experiment.across))
    if ended:
        if experiment.classical:
            run_curves.mistakes_button(next(iter(ended.values())))
        lessons.answer_feedback(experiment.question, answer)


def _trends(experiment: Experiment, there: run_curves.Shown) -> None:
    """Accuracy and time of the ended runs, over the setting that differs."""
    import pandas as pd

    rows = []
    lines = experiment.series or ("",) * len(experiment.trials)
    for place, line, trial in zip(experiment.places, lines, experiment.trials, strict=True):
        shot = there[trial.name].snapshot if trial.name in there else None
        if shot is not None and shot.evaluation is not None:
            rows.append((place, shot.evaluation.accuracy, shot.seconds_an_epoch or 0.0, trial.name, line))
    if not rows:
        return
    time = "seconds an epoch"
    table = pd.DataFrame(rows, columns=[experiment.across, "accuracy", time, "name", "series"])
    ends = (experiment.places[0], experiment.places[-1])
    lowest = math.floor(10 * table["accuracy"].min()) / 10
    charts = (("Test accuracy", "accuracy", (lowest, 1.0)), ("Seconds an epoch", time, (0.0, 1.1 * table[time].max())))
    for column, (title, along, height) in zip(st.columns(2), charts, strict=True):
        with column:
            st.markdown(f"**{title}**")
            spec = lesson_charts.trend(
                experiment.across, along, ends, height, experiment.is_log, tuple(dict.fromkeys(experiment.series))
            )
            alt = f"{title} over the number of {experiment.across}; the table below has the values."
            st.vega_lite_chart(table, spec, key=f"trend-{along}", alt=alt)
    run_curves.results_table(there)


def _classical_models(experiment: Experiment, dataset: Dataset) -> None:
    """The classical models, each with a button, its progress and its accuracy."""
    runs = [_run(kind, dataset, experiment) for kind in experiment.classical]
    for kind, run in zip(experiment.classical, runs, strict=True):
        if run is not None:
            trials.watch_run(run, kind)
    if any(run is not None and run.snapshot.status.is_active for run in runs):
        st.fragment(_follow, run_every=live.poll_seconds())(experiment, dataset)
    else:
        _model_rows(experiment, dataset)


def _run(kind: str, dataset: Dataset, experiment: Experiment) -> ClassicalRun | None:
    """The server's run of a model, or else the last one that the visitor watched, for example a stopped one."""
    run = run_cache.shared().find_classical(kind, dataset, _split(experiment))
    return run or trials.watched_run(kind)  # type: ignore[return-value]


def _split(experiment: Experiment) -> str:
    return experiment.trials[0].config.split


def _follow(experiment: Experiment, dataset: Dataset) -> None:
    runs = _model_rows(experiment, dataset)
    if not any(run.snapshot.status.is_active for run in runs):
        st.rerun()


def _model_rows(experiment: Experiment, dataset: Dataset) -> list[ClassicalRun]:
    found = []
    for kind in experiment.classical:
        run = _run(kind, dataset, experiment)
        with st.container(horizontal=True, vertical_alignment="center", key=f"model-{kind}"):
            st.markdown(f"**{KINDS[kind]}**", width=190)
            if run is not None:
                found.append(run)
                _model_state(kind, run)
            has_to_learn = run is None or run.snapshot.status in (Status.STOPPED, Status.FAILED)
            if has_to_learn and st.button("Start", key=f"learn-{kind}", icon=":material/play_arrow:"):
                _start(kind, dataset, _split(experiment))
    return found


def _start(kind: str, dataset: Dataset, split: str) -> None:
    trials.REFUSAL.set(None)
    try:
        trials.watch_run(run_cache.shared().classical(kind, dataset, split, visitor_runs.watcher()), kind)
    except PlaygroundError as error:
        trials.remember_refusal(error)
    st.rerun()


def _model_state(kind: str, run: ClassicalRun) -> None:
    shot = run.snapshot
    if run.is_stopping:
        st.progress(shot.fraction, text="Stopping …", width=320)
    elif shot.status.is_active:
        last = shot.points[-1] if shot.points else None
        reached = f"{last.done:,} of {shot.whole:,} {shot.counted}, {last.accuracy:.1%} right so far" if last else ""
        st.progress(shot.fraction, text=reached or "Getting ready …", width=320)
        trials.stop_button([run], key=f"stop-{kind}")
    elif shot.evaluation is not None:
        st.markdown(f"**{shot.evaluation.accuracy:.2%}** right, {run_text.duration_text(shot.work_seconds)}", width=190)
        run_curves.mistakes_button(run)
    if shot.message:
        st.caption(shot.message)
