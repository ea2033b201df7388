"""The visitor's own network in a course: the same settings as everybody's, with a seed of their own."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.config import SEED
from mnist_core.errors import PlaygroundError, StoreError
from mnist_core.language import Message
from mnist_core.language import gettext as _
from mnist_core.runs.network_run import Run
from mnist_core.training import Status
from pages.widgets.common import live, run_curves, trials
from pages.widgets.state import saved_runs, visitor_runs, workspace
from pages.widgets.state.keys import Key
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset

NAME = Message("Your network")
"""What the courses call it."""
_TITLE = Message("Let it learn")
_SEEDS = int(SEED.high)
_SAVED: Key[Run | None] = Key("own-network-saved-noted", None, of_workspace=True)


def own_config(config: RunConfig, dataset: Dataset) -> RunConfig:
    """The settings of a course with the visitor's data set, and a seed that follows from their workspace."""
    digest = hashlib.sha256(workspace.token().encode()).digest()
    return dataclasses.replace(config, dataset=dataset.name, seed=1 + int.from_bytes(digest[:4]) % _SEEDS)


def own_network_view(config: RunConfig, dataset: Dataset, has_result: bool = True) -> dict[str, Run]:
    """A start button, then the curves of the visitor's own run; returns the run by its name once it has ended.

    Args:
        config: the settings of the course.
        dataset: the training data.
        has_result: whether to show the curves after the end too.
    """
    wanted = own_config(config, dataset)
    run = _find(wanted, dataset)
    if run is None:
        _offer_start(wanted, dataset)
        return {}
    if run.snapshot.status.is_active:
        st.fragment(_follow, run_every=live.poll_seconds())(run)
        return {}
    if has_result:
        run_curves.training_curves({NAME: run})
        run_curves.results_table({NAME: run})
        st.caption(
            _(
                "This network is yours now: you find it on the pages Evaluate, Draw and Compare. Its seed is {seed}. "
                "It decides the random weights at the start and the order of the images.",
                seed=wanted.seed,
            )
        )
    return {NAME: run}


def _find(config: RunConfig, dataset: Dataset) -> Run | None:
    """The visitor's run with these settings, in memory or saved; None if there is none."""
    for run in reversed([*_of_other_tabs(), *visitor_runs.runs()]):
        if isinstance(run, Run) and run.config == config and run.dataset.fingerprint == dataset.fingerprint:
            shot = run.snapshot
            is_whole = shot.status is Status.FINISHED and shot.evaluation is not None
            if (shot.status.is_active or is_whole) and run.begins_random and not shot.rates:
                return run
    found = _SAVED.get()
    if found is not None and found.config == config and found.dataset.fingerprint == dataset.fingerprint:
        return found
    return _saved(config, dataset)


def _of_other_tabs() -> list[Run]:
    with contextlib.suppress(StoreError):  # A page that lists the saved runs shows the error.
        return workspace.run_saver().runs(workspace.token()) if workspace.is_used() else []
    return []


def _saved(config: RunConfig, dataset: Dataset) -> Run | None:
    text = config.to_json()
    for summary in saved_runs.summaries():
        is_same = summary.config_text == text and summary.fingerprint == dataset.fingerprint
        if is_same and summary.status is Status.FINISHED:
            try:
                run = saved_runs.open_run(summary.id)
            except PlaygroundError:
                return None  # The other pages list it and show the error.
            if run.snapshot.network is None or run.snapshot.evaluation is None:
                return None
            _SAVED.set(run)
            return run
    return None


def _offer_start(config: RunConfig, dataset: Dataset) -> None:
    trials.refusal_message()
    failed = [run for run in visitor_runs.runs() if isinstance(run, Run) and run.config == config]
    if failed and failed[-1].snapshot.status is Status.FAILED:
        st.error(_(failed[-1].snapshot.message), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        is_wanted = st.button(_("Start"), icon=":material/play_arrow:", type="primary")
        st.caption(
            _(
                "Trains a network for you alone. Takes about {estimated_duration}.",
                estimated_duration=trials.estimated_duration([config], dataset),
            )
        )
    if not is_wanted:
        return
    trials.REFUSAL.set(None)
    try:
        uninterrupted(lambda: _start(config, dataset))
    except PlaygroundError as error:
        trials.remember_refusal(error)
    st.rerun()


def _start(config: RunConfig, dataset: Dataset) -> None:
    current = visitor_runs.current_run()
    # A run that the visitor trains on the Train page stays there.
    is_busy = current is not None and visitor_runs.is_network_active(current)
    run = visitor_runs.start_run(config, dataset, title=_TITLE, is_shown=not is_busy)
    visitor_runs.prefer_run(run.id)


def _follow(run: Run) -> None:
    if not run.snapshot.status.is_active:
        st.rerun()
    is_paused = run.snapshot.status is Status.PAUSED
    text = (
        _("Paused on the Train page") if is_paused else _("Training …") if run.snapshot.points else _("Getting ready …")
    )
    st.progress(run.fraction, text=text)
    run_curves.training_curves({NAME: run})
