"""Runs with one thing wrong, or nothing: the learner sees the curves and the matrix, and names the fault."""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import faults, shared_runs
from mnist_core.errors import PlaygroundError
from mnist_core.faults import FAULTS
from pages.widgets import comparison, live, pictures, session, trials

if TYPE_CHECKING:
    from mnist_core.datasets import Dataset
    from mnist_core.live_run import Run

_NAME = "this run"


def show(dataset: Dataset) -> None:
    """A case, its hints, and the question what is wrong."""
    solved: frozenset[str] = session.kept("faults-solved", frozenset())
    st.markdown(
        "Every case is a run with **one thing wrong**, or with nothing wrong at all. You see what one sees of any run, "
        "its curves and its confusion matrix on the test images. What is it?"
    )
    st.progress(len(solved) / len(FAULTS), text=f"{len(solved)} of {len(FAULTS)} cases solved")
    run: Run | None = session.kept("fault-run", None)
    key: str | None = session.kept("fault", None)
    if run is None or key is None or run.snapshot.message:
        if run is not None and run.snapshot.message:
            st.error(run.snapshot.message, icon=":material/error:")
        trials.show_refusal()
        if st.button("Give me a case", icon=":material/play_arrow:", type="primary"):
            _begin(dataset, solved)
        return
    if run.snapshot.status.is_active:
        st.fragment(_follow, run_every=live.poll_seconds())(run)
        return
    comparison.curves({_NAME: run})
    result = run.snapshot.evaluation
    if result is not None:
        pictures.confusion(result.confusion, "fault-matrix")
    _ask(key, dataset, solved)


def _follow(run: Run) -> None:
    if not run.snapshot.status.is_active:
        st.rerun()
    st.progress(run.fraction, text="It learns …" if run.snapshot.points else "Getting ready …")
    comparison.curves({_NAME: run})


def _begin(dataset: Dataset, solved: frozenset[str]) -> None:
    last = session.kept("fault", None)
    left = [key for key in FAULTS if key not in solved and key != last] or [key for key in FAULTS if key != last]
    key = random.choice(left)  # Which case comes is no secret worth keeping.
    spoiled = faults.spoiled(key, dataset)
    config = dataclasses.replace(FAULTS[key].config, dataset=dataset.name)
    session.keep("refusal", None)
    try:
        run = shared_runs.shared().network(config, spoiled, session.watcher(), faults.start(key))
    except PlaygroundError as error:
        trials.refuse(error)
        st.rerun()
    for name, value in (("fault", key), ("fault-run", run), ("fault-hints", 0), ("fault-told", False)):
        session.keep(name, value)
    session.forget("fault-choice")
    st.rerun()


def _ask(key: str, dataset: Dataset, solved: frozenset[str]) -> None:
    fault = FAULTS[key]
    hints: int = session.kept("fault-hints", 0)
    for hint in fault.hints[:hints]:
        st.info(hint, icon=":material/lightbulb:")
    is_told = session.kept("fault-told", False)
    options = sorted(FAULTS, key=lambda option: FAULTS[option].name)
    answer = st.radio(
        "What is wrong?", options, index=None, key="fault-choice", format_func=lambda option: FAULTS[option].name
    )
    if answer == key and not is_told:
        session.keep("faults-solved", solved | {key})
        session.keep("fault-told", True)
        st.rerun()
    if is_told:
        st.success(f"**{fault.name}.** {fault.explanation}", icon=":material/check_circle:")
        if st.button("Next case", icon=":material/arrow_forward:", type="primary"):
            _begin(dataset, solved)
        return
    if answer is not None:
        st.warning(f"**{FAULTS[answer].name}**: that would look different. Look again, or take a hint.")
    with st.container(horizontal=True):
        st.button(
            "A hint",
            icon=":material/lightbulb:",
            on_click=lambda: session.keep("fault-hints", hints + 1),
            disabled=hints >= len(fault.hints),
        )
        st.button("Tell me", on_click=lambda: session.keep("fault-told", True), type="tertiary")
