"""The one door to `st.session_state`: what belongs to one visitor, under names and types."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mnist_core import limits, presets
from mnist_core.data import datasets
from mnist_core.errors import StoreError
from mnist_core.runs import scheduler
from mnist_core.runs.network_run import Run
from pages.widgets.server import cookies, visitor_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.runs.job import Job
    from mnist_core.runs.saver import Keeper
    from mnist_core.training import TrainingState

logger = logging.getLogger(__name__)

CAME_BACK = "came-back"
"""Noted once the Train page has what the visitor left, or something new that shall not give way to it."""

# Each keeps its weights and its answers to the test images, a few megabytes.
MAX_KEPT_RUNS = 20
_FIRST_PRESET = "kite"


def _state(name: str, default: Any) -> Any:
    if name not in st.session_state:
        st.session_state[name] = default
    return st.session_state[name]


def draft() -> RunConfig:
    """The config in the editor."""
    config: RunConfig = _state("draft", first_config())
    return config


def first_config() -> RunConfig:
    """What a new visitor finds in the editor."""
    return dataclasses.replace(presets.PRESETS[_FIRST_PRESET].config, dataset=_first_data_set())


def _first_data_set() -> str:
    wanted = os.environ.get("MNIST_DATASET", "mnist")
    if wanted in datasets.NAMES:
        return wanted
    logger.warning("MNIST_DATASET is %r; it must be one of %s. MNIST is taken.", wanted, ", ".join(datasets.NAMES))
    return "mnist"


def set_draft(config: RunConfig) -> None:
    """Note what the editor holds, so that it is there again after another page."""
    st.session_state["draft"] = config


@dataclass(frozen=True)
class Origin:
    """What the editor was last filled from.

    Args:
        config: what stood in the editor then.
        source: where it came from, such as "From a link"; empty for a preset, which has a name.
    """

    config: RunConfig
    source: str = ""

    def is_changed(self, config: RunConfig) -> bool:
        """Whether `config` is another network, or learns in another way; other data are no change of the network."""
        return dataclasses.replace(config, dataset=self.config.dataset) != self.config


def origin() -> Origin:
    """What "Undo my changes" leads back to."""
    found: Origin = _state("origin", Origin(first_config()))
    return found


def load_preset(key: str) -> None:
    """Put a preset into the editor; the data set stays as it was."""
    edit(dataclasses.replace(presets.PRESETS[key].config, dataset=draft().dataset), "")


def edit(config: RunConfig, source: str = "Own network") -> None:
    """Put `config` into the editor, noting where it comes from; changes that it replaces can be brought back."""
    if origin().is_changed(draft()):
        keep("replaced-changes", (draft(), origin()))
    _fill(config, Origin(config, source))


def replaced_changes() -> bool:
    """Whether `undo` can bring back changes that something else has replaced in the editor."""
    return kept("replaced-changes", None) is not None


def undo() -> None:
    """Undo the changes of what the editor was filled from; without any, bring back once those that it replaced."""
    start, there = origin(), draft().dataset
    if start.is_changed(draft()):
        _fill(dataclasses.replace(start.config, dataset=there), start)
    elif replaced_changes():
        config, start = kept("replaced-changes", None)
        keep("replaced-changes", None)
        _fill(dataclasses.replace(config, dataset=there), start)


def use_data_set(name: str) -> None:
    """Let the network in the editor learn from another data set."""
    _fill(dataclasses.replace(draft(), dataset=name), origin())


def _fill(config: RunConfig, start: Origin) -> None:
    """Put `config` into the editor, whose controls are made again with its values."""
    set_draft(config)
    st.session_state["origin"] = start
    st.session_state["edition"] = edition() + 1
    keep(CAME_BACK, True)


def edition() -> int:
    """Changes whenever the editor's controls must be made anew; part of their keys."""
    number: int = _state("edition", 0)
    return number


def chosen(name: str) -> Any:
    """The value of the control with the key `name`; None before it has been shown."""
    return st.session_state.get(name)


def choose(name: str, value: Any) -> None:
    """Set the control with the key `name`; only before it is shown in this rerun, or in a callback."""
    st.session_state[name] = value


def forget(name: str) -> None:
    """Let the control with the key `name` take its first value again, in the next rerun."""
    st.session_state.pop(name, None)


def seed(name: str, value: Any, choices: Sequence[Any] | None = None) -> str:
    """Give the control with the key `name` a value before it is shown, unless it has a possible one; returns the key.

    Controls that were not shown in the last rerun have lost their value, so after another page they take `value` again.
    """
    is_possible = name in st.session_state and (choices is None or st.session_state[name] in choices)
    if not is_possible:
        st.session_state[name] = value if choices is None or value in choices else choices[0]
    return name


def seeded(name: str, value: Any) -> dict[str, Any]:
    """What a control that holds a value is to be given, for it to be `seed`ed.

    The value comes twice: a browser that is sent the page again before it has shown it the first time takes the
    control's own value, and would otherwise find the least that is possible.
    """
    return {"key": seed(name, value), "value": chosen(name)}


def seeded_choice(name: str, value: Any, choices: Sequence[Any]) -> dict[str, Any]:
    """As `seeded`, for a control that holds one of `choices`."""
    return {"key": seed(name, value, choices), "index": list(choices).index(chosen(name))}


def seed_several(name: str, value: list[str], choices: list[str]) -> str:
    """As `seed`, for a control that holds several of `choices`; returns the key.

    What `keep` noted under its name, a pair of the chosen ones and all there were, comes back, unless there is
    something new to choose since then, such as a run.
    """
    if name not in st.session_state or not set(st.session_state[name]) <= set(choices):
        chosen_before, known = kept(name, ([], []))
        is_news = not set(choices) <= set(known)
        st.session_state[name] = value if is_news else [one for one in chosen_before if one in choices]
    return name


def kept(name: str, default: Any) -> Any:
    """What `keep` noted under `name`; `default` before that."""
    return _state(_noted(name), default)


def keep(name: str, value: Any) -> None:
    """Note something of the visitor's under `name`, whatever page is shown."""
    st.session_state[_noted(name)] = value


def _noted(name: str) -> str:
    return f"{name}-noted"


def workspace() -> str:
    """The token of the visitor's workspace, to which their runs belong: the browser's, or a new one."""
    if "workspace" not in st.session_state:
        found = remembered_workspace()
        enter(found or cookies.new_workspace(), found is not None)
    token: str = st.session_state["workspace"]
    return token


def remembered_workspace() -> str | None:
    """The token that the browser came with, if any."""
    return cookies.found_in(st.context.cookies)


def begin_again() -> None:
    """Forget all that this tab holds of its visitor, and give it a new workspace."""
    for name in list(st.session_state):
        del st.session_state[name]
    enter(cookies.new_workspace(), False)


def enter(token: str, is_known: bool = True) -> None:
    """Go into another workspace; what is under way in this one goes on for as long as its tabs are open."""
    st.session_state["workspace"] = token
    st.session_state["is-workspace-used"] = is_known and not cookies.is_unused(token)
    keep(CAME_BACK, False)
    of_workspace = ("race", "race-refusals", "compared-runs", "deleted-runs", "removed-runs")
    for name in ("runs", "current_run", "preferred_run", *map(_noted, of_workspace)):
        st.session_state.pop(name, None)


def is_workspace_used() -> bool:
    """Whether anything may be kept in the visitor's workspace; a new visitor's needs no look."""
    token = workspace()
    # Another tab of the same browser may have stored the first run.
    used: bool = st.session_state["is-workspace-used"] or not cookies.is_unused(token)
    return used


def keeper() -> Keeper:
    """What keeps runs.

    Raises:
        StoreError: the database's address is none.
    """
    from mnist_core.runs import saver  # Its database library is slow to import, and a first visitor has kept nothing.

    return saver.shared()


def runs() -> list[Job]:
    """The visitor's runs in memory, of networks and of classical models, the oldest first.

    At first, such as after a reload, those that the server still holds.
    """
    if "runs" not in st.session_state:
        found: list[Job] = []
        with contextlib.suppress(StoreError):  # A page that lists the kept runs tells of it.
            if is_workspace_used():
                keeper().visit(workspace())
                found += keeper().runs(workspace())
        for run in found:
            run.watch(watcher())
        st.session_state["runs"] = found
    own: list[Job] = st.session_state["runs"]
    return own


def current_run() -> Run | None:
    """The run that the Train page shows; at first the newest that is under way."""
    if "current_run" not in st.session_state:
        active = [run for run in runs() if isinstance(run, Run) and run.snapshot.status.is_active]
        st.session_state["current_run"] = active[-1] if active else None
    run: Run | None = st.session_state["current_run"]
    return run


def show_run(run: Run) -> None:
    """Have the Train page show a run, and its network in the editor."""
    hold(run)
    st.session_state["current_run"] = run
    edit(run.config, f"Run {run.number}")


def start(
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
    if not is_workspace_used():
        visitor_limits.spend(limits.WORKSPACES)
    visitor_limits.spend(limits.RUNS)
    current_run()  # Decided now: at first it is the newest that is under way, and this one need not be shown.
    keep(CAME_BACK, True)
    run = scheduler.shared().submit(config, dataset, paused, watcher(), state)
    run.title = title
    keep_run(run, is_shown)
    if is_shown:
        st.session_state["current_run"] = run
    return run


def keep_run(run: Run, is_preferred: bool = True) -> None:
    """Make a run the visitor's own: numbered, kept in their workspace, preferred on the other pages if wanted."""
    numbers = [0, *(one.number for one in runs())]
    with contextlib.suppress(StoreError):  # A page that lists the kept runs tells of it.
        numbers += [one.number for one in keeper().list(workspace())] if is_workspace_used() else []
    run.number = 1 + max(numbers)
    _put_into_workspace(run)
    hold(run)
    if is_preferred:
        prefer_run(run.id)


def adopt(run: Job) -> None:
    """Let a run that all visitors share, and that has ended, be among this visitor's too, and be the preferred one."""
    if run.id not in {one.id for one in runs()}:
        if isinstance(run, Run):
            run = run.copy_of_ended()
            with contextlib.suppress(StoreError):  # Unless it was there before, and has been deleted.
                keeper().store.restore(workspace(), run.id)
            _put_into_workspace(run)
        hold(run)
    prefer_run(run.id)


def _put_into_workspace(run: Run) -> None:
    try:
        keeper().keep(workspace(), run)
    except StoreError:
        # A run is worth more than its record; `workspace.trouble` tells people.
        logger.exception("Run %s is not kept", run.id)
    st.session_state["is-workspace-used"] = True
    cookies.mark_used(workspace())


def hold(run: Job) -> None:
    """Have a run among the visitor's `runs`; the oldest that have ended make room, first those that can be loaded."""
    own = runs()
    if run in own:
        return
    own.append(run)
    ended = [other for other in own if not other.snapshot.status.is_active]
    ended.sort(key=lambda other: not isinstance(other, Run))  # Of classical models nothing is kept.
    for old in ended[: max(0, len(own) - MAX_KEPT_RUNS)]:
        own.remove(old)


def let_go(run_id: str) -> None:
    """Have a run that has ended no longer among the visitor's `runs`, nor on the Train page."""
    st.session_state["runs"] = [run for run in runs() if run.id != run_id]
    current = current_run()
    if current is not None and current.id == run_id:
        st.session_state["current_run"] = None


def watcher() -> Callable[[], bool]:
    """Whether this visitor's tab is open, on whatever page; to be asked from any thread.

    Always the same object for the same visitor, so that `Job.leave` knows it.
    """
    own: Callable[[], bool] = _state("watcher", _new_watcher())
    return own


def _new_watcher() -> Callable[[], bool]:
    context = get_script_run_ctx()
    if context is None or not runtime.exists():  # Without a server, as in tests of a page, nobody can leave.
        return lambda: True
    server, session_id = runtime.get_instance(), context.session_id
    return lambda: server.is_active_session(session_id)


def reset() -> None:
    """Clear the Train page. A run under way is stopped; one that has left a network stays with the others."""
    run = current_run()
    if run is not None:
        scheduler.shared().stop(run)
    st.session_state["current_run"] = None


def is_training() -> bool:
    """Whether one of the visitor's runs is under way."""
    return any(run.snapshot.status.is_active for run in runs())


def readable_runs() -> list[Job]:
    """The runs that have answered the test images, the newest first."""
    return [run for run in reversed(runs()) if run.snapshot.evaluation is not None]


def networks() -> list[Run]:
    """The runs that have left a network, the newest first."""
    own = [run for run in reversed(runs()) if isinstance(run, Run)]
    return [run for run in own if run.snapshot.network is not None]


def preferred_run() -> str:
    """The id of the run that the visitor looked at last, empty for none."""
    run_id: str = _state("preferred_run", "")
    return run_id


def prefer_run(run_id: str) -> None:
    """Note the run that is looked at, for the other pages."""
    st.session_state["preferred_run"] = run_id
