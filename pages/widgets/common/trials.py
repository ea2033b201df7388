"""Shared runs of the courses: trained once a server, and replayed for later visitors."""

from __future__ import annotations

import dataclasses
import math
import time
from types import MappingProxyType
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import limits
from mnist_core.charts import lessons as lesson_charts
from mnist_core.data import splits
from mnist_core.errors import CapacityError, PlaygroundError
from mnist_core.language import format_number
from mnist_core.language import gettext as _
from mnist_core.lessons import faults
from mnist_core.runs import run_cache, scheduler
from mnist_core.training import Status, capacity
from pages.widgets.common import live, replays, run_curves, run_text, vega_chart
from pages.widgets.server import visitor_limits
from pages.widgets.state import visitor_runs
from pages.widgets.state.keys import Key
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.lessons.course import Step, Trial
    from mnist_core.runs.job import Job
    from mnist_core.runs.network_run import Run
    from pages.widgets.common.run_curves import Named, Shown

    Draw = Callable[[Shown], None]

REFUSAL: Key[str | None] = Key("refusal-noted", None)
_LEFT: Key[frozenset[str]] = Key("left-runs-noted", frozenset())
_WATCHED: Key[Mapping[object, Job]] = Key("watched-runs-noted", MappingProxyType({}))
# On a screen that only shows: which runs were started last, and when to try again what was refused.
_TRY_AGAIN: Key[tuple[Sequence[Trial], float]] = Key("trials-again-noted", ((), 0.0))
_PATIENCE_SECONDS = 10.0
_AWAITED: Key[Sequence[Trial] | None] = Key("awaited-trials-noted", None)


def with_dataset(trial: Trial, dataset: Dataset) -> Trial:
    """A trial with the data set that is really used."""
    return dataclasses.replace(trial, config=dataclasses.replace(trial.config, dataset=dataset.name))


def data_of(trial: Trial, dataset: Dataset) -> Dataset:
    """The data that a trial is trained on: the data set, or that of its fault."""
    return faults.corrupted(trial.fault, dataset) if trial.fault else dataset


def trial_runs(trials: Sequence[Trial], dataset: Dataset) -> Named:
    """The server's runs of the trials so far, by name."""
    there = {trial.name: find_run(trial, dataset) for trial in trials}
    return {name: run for name, run in there.items() if run is not None}


def find_run(trial: Trial, dataset: Dataset) -> Run | None:
    """The server's run of a trial; None if there is none so far."""
    config, is_random = with_dataset(trial, dataset).config, not faults.has_own_start(trial.fault)
    return run_cache.shared().find_network(config, data_of(trial, dataset), is_random)


def start_run(trial: Trial, dataset: Dataset) -> Run:
    """The server's run of a trial, which is started if there is none, with the visitor as a watcher.

    Raises:
        CapacityError: the server cannot hold a new one.
    """
    config, start = with_dataset(trial, dataset).config, faults.start(trial.fault) if trial.fault else None
    return run_cache.shared().network(config, data_of(trial, dataset), visitor_runs.watcher(), start)


def start_trials(trials: Sequence[Trial], dataset: Dataset, is_charged: bool = False) -> None:
    """Start the trials that the server has not run yet. `refusal_message` shows why one was refused.

    Args:
        trials: what to run.
        dataset: the training data.
        is_charged: whether new runs count for the visitor's address: those of a course are few, others are not.
    """
    REFUSAL.set(None)
    try:
        for trial in trials:
            watch_run(_started(trial, dataset, is_charged), _name_of(trial))
    except PlaygroundError as error:
        remember_refusal(error)


def _started(trial: Trial, dataset: Dataset, is_charged: bool) -> Run:
    if not is_charged or find_run(trial, dataset) is not None:
        return start_run(trial, dataset)
    visitor_limits.spend(limits.RUNS)
    try:
        return start_run(trial, dataset)
    except CapacityError:  # A screen that only shows tries it again and again.
        visitor_limits.give_back(limits.RUNS)
        raise


def _name_of(trial: Trial) -> Hashable:
    """What `watched_run` knows the run of a trial by."""
    return trial.config, trial.fault


def remember_refusal(error: PlaygroundError) -> None:
    """Remember why a run was refused, until another one is started."""
    REFUSAL.set(error.message)


def refusal_message() -> None:
    """The reason why the last run was refused, if it was."""
    refusal = REFUSAL.get()
    if refusal:
        st.error(_(refusal), icon=":material/error:")


def watch_run(run: Job, what: Hashable) -> None:
    """Register the visitor as a watcher of an active run, unless they have stopped it."""
    if run.snapshot.status.is_active and run.id not in _LEFT.get():
        run.watch(visitor_runs.watcher())
        replays.mark_seen([run])
        _WATCHED.set({**_WATCHED.get(), what: run})


def watched_run(what: Hashable) -> Job | None:
    """The run of `what` that the visitor watched last, ended or not."""
    return _WATCHED.get().get(what)


def stop_button(runs: Iterable[Job], key: str = "stop") -> None:
    """A button to stop runs; after a press, a note if others still watch them."""
    active = [run for run in runs if run.snapshot.status.is_active]
    left = _LEFT.get()
    if active and all(run.id in left for run in active):
        st.caption(_("Others are watching it too, so it continues."))
    elif st.button(_("Stop"), key=key, icon=":material/stop:"):
        uninterrupted(lambda: _leave(active))
        st.rerun()


def _leave(runs: Sequence[Job]) -> None:
    _AWAITED.set(None)
    _LEFT.set(_LEFT.get() | {run.id for run in runs})
    for run in runs:
        scheduler.shared().leave(run, visitor_runs.watcher())


def trials_view(
    trials: Sequence[Trial], dataset: Dataset, draw: Draw, in_turn: bool = False, is_seen: bool = False
) -> Named:
    """A start button, then the active runs; returns the runs by name once all have ended, until then nothing.

    Ended runs that are new to the visitor are replayed first.

    Args:
        trials: what to run, each with its own name.
        dataset: the training data.
        draw: shows the runs that have started.
        in_turn: whether to run one after the other, so that their times can be compared.
        is_seen: whether the visitor saw the runs before a reload.
    """
    there = trial_runs(trials, dataset)
    if is_seen:
        replays.mark_seen(there.values())
    for trial in trials:
        if trial.name in there:
            watch_run(there[trial.name], _name_of(trial))
    is_whole = len(there) == len(trials)
    if (is_whole and _are_active(there)) or _AWAITED.get() == trials:
        stop_button(there.values())
        st.fragment(_follow, run_every=live.poll_seconds())(trials, dataset, draw)
        return {}
    if not is_whole:
        _show_failures(trials)
        _offer_start(trials, there, dataset, in_turn)
        if there:
            draw(there)
        return {}
    if not replays.replay_view(there, draw, in_turn):
        return {}
    draw(there)
    replays.replay_button(there)
    return there


def running_view(
    trials: Sequence[Trial], dataset: Dataset, draw: Draw, in_turn: bool = False, is_charged: bool = False
) -> None:
    """The runs of the trials on a screen that only shows: those that are missing start by themselves.

    Args:
        trials: what to run, each with its own name.
        dataset: the training data.
        draw: shows the runs that have started.
        in_turn: whether to run one after the other, so that their times can be compared.
        is_charged: see `start_trials`; not for runs in turn.
    """
    there = trial_runs(trials, dataset)
    missing = _missing(trials, there)
    of_trials, again = _TRY_AGAIN.get()
    if of_trials != trials or time.monotonic() >= again:  # A screen that only shows has no button to try again.
        REFUSAL.set(None)
    if missing and _AWAITED.get() != trials and REFUSAL.get() is None and not _failed(trials):
        uninterrupted(lambda: _start(trials, missing, dataset, in_turn, is_charged))
        there = trial_runs(trials, dataset)
        _TRY_AGAIN.set((trials, time.monotonic() + _PATIENCE_SECONDS))
    for trial in trials:
        if trial.name in there:
            watch_run(there[trial.name], _name_of(trial))
    if _are_active(there) or _AWAITED.get() == trials:
        st.fragment(_follow, run_every=live.poll_seconds())(trials, dataset, draw)
        return
    refusal_message()
    if REFUSAL.get() is not None:
        st.fragment(_try_again, run_every=_PATIENCE_SECONDS / 2, key="trials-again")()
    _show_failures(trials)
    if len(there) < len(trials) or replays.replay_view(there, draw, in_turn, can_skip=False):
        draw(there)


def _try_again() -> None:
    if time.monotonic() >= _TRY_AGAIN.get()[1]:
        st.rerun()


def _offer_start(trials: Sequence[Trial], there: Named, dataset: Dataset, in_turn: bool) -> None:
    missing = _missing(trials, there)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(_("Start"), icon=":material/play_arrow:", type="primary"):
            uninterrupted(lambda: _start(trials, missing, dataset, in_turn))
            st.rerun()
        # Faults leave the number of images as it is.
        configs = [with_dataset(trial, dataset).config for trial in missing]
        st.caption(_("Takes about {estimated_duration}.", estimated_duration=estimated_duration(configs, dataset)))


def _start(
    trials: Sequence[Trial], missing: Sequence[Trial], dataset: Dataset, in_turn: bool, is_charged: bool = False
) -> None:
    if in_turn:
        _AWAITED.set(trials)
        start_trials(missing[:1], dataset)
    else:
        start_trials(trials, dataset, is_charged)


def estimated_duration(configs: Iterable[RunConfig], dataset: Dataset) -> str:
    """How long these runs take on this data set, estimated, in words."""
    parts = [(config, splits.split_for(dataset, config)) for config in configs]
    seconds = [capacity.estimated_seconds(config, len(part.train_indices)) for config, part in parts]
    return run_text.duration_text(sum(seconds))


def _are_active(there: Named) -> bool:
    return any(run.snapshot.status.is_active for run in there.values())


def _missing(trials: Sequence[Trial], there: Named) -> list[Trial]:
    return [trial for trial in trials if trial.name not in there]


def _failed(trials: Sequence[Trial]) -> dict[str, Job]:
    runs = {trial.name: watched_run(_name_of(trial)) for trial in trials}
    return {name: run for name, run in runs.items() if run is not None and run.snapshot.status is Status.FAILED}


def _show_failures(trials: Sequence[Trial]) -> None:
    for name, run in _failed(trials).items():
        st.error(f"{_(name)}: {_(run.snapshot.message)}", icon=":material/error:")


def _follow(trials: Sequence[Trial], dataset: Dataset, draw: Draw) -> None:
    there = trial_runs(trials, dataset)
    replays.mark_seen(there.values())
    missing = _missing(trials, there)
    if not _are_active(there):
        is_awaited = _AWAITED.get() == trials
        if missing and is_awaited and not _failed(missing):
            start_trials(missing[:1], dataset)
        if not missing or not is_awaited or _failed(missing) or REFUSAL.get():
            _AWAITED.set(None)
            st.rerun()
        there = trial_runs(trials, dataset)
    done = sum(run.fraction for run in there.values()) / len(trials)
    is_ready = any(run.snapshot.points for run in there.values())
    st.progress(done, text=_("{done:.0%} of the training is done", done=done) if is_ready else _("Getting ready …"))
    draw(there)


def trend_charts(step: Step, there: Shown) -> None:
    """Accuracy and time of the ended runs of a step, over the setting that differs, and a table."""
    if not any(run.snapshot.evaluation for run in there.values()):
        return
    for column, is_time in zip(st.columns(2), (False, True), strict=True):
        with column:
            trend_chart(step, there, is_time)
    run_curves.results_table(there, has_seconds=True)


def trend_chart(
    step: Step, there: Shown, is_time: bool = False, height: int | None = None, font_size: int | None = None
) -> None:
    """The accuracy of the ended runs of a step over the setting that differs.

    Args:
        step: with a trend.
        there: its runs by name; at least one has ended.
        is_time: whether it is the time of an epoch instead.
        height: in pixels; None for the default.
        font_size: of its texts, in pixels, on a wall; None for the usual one.
    """
    import pandas as pd

    trend = step.trend
    assert trend is not None
    rows = []
    lines = trend.series or ("",) * len(step.trials)
    for place, line, trial in zip(trend.places, lines, step.trials, strict=True):
        shot = there[trial.name].snapshot if trial.name in there else None
        if shot is not None and shot.evaluation is not None:
            rows.append((place, shot.evaluation.accuracy, shot.seconds_an_epoch or 0.0, _(trial.name), _(line)))
    time = _("seconds an epoch")
    table = pd.DataFrame(rows, columns=[_(trend.across), "accuracy", time, "name", "series"])
    lowest = math.floor(10 * table["accuracy"].min()) / 10
    title, along, ends = _("Test accuracy"), "accuracy", (lowest, 1.0)
    if is_time:
        title, along, ends = _("Seconds an epoch"), time, (0.0, 1.1 * table[time].max())
    names = tuple(dict.fromkeys(map(_, trend.series)))
    legend = run_curves.run_legend([*map(run_curves.unbroken, names)]).values()
    run_curves.chart_heading(title, legend if font_size is not None else ())
    spec = lesson_charts.trend(
        _(trend.across),
        along,
        (trend.places[0], trend.places[-1]),
        ends,
        trend.is_log,
        names,
        height,
        font_size,
    )
    values = [format_number(value, ".2f" if is_time else ".1%") for value in table[along]]
    alt = f"{title}: {', '.join(f'{name} {value}' for name, value in zip(table['name'], values, strict=True))}."
    vega_chart.vega_chart(spec, table, key=f"trend-{along}", alt=alt)
