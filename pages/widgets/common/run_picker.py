"""A menu of the visitor's runs that can be evaluated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import presets
from mnist_core.errors import PlaygroundError
from mnist_core.language import format_number
from mnist_core.language import gettext as _
from mnist_core.runs.network_run import Run
from pages.widgets.state import controls, saved_runs, visitor_runs
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from mnist_core.runs.job import Job

# The menu lists this many saved runs, the newest; the Compare page has all of them.
_MOST_LISTED = 100

_PREFERRED_BEFORE = Key("preferred-before-noted", "")


def saved_title(run: Job) -> str:
    """The name of a run's network or classical model as it is saved: a name of ours is English."""
    return run.title or (presets.title_of(run.config) if isinstance(run, Run) else "")


def run_title(run: Job) -> str:
    """The name of a run's network or classical model, in the visitor's language if it is one of ours."""
    return _(saved_title(run))


def title_with(title: str, ending: str) -> str:
    """A title with an ending, cut so that both fit."""
    from mnist_core.store.records import TITLE_LENGTH  # Not before: it needs the database library.

    return title[: TITLE_LENGTH - len(ending)] + ending


def escape_markdown(title: str) -> str:
    """A title, perhaps typed by a visitor, escaped so that Markdown shows it as plain text."""
    return re.sub(r"([\\`*_\[\]<>#|~$:])", r"\\\1", title)


def run_name(run: Job) -> str:
    """A run's title and accuracy, with its number if the run is the visitor's own."""
    evaluation = run.snapshot.evaluation
    return _name(run_title(run), evaluation.accuracy if evaluation else None, run.number)


def _name(title: str, accuracy: float | None, number: int) -> str:
    share = "" if accuracy is None else f" · {format_number(accuracy, '.1%')}"
    return f"{title}{share}{_(' (run {number})', number=number) if number else ''}"


def readable_runs(networks_only: bool = False) -> dict[str, str]:
    """The names, by id, of the evaluated runs, or only of the networks among them.

    First the runs that are not saved, such as those of classical models, then the saved ones. The newest come first.
    """
    in_memory = {
        run.id: run for run in (visitor_runs.trained_networks() if networks_only else visitor_runs.evaluated_runs())
    }
    saved = saved_runs.summaries()
    preferred = visitor_runs.preferred_run_id()
    saved_ids = {one.id for one in saved}
    names = {run_id: run_name(run) for run_id, run in in_memory.items() if run_id not in saved_ids}
    for place, one in enumerate(saved):
        run = in_memory.get(one.id)
        # The saved title is the newest: another tab may have changed it. The saved result may lag a moment behind.
        accuracy = run.snapshot.evaluation.accuracy if run and run.snapshot.evaluation else one.test_accuracy
        if run or (accuracy is not None and (place < _MOST_LISTED or one.id == preferred)):
            names[one.id] = _name(saved_runs.saved_title(one), accuracy, one.number)
    return names


def has_no_run() -> bool:
    """Whether the visitor has trained nothing yet, and trains nothing now."""
    return not visitor_runs.is_training() and not readable_runs()


def run_menu() -> Job | None:
    """A menu of runs; returns the chosen one. At first it is the one chosen on another page, or else the newest.

    Without any run, shows a link to the Train page and returns None.
    """
    names = readable_runs()
    if not names:
        if visitor_runs.is_training():
            st.info(
                _("Your network is still learning. You can look at it here when the run has ended."),
                icon=":material/info:",
            )
            st.page_link("pages/train.py", label=_("Watch it learn"), icon=":material/play_circle:")
        else:
            st.info(_("You have not trained a network yet. It takes a few seconds."), icon=":material/info:")
            st.page_link("pages/train.py", label=_("Train one"), icon=":material/play_circle:")
        return None
    ids = list(names)
    preferred = visitor_runs.preferred_run_id()
    before = preferred if preferred in names else ids[0]
    # The preferred run may not be evaluated yet; it stays preferred until the visitor chooses another one. If the
    # preference has changed, for example to a network from a file, show that run. If the preferred run has just ended,
    # do not replace what the visitor is looking at.
    if preferred in names and preferred != _PREFERRED_BEFORE.get_or_set(preferred):
        controls.set_value("run-choice", preferred)
    _PREFERRED_BEFORE.set(preferred)
    chosen = st.selectbox(
        _("Network"),
        ids,
        **controls.seeded_choice("run-choice", before, ids),
        format_func=names.__getitem__,
        on_change=lambda: visitor_runs.prefer_run(controls.value_of("run-choice")),
        help=_("Your tested runs, newest first."),
    )
    return opened_run(chosen)


def opened_run(run_id: str) -> Job | None:
    """The run with this id; if it cannot be opened, shows an error and returns None."""
    held = next((run for run in visitor_runs.runs() if run.id == run_id), None)
    try:
        return held or saved_runs.open_run(run_id)
    except PlaygroundError as error:
        st.error(_(error.message), icon=":material/error:")
        return None
