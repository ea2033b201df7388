"""Choosing one of the visitor's trained networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import presets
from pages.widgets import session

if TYPE_CHECKING:
    from mnist_core.live_run import Run


def title(run: Run) -> str:
    """What the network of a run is called."""
    return run.title or presets.title_of(run.config)


def name(run: Run) -> str:
    """What a run is called: its number, network and accuracy."""
    evaluation = run.snapshot.evaluation
    accuracy = f" · {evaluation.accuracy:.1%}" if evaluation else ""
    return f"{title(run)}{accuracy} (run {run.number})"


def choose() -> Run | None:
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
        key=session.seed("run-choice", before, ids),
        format_func=lambda i: name(readable[i]),
        on_change=lambda: session.prefer_run(session.chosen("run-choice")),
        help="Each of your runs that has learned something, the newest first.",
    )
    return readable[chosen]
