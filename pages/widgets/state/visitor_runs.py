"""The visitor's runs in memory: the current and the preferred one, starting, adopting and holding them."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mnist_core import limits
from mnist_core.errors import StoreError
from mnist_core.runs import scheduler
from mnist_core.runs.network_run import Run
from pages.widgets.server import visitor_limits
from pages.widgets.state import editor_state, workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.runs.job import Job
    from mnist_core.training import TrainingState

logger = logging.getLogger(__name__)

# Each keeps its weights and its answers to the test images, a few megabytes.
MAX_HELD_RUNS = 20

_RUNS: Key[list[Job]] = Key("runs", [], of_workspace=True)
_CURRENT: Key[Run | None] = Key("current_run", None, of_workspace=True)
_PREFERRED = Key("preferred_run", "", of_workspace=True)
_WATCHER: Key[Callable[[], bool] | None] = Key("watcher", None)


def runs() -> list[Job]:
    """The visitor's runs in memory, of networks and of classical models, the oldest first.

    At first, such as after a reload, those that the server still holds.
    """
    if not _RUNS.is_set():
        found: list[Job] = []
        with contextlib.suppress(StoreError):  # A page that lists the kept runs tells of it.
            if workspace.is_used():
                workspace.keeper().visit(workspace.token())
                found += workspace.keeper().runs(workspace.token())
        for run in found:
            run.watch(watcher())
        _RUNS.set(found)
    return _RUNS.get()


def current_run() -> Run | None:
    """The run that the Train page shows; at first the newest that is under way."""
    if not _CURRENT.is_set():
        active = [run for run in runs() if isinstance(run, Run) and run.snapshot.status.is_active]
        _CURRENT.set(active[-1] if active else None)
    return _CURRENT.get()


def show_on_train_page(run: Run) -> None:
    """Have the Train page show a run, and its network in the editor."""
    add_run(run)
    _CURRENT.set(run)
    editor_state.load_config(run.config, f"Run {run.number}")


def start_run(
    config: RunConfig,
    dataset: Dataset,
    paused: bool = False,
    state: TrainingState | None = None,
    title: str = "",
    is_shown: bool = True,
) -> Run:
    """Hand a run, which goes on from `state` if there is one, to the scheduler and show it on the Train page.

    If it is not to be shown, that page and the others stay as they are.

    Raises:
        CapacityError: when the server cannot hold it.
        LimitError: when too many were begun from the visitor's address.
    """
    if not workspace.is_used():
        visitor_limits.spend(limits.WORKSPACES)
    visitor_limits.spend(limits.RUNS)
    current_run()  # Decided now: at first it is the newest that is under way, and this one need not be shown.
    workspace.IS_RESTORED.set(True)
    run = scheduler.shared().submit(config, dataset, paused, watcher(), state)
    run.title = title
    add_new_run(run, is_shown)
    if is_shown:
        _CURRENT.set(run)
    return run


def add_new_run(run: Run, is_preferred: bool = True) -> None:
    """Make a run the visitor's own: numbered, kept in their workspace, preferred on the other pages if wanted."""
    numbers = [0, *(one.number for one in runs())]
    with contextlib.suppress(StoreError):  # A page that lists the kept runs tells of it.
        numbers += [one.number for one in workspace.keeper().list(workspace.token())] if workspace.is_used() else []
    run.number = 1 + max(numbers)
    _put_into_workspace(run)
    add_run(run)
    if is_preferred:
        prefer_run(run.id)


def adopt_run(run: Job) -> None:
    """Let a run that all visitors share, and that has ended, be among this visitor's too, and be the preferred one."""
    if run.id not in {one.id for one in runs()}:
        if isinstance(run, Run):
            run = run.copy_of_ended()
            with contextlib.suppress(StoreError):  # Unless it was there before, and has been deleted.
                workspace.keeper().store.restore(workspace.token(), run.id)
            _put_into_workspace(run)
        add_run(run)
    prefer_run(run.id)


def _put_into_workspace(run: Run) -> None:
    try:
        workspace.keeper().keep(workspace.token(), run)
    except StoreError:
        # A run is worth more than its record; `saved_runs.unsaved_warning` tells people.
        logger.exception("Run %s is not kept", run.id)
    workspace.mark_used()


def add_run(run: Job) -> None:
    """Have a run among the visitor's `runs`; the oldest that have ended make room, first those that can be loaded."""
    own = runs()
    if run in own:
        return
    own.append(run)
    ended = [other for other in own if not other.snapshot.status.is_active]
    ended.sort(key=lambda other: not isinstance(other, Run))  # Of classical models nothing is kept.
    for old in ended[: max(0, len(own) - MAX_HELD_RUNS)]:
        own.remove(old)


def remove_run(run_id: str) -> None:
    """Have a run that has ended no longer among the visitor's `runs`, nor on the Train page."""
    _RUNS.set([run for run in runs() if run.id != run_id])
    current = current_run()
    if current is not None and current.id == run_id:
        _CURRENT.set(None)


def watcher() -> Callable[[], bool]:
    """Whether this visitor's tab is open, on whatever page; to be asked from any thread.

    Always the same object for the same visitor, so that `Job.leave` knows it.
    """
    own = _WATCHER.get()
    if own is None:
        own = _new_watcher()
        _WATCHER.set(own)
    return own


def _new_watcher() -> Callable[[], bool]:
    context = get_script_run_ctx()
    if context is None or not runtime.exists():  # Without a server, as in tests of a page, nobody can leave.
        return lambda: True
    server, session_id = runtime.get_instance(), context.session_id
    return lambda: server.is_active_session(session_id)


def clear_train_page() -> None:
    """Clear the Train page. A run under way is stopped; one that has left a network stays with the others."""
    run = current_run()
    if run is not None:
        scheduler.shared().stop(run)
    _CURRENT.set(None)


def is_training() -> bool:
    """Whether one of the visitor's runs is under way."""
    return any(run.snapshot.status.is_active for run in runs())


def evaluated_runs() -> list[Job]:
    """The runs that have answered the test images, the newest first."""
    return [run for run in reversed(runs()) if run.snapshot.evaluation is not None]


def trained_networks() -> list[Run]:
    """The runs that have left a network, the newest first."""
    own = [run for run in reversed(runs()) if isinstance(run, Run)]
    return [run for run in own if run.snapshot.network is not None]


def preferred_run_id() -> str:
    """The id of the run that the visitor looked at last, empty for none."""
    return _PREFERRED.get()


def prefer_run(run_id: str) -> None:
    """Note the run that is looked at, for the other pages."""
    _PREFERRED.set(run_id)
