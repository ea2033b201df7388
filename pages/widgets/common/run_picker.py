"""Choosing one of the visitor's runs that have learned something."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import presets
from mnist_core.errors import PlaygroundError
from mnist_core.runs.network_run import Run
from pages.widgets.state import controls, saved_runs, visitor_runs
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from mnist_core.runs.job import Job

# So many kept runs can be chosen from a list, the newest; the Compare page has them all.
_MOST_LISTED = 100

_PREFERRED_BEFORE = Key("preferred-before-noted", "")


def run_title(run: Job) -> str:
    """What the network or the classical model of a run is called."""
    return run.title or (presets.title_of(run.config) if isinstance(run, Run) else "")


def escape_markdown(title: str) -> str:
    """A title, which people may have written, so that Markdown shows it as it stands."""
    return re.sub(r"([\\`*_\[\]<>#|~$:])", r"\\\1", title)


def run_name(run: Job) -> str:
    """What a run is called: its network or model, its accuracy, and its number if it is the visitor's own."""
    evaluation = run.snapshot.evaluation
    return _name(run_title(run), evaluation.accuracy if evaluation else None, run.number)


def _name(title: str, accuracy: float | None, number: int) -> str:
    share = "" if accuracy is None else f" · {accuracy:.1%}"
    return f"{title}{share}{f' (run {number})' if number else ''}"


def readable_runs(networks_only: bool = False) -> dict[str, str]:
    """The names, by id, of the runs that have answered the test images, or of the networks among them.

    First those that are not kept, such as classical models', then the kept ones; the newest come first.
    """
    in_memory = {
        run.id: run for run in (visitor_runs.trained_networks() if networks_only else visitor_runs.evaluated_runs())
    }
    kept = saved_runs.summaries()
    preferred = visitor_runs.preferred_run_id()
    kept_ids = {one.id for one in kept}
    names = {run_id: run_name(run) for run_id, run in in_memory.items() if run_id not in kept_ids}
    for place, one in enumerate(kept):
        run = in_memory.get(one.id)
        # What is kept has the newest title, since another tab may have changed it, but lags a moment behind the end.
        accuracy = run.snapshot.evaluation.accuracy if run and run.snapshot.evaluation else one.test_accuracy
        if run or (accuracy is not None and (place < _MOST_LISTED or one.id == preferred)):
            names[one.id] = _name(saved_runs.saved_title(one), accuracy, one.number)
    return names


def run_menu() -> Job | None:
    """The run that the visitor chose on this or another page, at first the newest.

    Without any, it says so, offers the way to the Train page and returns None.
    """
    names = readable_runs()
    if not names:
        if visitor_runs.is_training():
            st.info("Your network is still learning. It can be looked into when it has ended.", icon=":material/info:")
            st.page_link("pages/train.py", label="Watch it learn", icon=":material/play_circle:")
        else:
            st.info("You have not trained a network yet. It takes a few seconds.", icon=":material/info:")
            st.page_link("pages/train.py", label="Train one", icon=":material/play_circle:")
        return None
    ids = list(names)
    preferred = visitor_runs.preferred_run_id()
    before = preferred if preferred in names else ids[0]
    # What is preferred may not be readable yet: it stays preferred until the visitor chooses. Something new, such as a
    # network from a file, is shown; what was preferred all along and has just ended pushes nothing aside.
    if preferred in names and preferred != _PREFERRED_BEFORE.get_or_set(preferred):
        controls.choose("run-choice", preferred)
    _PREFERRED_BEFORE.set(preferred)
    chosen = st.selectbox(
        "Network",
        ids,
        **controls.seeded_choice("run-choice", before, ids),
        format_func=names.__getitem__,
        on_change=lambda: visitor_runs.prefer_run(controls.chosen("run-choice")),
        help="Each of your runs that has learned something, the newest first.",
    )
    return opened_run(chosen)


def opened_run(run_id: str) -> Job | None:
    """The run with that id; None, after saying why, when it cannot be had."""
    held = next((run for run in visitor_runs.runs() if run.id == run_id), None)
    try:
        return held or saved_runs.open_run(run_id)
    except PlaygroundError as error:
        st.error(str(error), icon=":material/error:")
        return None
