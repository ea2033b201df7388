"""Runs that the end of a server has interrupted: if that was just now, they go on by themselves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.errors import PlaygroundError, StoreError
from mnist_core.language import gettext as _
from mnist_core.runs import job, scheduler
from pages.widgets.state import data_sets, saved_runs, visitor_runs, workspace

if TYPE_CHECKING:
    from mnist_core.runs.network_run import Run
    from mnist_core.store.records import RunSummary


def elsewhere() -> list[RunSummary]:
    """The saved runs that are active, but not in this server's memory."""
    active = [one for one in saved_runs.summaries() if one.status.is_active]
    held = {run.id for run in workspace.run_saver().runs(workspace.token())} if active else set()
    return [one for one in active if one.id not in held]


def unfinished() -> tuple[RunSummary, ...]:
    """Those of them that no server trains, the newest first."""
    try:
        return workspace.run_saver().unfinished(workspace.token())
    except StoreError:
        return ()  # `saved_runs.summaries` has shown the error.


def go_on(summary: RunSummary) -> Run | None:
    """Take on a run after its last finished epoch, paused if it was; None while its images are being loaded.

    Raises:
        PlaygroundError: it cannot be continued.
    """
    dataset = data_sets.get(summary.dataset)
    if dataset is None:
        return None
    run = workspace.run_saver().resume(
        workspace.token(), summary.id, dataset, scheduler.shared(), visitor_runs.watcher()
    )
    visitor_runs.add_run(run)
    return run


def go_on_by_themselves() -> list[Run]:
    """Continue the runs that were interrupted no longer ago than a run goes on without its visitor; newest first.

    Those that cannot be continued now stay `unfinished`.
    """
    found = []
    for summary in unfinished():
        if time.time() - summary.updated >= job.unwatched_seconds():
            continue
        try:
            run = go_on(summary)
        except PlaygroundError:  # The page offers it with a button, and then shows why not.
            continue
        if run is not None:
            found.append(run)
            about = {"number": run.number, "epoch": summary.epochs}
            if run.is_pause_wanted:
                text = _("The server was interrupted. Run {number} is paused after epoch {epoch}.", **about)
                st.toast(text, icon=":material/pause:")
            else:
                text = _("The server was interrupted. Run {number} goes on after epoch {epoch}.", **about)
                st.toast(text, icon=":material/play_arrow:")
    return found


@st.fragment(run_every=3)
def await_release(found: int) -> None:
    """Say that runs may be active elsewhere, and draw the page again when more than `found` are `unfinished`."""
    st.caption(_("Another of your runs is active on another server, or was just interrupted. Checking again …"))
    if len(unfinished()) != found or len(elsewhere()) == found:
        st.rerun()
