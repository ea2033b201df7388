"""What is kept of the visitor's: found again after a reload, and with a recovery code on another device."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import presets
from mnist_core.errors import DataError, PlaygroundError, StoreError
from mnist_core.runs.network_run import Run
from mnist_core.store import records, workspaces
from pages.widgets.state import browser, data_sets, session

if TYPE_CHECKING:
    from mnist_core.store.records import RunSummary
    from mnist_core.store.runs import RunStore


def store() -> RunStore:
    """Where the visitor's runs are kept.

    Raises:
        StoreError: the database's address is none.
    """
    return session.keeper().store


def summaries() -> tuple[RunSummary, ...]:
    """The kept runs, the newest first, those under way too; none, after saying why, if they cannot be read."""
    if not session.is_workspace_used():
        return ()
    try:
        return session.keeper().list(session.workspace())
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
    for held in session.runs():
        if held.id == run_id and isinstance(held, Run):
            return held
    for run in session.keeper().runs(session.workspace()):
        if run.id == run_id:
            run.watch(session.watcher())  # It goes on when the tab in which it was begun is closed.
            session.hold(run)
            return run
    kept = store().load(session.workspace(), run_id)
    if kept.summary.status.is_active:
        raise StoreError("This run has not ended.", "Go on with it, or end it, on the Train page.")
    dataset = data_sets.peek(kept.summary.dataset)
    if dataset is None:
        raise DataError(
            "The images that this run was tested with are not here.",
            "Bring them again on the Data page."
            if kept.summary.dataset not in data_sets.names()
            else "Wait until they are loaded.",
            data_sets.names().get(kept.summary.dataset, kept.summary.dataset),
        )
    run = Run.restored(kept, dataset)
    session.hold(run)
    return run


def title(summary: RunSummary) -> str:
    """What a kept run is called."""
    return summary.title or _title_of(summary.config_text)


@functools.lru_cache(maxsize=2_000)
def _title_of(config_text: str) -> str:
    try:
        return presets.title_of(records.read_config(config_text))
    except PlaygroundError:
        return "A network whose settings cannot be read"


def versions(summary: RunSummary) -> dict[str, str]:
    """Versions of what a run began to be computed with, by name; empty if they cannot be read."""
    try:
        return records.read_versions(summary.versions_text)
    except StoreError:
        return {}


def show_trouble(run: Run) -> None:
    """Say so if a run is not being kept."""
    trouble = _trouble(run)
    if trouble:
        st.warning(f"This run is not being kept. {trouble}", icon=":material/warning:")


def _trouble(run: Run) -> str:
    try:
        return session.keeper().trouble(session.workspace(), run.id)
    except StoreError as error:
        return str(error)


def show_room() -> None:
    """Say so if runs of the visitor's had to make room for others', or if one cannot be saved."""
    if session.is_workspace_used():
        removed = session.kept("removed-runs", 0)
        with contextlib.suppress(StoreError):  # `summaries` tells of it.
            removed += session.keeper().take_removed(session.workspace())
        session.keep("removed-runs", removed)
        if removed:
            what = "1 of your runs was" if removed == 1 else f"{removed} of your runs were"
            st.info(
                f"{what} deleted, because the server's storage was full. Pinned runs are never deleted.",
                icon=":material/auto_delete:",
            )
    troubled = next((run for run in session.runs() if isinstance(run, Run) and _trouble(run)), None)
    if troubled is not None:
        show_trouble(troubled)


def offer_recovery() -> None:
    """The recovery code, a place to enter one, and the way out of a shared device, folded away."""
    folded = st.expander("Your runs on another device", icon=":material/devices:", on_change="rerun", key="recovery")
    if not folded.open:
        return
    with folded:
        st.markdown(
            "This browser finds your runs again. With your recovery code you find them on another device, "
            "or after the browser's cookies were deleted. Whoever has the code has your runs, so keep it to yourself."
        )
        if browser.is_forgetful():
            st.warning(
                "This browser does not remember you here: after a reload you need the code.", icon=":material/warning:"
            )
        is_used = session.is_workspace_used()
        if is_used:
            _offer_code("recovery-code-shown")
        with st.form("recovery-form", border=False):
            code = st.text_input("A recovery code", key="recovery-code", placeholder="Of another device")
            if st.form_submit_button("Bring its runs here", icon=":material/login:"):
                try:
                    found = workspaces.from_recovery_code(code)
                except PlaygroundError as error:
                    st.error(str(error), icon=":material/error:")
                else:
                    if found != session.workspace():
                        session.enter(found)
                    st.rerun()
        if is_used:
            st.caption("The networks that you have here now stay kept: write down their code first, to return.")
            _offer_leaving()


def _offer_code(key: str) -> None:
    """The recovery code after a click, since the page may be on a projector."""
    if st.toggle("Show code", key=key):
        st.code(workspaces.recovery_code(session.workspace()), language=None)


def _offer_leaving() -> None:
    """For the next person on a shared device: a new workspace, after a question."""
    with st.popover("This is not me", icon=":material/person_off:"):
        st.markdown(
            "Did somebody else use this device before you? You can start with a new, empty list. The runs that are "
            "here now can then be opened only with their recovery code. All open tabs of the playground reload."
        )
        _offer_code("recovery-code-before-leaving")
        st.button("Start with an empty list", type="primary", on_click=browser.forget)
