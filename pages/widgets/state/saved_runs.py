"""What is kept of the visitor's: found again after a reload, and with a recovery code on another device."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import presets
from mnist_core.errors import DataError, PlaygroundError, StoreError
from mnist_core.runs.network_run import Run
from mnist_core.store import records
from pages.widgets.state import data_sets, visitor_runs, workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from mnist_core.store.records import RunSummary
    from mnist_core.store.runs import RunStore

_REMOVED = Key("removed-runs-noted", 0, of_workspace=True)


def store() -> RunStore:
    """Where the visitor's runs are kept.

    Raises:
        StoreError: the database's address is none.
    """
    return workspace.keeper().store


def summaries() -> tuple[RunSummary, ...]:
    """The kept runs, the newest first, those under way too; none, after saying why, if they cannot be read."""
    if not workspace.is_used():
        return ()
    try:
        return workspace.keeper().list(workspace.token())
    except StoreError as error:
        st.warning(f"The runs that were kept cannot be shown. {error}", icon=":material/warning:")
        return ()


def open_run(run_id: str) -> Run:
    """A run of the visitor's: the one in memory, or loaded, together with the images that it was tested with.

    Raises:
        RunNotFoundError: it is not, or no longer, in the workspace.
        StoreError: it cannot be read, or was broken off and waits to go on.
        DataError: its images are not here.
    """
    for held in visitor_runs.runs():
        if held.id == run_id and isinstance(held, Run):
            return held
    for run in workspace.keeper().runs(workspace.token()):
        if run.id == run_id:
            run.watch(visitor_runs.watcher())  # It goes on when the tab in which it was begun is closed.
            visitor_runs.add_run(run)
            return run
    kept = store().load(workspace.token(), run_id)
    if kept.summary.status.is_active:
        raise StoreError("This run has not ended.", "Go on with it, or end it, on the Train page.")
    dataset = data_sets.peek_data_set(kept.summary.dataset)
    if dataset is None:
        raise DataError(
            "The images that this run was tested with are not here.",
            "Bring them again on the Data page."
            if kept.summary.dataset not in data_sets.names()
            else "Wait until they are loaded.",
            data_sets.names().get(kept.summary.dataset, kept.summary.dataset),
        )
    run = Run.restored(kept, dataset)
    visitor_runs.add_run(run)
    return run


def saved_title(summary: RunSummary) -> str:
    """What a kept run is called."""
    return summary.title or _title_of(summary.config_text)


@functools.lru_cache(maxsize=2_000)
def _title_of(config_text: str) -> str:
    try:
        return presets.title_of(records.read_config(config_text))
    except PlaygroundError:
        return "A network whose settings cannot be read"


def saved_versions(summary: RunSummary) -> dict[str, str]:
    """Versions of what a run began to be computed with, by name; empty if they cannot be read."""
    try:
        return records.read_versions(summary.versions_text)
    except StoreError:
        return {}


def unsaved_warning(run: Run) -> None:
    """Say so if a run is not being kept."""
    trouble = _trouble(run)
    if trouble:
        st.warning(f"This run is not being kept. {trouble}", icon=":material/warning:")


def _trouble(run: Run) -> str:
    try:
        return workspace.keeper().trouble(workspace.token(), run.id)
    except StoreError as error:
        return str(error)


def storage_notices() -> None:
    """Say so if runs of the visitor's had to make room for others', or if one cannot be saved."""
    if workspace.is_used():
        removed = _REMOVED.get()
        with contextlib.suppress(StoreError):  # `summaries` tells of it.
            removed += workspace.keeper().take_removed(workspace.token())
        _REMOVED.set(removed)
        if removed:
            what = "1 of your runs was" if removed == 1 else f"{removed} of your runs were"
            st.info(
                f"{what} deleted, because the server's storage was full. Pinned runs are never deleted.",
                icon=":material/auto_delete:",
            )
    troubled = next((run for run in visitor_runs.runs() if isinstance(run, Run) and _trouble(run)), None)
    if troubled is not None:
        unsaved_warning(troubled)
