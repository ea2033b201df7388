"""The visitor's saved runs: they are there after a reload, and on another device with the recovery code."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import presets
from mnist_core.data import datasets
from mnist_core.errors import DataError, PlaygroundError, StoreError
from mnist_core.language import Message, ngettext
from mnist_core.language import gettext as _
from mnist_core.runs.network_run import Run
from mnist_core.store import records
from pages.widgets.state import data_sets, visitor_runs, workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.store.records import RunSummary
    from mnist_core.store.runs import RunStore

_REMOVED = Key("removed-runs-noted", 0, of_workspace=True)


def store() -> RunStore:
    """The store with the visitor's runs.

    Raises:
        StoreError: the database's address is not valid.
    """
    return workspace.run_saver().store


def summaries() -> tuple[RunSummary, ...]:
    """The saved runs, active ones too, the newest first. If they cannot be read, shows a warning and returns none."""
    if not workspace.is_used():
        return ()
    try:
        return workspace.run_saver().list(workspace.token())
    except StoreError as error:
        st.warning(_("Your saved runs cannot be shown. {error}", error=error), icon=":material/warning:")
        return ()


def open_run(run_id: str) -> Run:
    """A run of the visitor: from memory, or loaded with the images that it was tested with.

    Raises:
        RunNotFoundError: the workspace has no such run.
        StoreError: it cannot be read, or was interrupted and not resumed yet.
        DataError: its images are not on this server.
    """
    for held in visitor_runs.runs():
        if held.id == run_id and isinstance(held, Run):
            return held
    for run in workspace.run_saver().runs(workspace.token()):
        if run.id == run_id:
            run.watch(visitor_runs.watcher())  # So it continues when the tab that started it is closed.
            visitor_runs.add_run(run)
            return run
    stored = store().load(workspace.token(), run_id)
    if stored.summary.status.is_active:
        raise StoreError("This run has not ended.", "Continue or end it on the Train page.")
    dataset = data_sets.peek_data_set(stored.summary.dataset)
    if dataset is None:
        raise DataError(
            "The images that this run was tested with are not here.",
            Message("Upload them again on the Data page.")
            if stored.summary.dataset not in data_sets.names()
            else Message("Wait until they are loaded."),
            datasets.NAMES.get(stored.summary.dataset, stored.summary.dataset),
        )
    run = Run.restored(stored, dataset)
    visitor_runs.add_run(run)
    return run


def saved_title(summary: RunSummary) -> str:
    """The title of a saved run, in the visitor's language if it is one of ours."""
    return _(summary.title or _title_of(summary.config_text))


@functools.lru_cache(maxsize=2_000)
def _title_of(config_text: str) -> str:
    try:
        return presets.title_of(records.read_config(config_text))
    except PlaygroundError:
        return Message("A network whose settings cannot be read")


def saved_versions(summary: RunSummary) -> dict[str, str]:
    """The library versions at the start of a run, by name; empty if they cannot be read."""
    try:
        return records.read_versions(summary.versions_text)
    except StoreError:
        return {}


def unsaved_warning(run: Run) -> None:
    """A warning if a run is not being saved."""
    trouble = trouble_of(run)()
    if trouble:
        st.warning(_("This run is not being saved. {trouble}", trouble=trouble), icon=":material/warning:")


def trouble_of(run: Run) -> Callable[[], str]:
    """A function that says why a run of this visitor cannot be saved; empty if it can. Any thread may call it."""
    token = workspace.token()

    def trouble() -> str:
        try:
            return workspace.run_saver().trouble(token, run_id)
        except StoreError as error:
            return error.message

    run_id = run.id  # The run itself would be kept alive.
    return trouble


def storage_notices() -> None:
    """Messages if the server has deleted runs of the visitor for lack of space, or cannot save one."""
    if workspace.is_used():
        removed = _REMOVED.get()
        with contextlib.suppress(StoreError):  # `summaries` shows the error.
            removed += workspace.run_saver().take_removed(workspace.token())
        _REMOVED.set(removed)
        if removed:
            text = ngettext(
                "{count} of your runs was deleted, because the server's storage was full. Pinned runs are never "
                ""
                "deleted.",
                "{count} of your runs were deleted, because the server's storage was full. Pinned runs are never "
                "deleted.",
                removed,
            )
            st.info(text, icon=":material/auto_delete:")
    troubled = next((run for run in visitor_runs.runs() if isinstance(run, Run) and trouble_of(run)()), None)
    if troubled is not None:
        unsaved_warning(troubled)
