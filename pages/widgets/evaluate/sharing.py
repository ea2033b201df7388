"""Sharing a finished run: the owner's link, and what others see."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import links
from mnist_core.data import datasets
from mnist_core.errors import PlaygroundError, RunNotFoundError
from mnist_core.language import gettext as _
from mnist_core.runs.network_run import Run
from mnist_core.store import workspaces
from pages.widgets.common import link_sharing, run_picker
from pages.widgets.state import data_sets, saved_runs, workspace

if TYPE_CHECKING:
    from mnist_core.runs.job import Job
    from mnist_core.store.records import StoredRun


def share_run_popover(run: Job) -> None:
    """A popover to start and stop sharing a run, if it has ended and has a network."""
    if not isinstance(run, Run) or run.snapshot.status.is_active or run.snapshot.network is None:
        return
    link_sharing.large_code()
    folded = st.popover(_("Share"), icon=":material/share:", on_change="rerun", key="share-run")
    if not folded.open:
        return
    with folded:
        if run.dataset.name not in datasets.NAMES:
            st.caption(_("It learned from your own images. They are not part of a link, so this run cannot be shared."))
            return
        try:
            _offer(run)
        except RunNotFoundError:
            st.caption(_("This run is not saved, so it cannot be shared."))
        except PlaygroundError as error:
            st.error(_(error.message), icon=":material/error:")


def _offer(run: Run) -> None:
    shares, token = saved_runs.store().shares, workspace.token()
    if not shares.is_shared(token, run.id):
        st.caption(
            _(
                "Others can look at the results of this run and download it. They see neither your notes nor your "
                "other runs. You can stop sharing at any time."
            )
        )
        if st.button(_("Make a link"), icon=":material/add_link:", type="primary", key="share-run-on"):
            shares.share(token, run.id)
            st.rerun()
        return
    link_sharing.link_with_code(
        links.to_run(link_sharing.page_address(), workspaces.share_token(token, run.id)), "share-run"
    )
    if st.button(_("Stop sharing"), icon=":material/link_off:", key="share-run-off"):
        shares.unshare(token, run.id)
        st.rerun()


def is_shared_run_in_address() -> bool:
    """Whether the page's address names a shared run."""
    return links.SHARED in st.query_params


def shared_run() -> Run | None:
    """The shared run in the page's address, under a note; if it cannot be opened, shows an error and returns None.

    It does not become one of the visitor's runs, and it is not saved in their workspace.
    """
    run = _find(st.query_params[links.SHARED])
    with st.container(horizontal=True):
        if run is not None and st.button(_("Try this network"), icon=":material/play_circle:", type="primary"):
            link_sharing.open_in_editor(dataclasses.replace(run.config, dataset=run.dataset.name))
        st.button(_("To your own runs"), icon=":material/arrow_back:", on_click=_leave)
    return run


def _find(token: str) -> Run | None:
    try:
        saved_runs.store().shares.check(token)
        stored = _load(token)
        if stored.summary.dataset not in datasets.NAMES:
            st.error(_("This run learned from images that are not on this server."), icon=":material/error:")
            return None
        dataset = data_sets.get(stored.summary.dataset)
        if dataset is None:
            return None
        run = Run.restored(stored, dataset)
    except PlaygroundError as error:
        st.error(_(error.message), icon=":material/link_off:")
        return None
    st.info(
        _("Shared with you (read-only). You can look at it and download it."),
        icon=":material/visibility:",
    )
    # Untrusted text of another visitor: shown as plain text.
    st.text(run_picker.run_title(run))
    return run


@st.cache_resource(max_entries=5, ttl=600, show_spinner=False)
def _load(token: str) -> StoredRun:
    """A shared run without the optimizer's state, cached for all visitors who open its link."""
    found = saved_runs.store().shares.load(token)
    state = dataclasses.replace(found.state, slots=()) if found.state else None
    return dataclasses.replace(found, state=state)


def _leave() -> None:
    st.query_params.pop(links.SHARED, None)  # After a double click it is already gone.
