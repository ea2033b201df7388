"""Choosing one of the visitor's runs that have learned something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import presets
from mnist_core.live_run import Run
from pages.widgets import session

if TYPE_CHECKING:
    from mnist_core.job import Job


def title(run: Job) -> str:
    """What the network or the classical model of a run is called."""
    return run.title or (presets.title_of(run.config) if isinstance(run, Run) else "")


def name(run: Job) -> str:
    """What a run is called: its network or model, its accuracy, and its number if it is the visitor's own."""
    evaluation = run.snapshot.evaluation
    accuracy = f" · {evaluation.accuracy:.1%}" if evaluation else ""
    number = f" (run {run.number})" if run.number else ""
    return f"{title(run)}{accuracy}{number}"


def choose() -> Job | None:
    """The run that the visitor chose on this or another page, at first the newest.

    Without any, it says so, offers the way to the Train page and returns None.
    """
    readable = {run.id: run for run in session.readable_runs()}
    if not readable:
        if session.is_training():
            st.info("Your network is still learning. It can be looked into when it has ended.", icon=":material/info:")
            st.page_link("pages/train.py", label="Watch it learn", icon=":material/play_circle:")
        else:
            st.info("You have not trained a network yet. It takes a few seconds.", icon=":material/info:")
            st.page_link("pages/train.py", label="Train one", icon=":material/play_circle:")
        return None
    ids = list(readable)
    before = session.preferred_run() if session.preferred_run() in readable else ids[0]
    # What is preferred may not be readable yet: it stays preferred until the visitor chooses.
    chosen = st.selectbox(
        "Network",
        ids,
        **session.seeded_choice("run-choice", before, ids),
        format_func=lambda i: name(readable[i]),
        on_change=lambda: session.prefer_run(session.chosen("run-choice")),
        help="Each of your runs that has learned something, the newest first.",
    )
    return readable[chosen]
