"""Models that are no networks, in a step: shared by all visitors, like the networks of the courses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.errors import PlaygroundError
from mnist_core.language import gettext as _
from mnist_core.runs import run_cache
from mnist_core.training.classical import KINDS
from pages.widgets.common import live, run_curves, run_text, trials
from pages.widgets.state import visitor_runs
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from mnist_core.data import Dataset
    from mnist_core.lessons.course import Step
    from mnist_core.runs.classical_run import ClassicalRun


def models_view(step: Step, dataset: Dataset) -> bool:
    """The classical models of a step, each with its progress and its accuracy; returns whether all have ended."""
    runs = {kind: _run(kind, dataset, step) for kind in step.classical}
    for kind, run in runs.items():
        if run is not None:
            trials.watch_run(run, kind)
    if any(run is not None and run.snapshot.status.is_active for run in runs.values()):
        st.fragment(_follow, run_every=live.poll_seconds())(step, dataset)
        return False
    _model_rows(step, dataset)
    missing = [kind for kind, run in runs.items() if run is None or run.snapshot.evaluation is None]
    if missing and st.button(_("Start all"), icon=":material/play_arrow:", type="primary", key="start-models"):
        uninterrupted(lambda: _start(missing, dataset, _split(step)))
        st.rerun()
    return not missing


def _run(kind: str, dataset: Dataset, step: Step) -> ClassicalRun | None:
    """The server's run of a model, or else the last one that the visitor watched, for example a stopped one."""
    run = run_cache.shared().find_classical(kind, dataset, _split(step))
    return run or trials.watched_run(kind)  # type: ignore[return-value]


def _split(step: Step) -> str:
    return step.trials[0].config.split


def _follow(step: Step, dataset: Dataset) -> None:
    runs = _model_rows(step, dataset)
    if not any(run.snapshot.status.is_active for run in runs):
        st.rerun()


def _model_rows(step: Step, dataset: Dataset) -> list[ClassicalRun]:
    found = []
    for kind in step.classical:
        run = _run(kind, dataset, step)
        with st.container(horizontal=True, vertical_alignment="center", key=f"model-{kind}"):
            st.markdown(f"**{_(KINDS[kind])}**", width=190)
            if run is not None:
                found.append(run)
                _model_state(kind, run)
    return found


def _start(kinds: list[str], dataset: Dataset, split: str) -> None:
    trials.REFUSAL.set(None)
    try:
        for kind in kinds:
            trials.watch_run(run_cache.shared().classical(kind, dataset, split, visitor_runs.watcher()), kind)
    except PlaygroundError as error:
        trials.remember_refusal(error)


def _model_state(kind: str, run: ClassicalRun) -> None:
    shot = run.snapshot
    if run.is_stopping:
        st.progress(shot.fraction, text=_("Stopping …"), width=320)
    elif shot.status.is_active:
        last = shot.points[-1] if shot.points else None
        reached = (
            _(
                "{done:,} of {whole:,} {counted}, {accuracy:.1%} right so far",
                done=last.done,
                whole=shot.whole,
                counted=shot.counted,
                accuracy=last.accuracy,
            )
            if last
            else ""
        )
        st.progress(shot.fraction, text=reached or _("Getting ready …"), width=320)
        trials.stop_button([run], key=f"stop-{kind}")
    elif shot.evaluation is not None:
        st.markdown(
            _(
                "**{accuracy:.2%}** right, {duration}",
                accuracy=shot.evaluation.accuracy,
                duration=run_text.duration_text(shot.work_seconds),
            ),
            width=190,
        )
        run_curves.mistakes_button(run)
    if shot.message:
        st.caption(_(shot.message))
