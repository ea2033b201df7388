"""Start a run, or resume one that was interrupted."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.errors import CapacityError, DataError, PlaygroundError
from mnist_core.language import gettext as _
from mnist_core.runs import scheduler
from mnist_core.runs.network_run import Run
from mnist_core.training import capacity
from pages.widgets.common import run_picker, stepping
from pages.widgets.state import data_sets, interrupted, saved_runs, visitor_runs, workspace
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.store.records import RunSummary

# Restore the last run if the visitor returns within this time, in seconds.
_RECENT = 3_600.0
_MOST_OFFERED = 3
# Settings that do not change the duration of a step.
_NO_MATTER = (
    "learning_rate", "epochs", "dataset", "split", "validation_fraction", "seed", "early_stopping", "pixels", "order",
)  # fmt: skip


def restore_last_run() -> None:
    """Once for each visitor, show their last run, if it is active or ended recently, and its network.

    A network that another page has loaded into the editor stays there. The page's address may load another network
    afterwards: the visitor has changed it since that run, or opened a link.
    """
    if workspace.IS_RESTORED.get() or not workspace.is_used():
        return
    workspace.IS_RESTORED.set(True)
    run = visitor_runs.current_run() or _ended_lately()
    if run is not None:
        visitor_runs.show_on_train_page(run)
        visitor_runs.prefer_run(run.id)


def _ended_lately() -> Run | None:
    newest = next(iter(saved_runs.summaries()), None)
    held = next((run for run in reversed(visitor_runs.runs()) if isinstance(run, Run)), None)
    if held is not None and held.number > (newest.number if newest else 0):
        return held  # It has just ended and is not saved yet.
    if newest is None or time.time() - newest.updated >= _RECENT:
        return None
    try:
        # The saved state lags a moment behind; the run in memory knows whether it has ended.
        return saved_runs.open_run(newest.id)
    except PlaygroundError:
        return None  # The other pages list it and show the error.


def train_buttons(config: RunConfig, dataset: Dataset | None, trouble: DeltaGenerator) -> None:
    """The buttons Train, Step and Reset, in the same places as the buttons of an active run in `live`.

    Args:
        config: what is in the editor.
        dataset: the training data; None until they are loaded.
        trouble: where errors are shown.
    """
    cannot = dataset is None
    first = st.container(width="content")
    is_step = stepping.step_button(config, disabled=cannot)
    st.empty()
    if visitor_runs.current_run() is None:
        st.empty()
    else:
        st.button(
            _("Reset"),
            icon=":material/replay:",
            on_click=visitor_runs.clear_train_page,
            help=_("Clear the screen. The run stays under Compare."),
        )
    # Last, so that it is never on the screen together with the Stop of the run before.
    is_train = first.button(
        _("Train"), icon=":material/play_arrow:", type="primary", disabled=cannot, help=_("Start training.")
    )
    if (is_train or is_step) and dataset is not None:
        _start(config, dataset, is_step, trouble)


def train_changed_button(config: RunConfig, dataset: Dataset | None, run: Run, trouble: DeltaGenerator) -> None:
    """A button that replaces the active run by a run of the changed network in the editor."""
    is_other = dataset is not None and not _is_of_run(config, dataset, run)
    is_wanted = st.button(
        _("Train the changed network"),
        key="train-changed",
        icon=":material/play_arrow:",
        disabled=not is_other,
        help=_("Stops the current run, keeps what it has learned, and starts a new run with your changes."),
    )
    if is_wanted and dataset is not None:
        # Start the new run first: if it is refused, the old one continues.
        _start(config, dataset, False, trouble, instead_of=run)


def editor_heading(config: RunConfig, dataset: Dataset | None, run: Run | None) -> str:
    """A heading that says whether the network in the editor is that of the run; always one line."""
    if run is None or not visitor_runs.is_network_active(run):
        return _("Your network")
    is_same = dataset is None or _is_of_run(config, dataset, run)
    return _("The network of this run") if is_same else _("Your changes are for the next run")


def expected_seconds(config: RunConfig, images: int) -> float:
    """How long a run takes alone on this server, in seconds.

    Computed from the visitor's last run with the same steps, if there is one. Otherwise estimated from the speed of the
    machine, which was measured once, perhaps while it was busy.
    """
    for run in reversed(visitor_runs.runs()):
        if isinstance(run, Run) and run.snapshot.started and run.snapshot.seconds_an_epoch:
            steps = {name: getattr(config, name) for name in _NO_MATTER}
            if dataclasses.replace(run.config, **steps) == config:
                share = images / run.snapshot.started.training_images
                return config.epochs * share * run.snapshot.seconds_an_epoch
    return capacity.estimated_seconds(config, images)


def _named(config: RunConfig, dataset: Dataset) -> RunConfig:
    """The config with the name of the data set that is really used, which may replace the chosen one."""
    return dataclasses.replace(config, dataset=dataset.name)


def _is_of_run(config: RunConfig, dataset: Dataset, run: Run) -> bool:
    """Whether the run, or one of those with other seeds, has this config."""
    return _named(config, dataset) in [one.config for one in (run, *visitor_runs.same_network(run))]


def _start(
    config: RunConfig, dataset: Dataset, step: bool, trouble: DeltaGenerator, instead_of: Run | None = None
) -> None:
    def start() -> None:
        run = visitor_runs.start_run(_named(config, dataset), dataset, paused=step)
        if step:
            scheduler.shared().step(run, stepping.size())
        for one in visitor_runs.same_network(instead_of) if instead_of is not None else ():
            if one.snapshot.status.is_active and one is not run:
                scheduler.shared().stop(one)

    try:
        uninterrupted(start)
    except PlaygroundError as error:
        trouble.error(_(error.message), icon=":material/error:")
        return
    st.rerun()


def interrupted_runs() -> None:
    """Runs that the end of a server has interrupted: they go on, or after a longer time there are buttons for it."""
    under_way = interrupted.elsewhere()
    if not under_way:
        return
    resumed = interrupted.go_on_by_themselves()
    if resumed:
        _show(resumed[0])
    # Imported here: a visitor with an interrupted run has already waited for the database library.
    from mnist_core.store.records import library_versions

    found = interrupted.unfinished()
    for summary in found[:_MOST_OFFERED]:
        with st.container(border=True, key=f"broken-off-{summary.id}"):
            epochs = _("after epoch {epochs}", epochs=summary.epochs) if summary.epochs else _("in its first epoch")
            name = run_picker.escape_markdown(saved_runs.saved_title(summary))
            st.markdown(
                _(
                    "**{name}, run {number}**, was interrupted {epochs}.",
                    name=name,
                    number=summary.number,
                    epochs=epochs,
                )
            )
            if saved_runs.saved_versions(summary) != library_versions():
                st.caption(
                    _("It was started with other versions of Python or its libraries. The last digits may differ.")
                )
            with st.container(horizontal=True):
                if st.button(_("Continue"), key=f"go-on-{summary.id}", icon=":material/play_arrow:", type="primary"):
                    _go_on(summary)
                if st.button(_("End it here"), key=f"leave-{summary.id}", icon=":material/stop:"):
                    _end(summary)
    if len(found) > _MOST_OFFERED:
        st.caption(_("And {count} more, after these.", count=len(found) - _MOST_OFFERED))
    if len(found) < len(under_way):
        interrupted.await_release(len(found))


def _go_on(summary: RunSummary) -> None:
    try:
        run = interrupted.go_on(summary)
    except PlaygroundError as error:
        st.error(_(error.message), icon=":material/error:")
    else:
        if run is not None:
            scheduler.shared().resume(run)  # It may have been paused.
            _show(run)


def _show(run: Run) -> None:
    visitor_runs.show_on_train_page(run)
    visitor_runs.prefer_run(run.id)
    st.rerun()


def _end(summary: RunSummary) -> None:
    saver, token = workspace.run_saver(), workspace.token()
    dataset = data_sets.peek_data_set(summary.dataset)
    run = None
    try:
        if dataset is not None:
            with contextlib.suppress(DataError, CapacityError):
                run = saver.resume(token, summary.id, dataset, scheduler.shared(), visitor_runs.watcher())
        if run is None:  # Without its images, or without room, it cannot be tested.
            saver.end(token, summary.id)
        else:
            visitor_runs.add_run(run)
            scheduler.shared().stop(run)
    except PlaygroundError as error:
        st.error(_(error.message), icon=":material/error:")
    else:
        st.rerun()
