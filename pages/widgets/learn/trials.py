"""Runs that belong to the whole server: trained once, the same for every visitor, played back for later ones."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.data import splits
from mnist_core.errors import PlaygroundError
from mnist_core.runs import run_cache, scheduler
from mnist_core.training import Status, capacity
from pages.widgets.common import live
from pages.widgets.learn import replays
from pages.widgets.state import visitor_runs
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from mnist_core.data import Dataset
    from mnist_core.lessons.course import Trial
    from mnist_core.runs.job import Job
    from pages.widgets.common.run_curves import Named, Shown

    Draw = Callable[[Shown], None]

REFUSAL: Key[str | None] = Key("refusal-noted", None)
_LEFT: Key[frozenset[str]] = Key("left-runs-noted", frozenset())
_WATCHED: Key[Mapping[object, Job]] = Key("watched-runs-noted", MappingProxyType({}))
_AWAITED: Key[Sequence[Trial] | None] = Key("awaited-trials-noted", None)


def with_dataset(trial: Trial, dataset: Dataset) -> Trial:
    """A trial on the data set that is there."""
    return dataclasses.replace(trial, config=dataclasses.replace(trial.config, dataset=dataset.name))


def trial_runs(trials: Sequence[Trial], dataset: Dataset) -> Named:
    """Those of the trials that the server has run or is running, by name."""
    runs = run_cache.shared()
    there = {trial.name: runs.find_network(with_dataset(trial, dataset).config, dataset) for trial in trials}
    return {name: run for name, run in there.items() if run is not None}


def start_trials(trials: Sequence[Trial], dataset: Dataset) -> None:
    """Let the server run those of the trials that it has not run yet; `refusal_message` says where it cannot."""
    REFUSAL.set(None)
    try:
        for trial in trials:
            watch_run(
                run_cache.shared().network(with_dataset(trial, dataset).config, dataset, visitor_runs.watcher()),
                trial.config,
            )
    except PlaygroundError as error:
        remember_refusal(error)


def remember_refusal(error: PlaygroundError) -> None:
    """Note why the server does not take a run, until another one is begun."""
    REFUSAL.set(str(error))


def refusal_message() -> None:
    """Say why the server did not take the last run that was asked for, if it did not."""
    refusal = REFUSAL.get()
    if refusal:
        st.error(refusal, icon=":material/error:")


def watch_run(run: Job, what: Hashable) -> None:
    """Let a run that goes on know that the visitor looks at it, unless they have left it."""
    if run.snapshot.status.is_active and run.id not in _LEFT.get():
        run.watch(visitor_runs.watcher())
        replays.mark_seen([run])
        _WATCHED.set({**_WATCHED.get(), what: run})


def watched_run(what: Hashable) -> Job | None:
    """The run of `what` that the visitor watched last, whatever has become of it."""
    return _WATCHED.get().get(what)


def stop_button(runs: Iterable[Job], key: str = "stop") -> None:
    """A button to stop runs, unless the visitor has pressed it and others go on watching."""
    active = [run for run in runs if run.snapshot.status.is_active]
    left = _LEFT.get()
    if active and all(run.id in left for run in active):
        st.caption("Others watch it too, so it goes on.")
    elif st.button("Stop", key=key, icon=":material/stop:"):
        _AWAITED.set(None)
        _LEFT.set(left | {run.id for run in active})
        for run in active:
            scheduler.shared().leave(run, visitor_runs.watcher())
        st.rerun()


def trials_view(
    trials: Sequence[Trial], dataset: Dataset, draw: Draw, in_turn: bool = False, is_seen: bool = False
) -> Named:
    """Start the trials when told to, show them while they learn, and give them back once all have ended.

    Ended runs that the visitor has not seen learn are played back first.

    Args:
        trials: what to run, each with a name of its own.
        dataset: what to learn from.
        draw: shows those that have begun.
        in_turn: whether one waits for the other, so that their times can be compared.
        is_seen: whether the visitor has seen them before, such as in a session that a reload has ended.
    """
    there = trial_runs(trials, dataset)
    if is_seen:
        replays.mark_seen(there.values())
    for trial in trials:
        if trial.name in there:
            watch_run(there[trial.name], trial.config)
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


def _offer_start(trials: Sequence[Trial], there: Named, dataset: Dataset, in_turn: bool) -> None:
    missing = _missing(trials, there)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Start", icon=":material/play_arrow:", type="primary"):
            if in_turn:
                _AWAITED.set(trials)
                start_trials(missing[:1], dataset)
            else:
                start_trials(trials, dataset)
            st.rerun()
        st.caption(f"Takes about {live.duration_text(sum(_seconds(trial, dataset) for trial in missing))}.")


def _seconds(trial: Trial, dataset: Dataset) -> float:
    """About how long a trial takes alone."""
    config = with_dataset(trial, dataset).config
    parts = splits.split_for(dataset, config)
    return capacity.estimated_seconds(config, len(parts.train_indices))


def _are_active(there: Named) -> bool:
    return any(run.snapshot.status.is_active for run in there.values())


def _missing(trials: Sequence[Trial], there: Named) -> list[Trial]:
    return [trial for trial in trials if trial.name not in there]


def _failed(trials: Sequence[Trial]) -> dict[str, Job]:
    runs = {trial.name: watched_run(trial.config) for trial in trials}
    return {name: run for name, run in runs.items() if run is not None and run.snapshot.status is Status.FAILED}


def _show_failures(trials: Sequence[Trial]) -> None:
    for name, run in _failed(trials).items():
        st.error(f"{name}: {run.snapshot.message}", icon=":material/error:")


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
    st.progress(done, text=f"{done:.0%} of the training is done" if is_ready else "Getting ready …")
    draw(there)
