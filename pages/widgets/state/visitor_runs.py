"""The visitor's runs in memory: start and add runs, and remember the current and the preferred one."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import logging
import threading
import weakref
from typing import TYPE_CHECKING

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mnist_core import environment, limits
from mnist_core.config import SEED
from mnist_core.errors import CapacityError, StoreError
from mnist_core.evaluation import seeds
from mnist_core.language import Message
from mnist_core.runs import scheduler
from mnist_core.runs.network_run import Run
from mnist_core.training import Status
from pages.widgets.server import visitor_limits
from pages.widgets.state import editor_state, own_work, workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.runs.job import Job
    from mnist_core.training import TrainingState
    from mnist_core.training.moments import Place

logger = logging.getLogger(__name__)

# Each holds its weights and its answers to the test images, a few megabytes. With thirty visitors that adds up: while
# the ended runs of all of them take more, a visitor holds fewer. That is room for five seeds and the run before them.
MAX_HELD_RUNS, LEAST_HELD_RUNS = 20, 6
MAX_HELD_MEGABYTES = 256

_held: weakref.WeakSet[Job] = weakref.WeakSet()  # All visitors' runs, for as long as somebody holds them.
_held_lock = threading.Lock()

_RUNS: Key[list[Job]] = Key("runs", [], of_workspace=True)
_CURRENT: Key[Run | None] = Key("current_run", None, of_workspace=True)
_PREFERRED = Key("preferred_run", "", of_workspace=True)
_MOMENT: Key[tuple[str, Place] | None] = Key("moment", None, of_workspace=True)
_WATCHER: Key[Callable[[], bool] | None] = Key("watcher", None)


def runs() -> list[Job]:
    """The visitor's runs in memory, of networks and of classical models, the oldest first.

    In a new tab, or after a reload, these are the runs that the server still holds.
    """
    if not _RUNS.is_set():
        found: list[Job] = []
        with contextlib.suppress(StoreError):  # A page that lists the saved runs shows the error.
            if workspace.is_used():
                workspace.run_saver().visit(workspace.token())
                found += workspace.run_saver().runs(workspace.token())
        for run in found:
            run.watch(watcher())
        _RUNS.set(found)
    return _RUNS.get()


def current_run() -> Run | None:
    """The run on the Train page; at first the newest active one."""
    if not _CURRENT.is_set():
        active = [run for run in runs() if isinstance(run, Run) and run.snapshot.status.is_active]
        _CURRENT.set(active[-1] if active else None)
    return _CURRENT.get()


def show_on_train_page(run: Run) -> None:
    """Show a run on the Train page, with its network in the editor."""
    add_run(run)
    _CURRENT.set(run)
    editor_state.load_config(run.config, Message("Run {number}", number=run.number))


def start_run(
    config: RunConfig,
    dataset: Dataset,
    paused: bool = False,
    state: TrainingState | None = None,
    title: str = "",
    is_shown: bool = True,
) -> Run:
    """Start a run, from `state` if there is one, and show it on the Train page.

    With `is_shown=False`, no page changes.

    Raises:
        CapacityError: the server has no room for it.
        LimitError: too many runs were started from the visitor's address.
    """
    if not workspace.is_used():
        visitor_limits.spend(limits.WORKSPACES)
    visitor_limits.spend(limits.RUNS)
    current_run()  # Before the new run is active: otherwise it would become the current one even if it is not shown.
    workspace.IS_RESTORED.set(True)
    try:
        run = scheduler.shared().submit(config, dataset, paused, watcher(), state)
    except CapacityError:  # Whoever waits for room tries it again and again.
        visitor_limits.give_back(limits.RUNS)
        if not workspace.is_used():
            visitor_limits.give_back(limits.WORKSPACES)
        raise
    run.title = title
    add_new_run(run, is_shown)
    if is_shown:
        _CURRENT.set(run)
    return run


def go_on(ended: Run, epochs: int, title: str) -> None:
    """Train an ended run further, as a new run with this title, and show it on the Train page.

    Raises:
        CapacityError: the server has no room for it.
        LimitError: too many runs were started from the visitor's address.
        StoreError: the weights of its last finished epoch cannot be read.
    """
    visitor_limits.spend(limits.RUNS)
    run = scheduler.shared().go_on(ended, epochs, watcher())
    run.title = title
    own_work.inherit_lesson(run.id, ended.id)
    add_new_run(run)
    _CURRENT.set(run)
    if editor_state.draft() == ended.config:
        editor_state.change(run.config)


def same_network(run: Run) -> list[Run]:
    """The visitor's runs that differ from this one in nothing but the seed, one for each seed, and it; oldest first.

    Without runs that were stopped, that failed, or that did not go as their config says.
    """
    if not _is_plain(run):
        return [run]
    found = {one.config.seed: one for one in filter(_is_plain, _with_any_seed(run))}
    found[run.config.seed] = run
    return sorted(found.values(), key=lambda one: one.number)


def is_network_active(run: Run) -> bool:
    """Whether a run, or one of the same network with another seed, is active."""
    return any(one.snapshot.status.is_active for one in same_network(run))


def _is_plain(run: Run) -> bool:
    shot = run.snapshot
    return (shot.status.is_active or shot.status is Status.FINISHED) and run.begins_random and not shot.rates


def _with_any_seed(run: Run) -> list[Run]:
    """A run, and the visitor's other runs that differ from it in nothing but the seed."""
    networks = [one for one in runs() if isinstance(one, Run) and one is not run]
    # Most runs differ in their layers, which are compared faster than the whole config.
    alike = [one for one in networks if one.config.layers == run.config.layers]
    alike = [one for one in alike if one.dataset.fingerprint == run.dataset.fingerprint]
    return [run, *(one for one in alike if seeds.without_seed(one.config) == seeds.without_seed(run.config))]


def train_more_seeds(run: Run, count: int) -> None:
    """Train the network of a run again with other seeds, and show the last of the new runs on the Train page.

    Raises:
        CapacityError: the server has no room for all of them.
        LimitError: too many runs were started from the visitor's address.
    """
    used = {one.config.seed for one in _with_any_seed(run)}
    next_ones = ((run.config.seed + step) % int(SEED.high + 1) for step in itertools.count(1))
    for seed in itertools.islice((seed for seed in next_ones if seed not in used), count):
        start_run(dataclasses.replace(run.config, seed=seed), run.dataset)


def add_new_run(run: Run, is_preferred: bool = True) -> None:
    """Add a new run: give it a number, save it in the workspace, and prefer it on the other pages if wanted."""
    numbers = [0, *(one.number for one in runs())]
    with contextlib.suppress(StoreError):  # A page that lists the saved runs shows the error.
        numbers += [one.number for one in workspace.run_saver().list(workspace.token())] if workspace.is_used() else []
    run.number = 1 + max(numbers)
    _put_into_workspace(run)
    add_run(run)
    if is_preferred:
        prefer_run(run.id)


def adopt_run(run: Job) -> None:
    """Add a shared run that has ended to the visitor's runs, and prefer it."""
    if run.id not in {one.id for one in runs()}:
        if isinstance(run, Run):
            run = run.copy_of_ended()
            with contextlib.suppress(StoreError):  # The visitor may have had it before, and deleted it.
                workspace.run_saver().store.restore(workspace.token(), run.id)
            _put_into_workspace(run)
        add_run(run)
    prefer_run(run.id)


def _put_into_workspace(run: Run) -> None:
    try:
        workspace.run_saver().save(workspace.token(), run)
    except StoreError:
        # Do not lose the run because it cannot be saved; `saved_runs.unsaved_warning` tells the visitor.
        logger.exception("Run %s is not saved", run.id)
    workspace.mark_used()


def add_run(run: Job) -> None:
    """Add a run to `runs`. If there are too many, the oldest ended ones leave, saved ones first.

    Those that are saved come back when they are opened.
    """
    own = runs()
    if run in own:
        return
    own.append(run)
    with _held_lock:
        _held.add(run)
    ended = [other for other in own if not other.snapshot.status.is_active and other is not run]
    ended.sort(key=lambda other: not isinstance(other, Run))  # Classical models are not saved.
    too_many_bytes = held_bytes() - _most_bytes()
    for old in ended:
        if len(own) <= MAX_HELD_RUNS and (len(own) <= LEAST_HELD_RUNS or too_many_bytes <= 0):
            break
        own.remove(old)
        too_many_bytes -= old.held_bytes


def held_bytes() -> int:
    """How much memory the results of all visitors' ended runs take on this server."""
    with _held_lock:
        found = list(_held)
    return sum(run.held_bytes for run in found if not run.snapshot.status.is_active)


def is_memory_full() -> bool:
    """Whether `held_bytes` is more than it should be."""
    return held_bytes() > _most_bytes()


def _most_bytes() -> float:
    return environment.whole_number("MNIST_HELD_MEGABYTES", MAX_HELD_MEGABYTES) * 2**20


def remove_run(run_id: str) -> None:
    """Remove an ended run from `runs` and from the Train page."""
    _RUNS.set([run for run in runs() if run.id != run_id])
    current = current_run()
    if current is not None and current.id == run_id:
        _CURRENT.set(None)


def watcher() -> Callable[[], bool]:
    """A function that says whether this visitor's tab is open. Any thread may call it.

    Always the same object for the same visitor, so that the scheduler recognizes it when the visitor leaves a run.
    """
    own = _WATCHER.get()
    if own is None:
        own = _new_watcher()
        _WATCHER.set(own)
    return own


def _new_watcher() -> Callable[[], bool]:
    context = get_script_run_ctx()
    if context is None or not runtime.exists():  # Without a server, as in page tests, nobody can leave.
        return lambda: True
    server, session_id = runtime.get_instance(), context.session_id
    return lambda: server.is_active_session(session_id)


def clear_train_page() -> None:
    """Clear the Train page and stop its run, with those of other seeds. They stay in `runs`."""
    run = current_run()
    for one in _with_any_seed(run) if run is not None else ():
        if one.snapshot.status.is_active:
            scheduler.shared().stop(one)
    _CURRENT.set(None)


def is_training() -> bool:
    """Whether one of the visitor's runs is active."""
    return any(run.snapshot.status.is_active for run in runs())


def evaluated_runs() -> list[Job]:
    """The runs that have been tested, the newest first."""
    return [run for run in reversed(runs()) if run.snapshot.evaluation is not None]


def trained_networks() -> list[Run]:
    """The runs with a trained network, the newest first."""
    own = [run for run in reversed(runs()) if isinstance(run, Run)]
    return [run for run in own if run.snapshot.network is not None]


def previous_run(run: Run) -> Run | None:
    """The visitor's last run before this one, of another network on the same data, that has a curve; None for none.

    A group of seeds is drawn as a group, so only of a smaller one another run can be the previous one.
    """
    own, group = runs(), same_network(run)
    earlier = own[: own.index(run)] if run in own else []
    if len(group) >= seeds.LEAST:
        earlier = [one for one in earlier if one not in group]
    return next(
        (
            one
            for one in reversed(earlier)
            if isinstance(one, Run) and one.snapshot.points and one.dataset.fingerprint == run.dataset.fingerprint
        ),
        None,
    )


def moment_of(run: Run) -> Place | None:
    """The moment of a run that the visitor looks at; None for the newest one, or the end of the run."""
    run_id, place = _MOMENT.get() or ("", None)
    return place if run_id == run.id and place in run.past_moments else None


def look_at_moment(run: Run, place: Place | None) -> None:
    """Remember the moment of a run that the visitor looks at, for the other pages. None is the newest one."""
    _MOMENT.set(None if place is None else (run.id, place))


def preferred_run_id() -> str:
    """The id of the run that the visitor looked at last; empty for none."""
    return _PREFERRED.get()


def prefer_run(run_id: str) -> None:
    """Remember the run that the visitor looks at, for the other pages."""
    _PREFERRED.set(run_id)
