"""Runs on the wall of a class: they start by themselves and train in front of all."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.data.sources import noun_of
from mnist_core.errors import PlaygroundError
from mnist_core.language import format_number
from mnist_core.language import gettext as _
from mnist_core.runs import run_cache
from mnist_core.training.classical import KINDS
from pages.widgets.classroom import following
from pages.widgets.common import pictures, run_curves, run_picker, trials
from pages.widgets.state import data_sets, editor_state, visitor_runs
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_core.data import Dataset
    from mnist_core.evaluation import Evaluation
    from mnist_core.lessons.course import Step, Trial
    from pages.widgets.common.run_curves import Shown

FONT_SIZE = 28
"""Of texts in charts on a wall, in pixels."""
# How high the progress of a training is, in pixels.
_PROGRESS = 90
_PAGE_HEIGHT = 220
# Of a case of the lab: how high its charts are at the end, and at least, and how much a text above them takes of it.
_CASE_HEIGHT, _LEAST_HEIGHT, _TEXT_GAP, _LINE_HEIGHT, _LINE_LENGTH = 452, 100, 28, 45, 62
# It grows with the type, so these are 455 pixels on a projector of 1280x720.
_MATRIX_HEIGHT = 260
MOST_LINES = 4
"""The most runs whose names get a box each; more of them need less room in one text."""
_APART = " \u2002"


def height_of(step: Step) -> int:
    """How high the chart of a step's runs can be while they train, in pixels: their names need room too."""
    count = len(step.trials_of_class)
    if step.trend is not None:
        return 325
    if count > MOST_LINES:
        return 145
    return 180 if count == 1 else 190


def runs_view(found: Sequence[Trial], step: Step | None = None, height: int = 160, is_charged: bool = False) -> None:
    """Runs with their names, their accuracy as they train, and that of the models that are no networks.

    Args:
        found: the runs.
        step: the step of a course that they belong to; None for none.
        height: of the chart while they train, in pixels; at the end it is higher, in place of the progress.
        is_charged: see `trials.start_trials`.
    """
    dataset = _dataset()
    if dataset is None:
        return

    def draw(there: Shown) -> None:
        pixels = height + _PROGRESS if _is_over(there, found) else height
        if step is not None and step.trend is not None:
            if any(run.snapshot.evaluation for run in there.values()):
                trials.trend_chart(step, there, height=pixels, font_size=FONT_SIZE)
            return
        names = [_(trial.name) for trial in found]
        _names_line(names, there)
        if step is not None and step.classical:  # What counts are the ends, and the other models have no curves.
            return
        places, floor = [st.container()], 0.0 if step is None else step.floor
        run_curves.training_curves(there, None, floor, names=names, places=places, height=pixels, font_size=FONT_SIZE)

    in_turn = step is not None and step.trend is not None
    trials.running_view(found, dataset, draw, in_turn, is_charged)
    if step is not None and step.classical:
        st.fragment(_models, run_every=following.TEACHER_SECONDS, key="class-models")(step, dataset)


def case_view(found: Sequence[Trial], text: str) -> None:
    """The run of a case of the lab: its curves, and its confusion matrix, since in some cases only that tells.

    Args:
        found: the run.
        text: what stands above the curves, Markdown; they then leave room for it.
    """
    dataset = _dataset()
    if dataset is None:
        return
    room = _TEXT_GAP + _LINE_HEIGHT * math.ceil(len(text) / _LINE_LENGTH) if text else 0
    height = _CASE_HEIGHT - room

    def draw(there: Shown) -> None:
        left, right = st.columns([2, 1], gap="medium")
        with left.container(gap="xsmall"):
            st.markdown("\n\n".join([text, _APART.join(run_curves.images_legend())]))
            places = [one.container(gap="xsmall") for one in st.columns(2, gap="medium")]
            pixels = height if _is_over(there, found) else max(_LEAST_HEIGHT, height - _PROGRESS)
            run_curves.training_curves(there, places=places, height=pixels, font_size=FONT_SIZE)
        with right:
            for run in there.values():
                if run.snapshot.evaluation is not None:
                    _matrix(run.snapshot.evaluation, dataset)

    trials.running_view(found, dataset, draw)


def _matrix(result: Evaluation, dataset: Dataset) -> None:
    """What a run has read in the test images, at its end."""
    st.markdown(_("Test: **{share:.1%}** right", share=result.accuracy))
    confusion, names = result.confusion, dataset.class_names
    pictures.clickable_matrix(
        confusion,
        confusion.astype(str).tolist(),
        "case-matrix",
        noun_of(names),
        height=_MATRIX_HEIGHT,
        names=names,
        font_size=FONT_SIZE,
    )


def page_view(found: Sequence[Trial], step: Step | None = None) -> None:
    """The same runs on a student's page, which starts none: it shows them once the wall or the desk has.

    Args:
        found: the runs.
        step: the step of a course that they belong to; None for none.
    """
    dataset = _dataset()
    if dataset is None:
        return
    is_over = _is_over(trials.trial_runs(found, dataset), found)
    every = None if is_over else following.STUDENT_SECONDS
    st.fragment(_page_runs, run_every=every, key="class-page-runs")(found, step, dataset, is_over)


def _dataset() -> Dataset | None:
    """The images of a class: those that this server begins with."""
    name = editor_state.first_config().dataset
    # A wall has no room for the notice that other images stand in for MNIST; the other pages show it.
    return data_sets.peek_data_set(name) or data_sets.get(name)


def _is_over(there: Shown, found: Sequence[Trial]) -> bool:
    return len(there) == len(found) and not any(run.snapshot.status.is_active for run in there.values())


def _page_runs(found: Sequence[Trial], step: Step | None, dataset: Dataset, was_over: bool) -> None:
    there = trials.trial_runs(found, dataset)
    if step is not None and step.trend is not None:
        if any(run.snapshot.evaluation for run in there.values()):
            trials.trend_chart(step, there)
    else:
        floor = 0.0 if step is None else step.floor
        run_curves.training_curves(there, None, floor, height=_PAGE_HEIGHT)
        for run in there.values():
            if found[0].fault and run.snapshot.evaluation is not None:
                names = dataset.class_names
                pictures.counts_matrix(
                    run.snapshot.evaluation.confusion, "case-matrix", noun=noun_of(names), names=names
                )
    if not was_over and _is_over(there, found):
        st.rerun()


def _names_line(names: Sequence[str], there: Shown) -> None:
    """The names of runs in the colors of their curves, with their accuracies once they have ended."""
    shots = {_(name): run.snapshot for name, run in there.items()}
    ends = {name: _share(shot.evaluation.accuracy) for name, shot in shots.items() if shot.evaluation}
    # No dot stays on the line above its name, and no result on the line below.
    legend = [*run_curves.run_legend([*map(run_curves.unbroken, names)]).values()]
    if len(names) == 1:  # The colors of its curves are for the images.
        legend = [run_picker.escape_markdown(names[0])]
    lines = [f"{line}{run_curves.NO_BREAK}{ends.get(name, '')}" for line, name in zip(legend, names, strict=True)]
    if len(lines) > MOST_LINES:
        st.markdown(_APART.join(lines))
        return
    with st.container(horizontal=True, gap="xsmall"):
        for line in lines:
            st.markdown(line, width="content")


def _models(step: Step, dataset: Dataset) -> None:
    """The models that are no networks, in one line: they start by themselves too."""
    shared, split = run_cache.shared(), step.trials[0].config.split
    lines = []
    for kind in step.classical:
        run = shared.find_classical(kind, dataset, split) or trials.watched_run(kind)
        if run is None:
            try:
                run = uninterrupted(partial(shared.classical, kind, dataset, split, visitor_runs.watcher()))
            except PlaygroundError as error:
                lines.append(f"{_(KINDS[kind])}: {_(error.message)}")
                continue
            trials.watch_run(run, kind)
        result = run.snapshot.evaluation
        lines.append(f"{_(KINDS[kind])} " + (_share(result.accuracy) if result else "…"))
    st.markdown(" · ".join(lines))


def _share(accuracy: float) -> str:
    return f"**{format_number(accuracy, '.1%')}**"
