"""A race: up to six networks train at the same time, with live curves."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import network, presets
from mnist_core.errors import PlaygroundError, RunNotFoundError
from mnist_core.evaluation.comparison import unique_names
from mnist_core.runs import scheduler
from mnist_core.training import Status
from pages.widgets.common import live, projector, run_curves, run_picker, run_text, segments
from pages.widgets.compare import run_table
from pages.widgets.state import controls, editor_state, saved_runs, visitor_runs, workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.runs.network_run import Run
    from pages.widgets.common.run_curves import Named
    from pages.widgets.compare.run_table import Row

VIEW = "Race"
"""What the Compare page calls the view with the race."""
MOST = 6
_QUERY = "race"
_MOST_REMEMBERED = 500
_EDITOR = "editor"

_REFUSALS: Key[tuple[str, ...]] = Key("race-refusals-noted", (), of_workspace=True)
_RACE: Key[tuple[str, ...]] = Key("race-noted", (), of_workspace=True)
_ENTRIES: Key[Sequence[str]] = Key("race-entries-noted", ("preset-morgan-0", "preset-morgan-1"))


def is_race_in_address() -> bool:
    """Whether the page's address names a race."""
    return bool(st.query_params.get(_QUERY))


def clear_address() -> None:
    """Remove the race from the page's address while something else is shown."""
    st.query_params.pop(_QUERY, None)


def race_view(dataset: Dataset, rows: Sequence[Row]) -> None:
    """The current or last race, and a form to start another one."""
    there = _found()
    for refusal in _REFUSALS.get():
        st.error(refusal, icon=":material/error:")
    if not there:
        _offer(dataset, rows)
        return
    if any(run.snapshot.status.is_active for run in there.values()):
        with st.container(horizontal=True, vertical_alignment="center"):
            across = _across()
            st.button("Stop all", icon=":material/stop:", on_click=_stop, args=(there,))
        st.fragment(_follow, run_every=live.poll_seconds())(there, across)
    else:
        _ranking(there)
        _curves(there, _across())
        if not projector.is_on():
            with st.expander("Another race", icon=":material/replay:"):
                _offer(dataset, rows)


def _curves(there: Named, across: str) -> None:
    """Accuracy and loss side by side; on a projector the accuracy alone, in the whole width."""
    places, height = ([st.container()], 420) if projector.is_on() else (None, None)
    run_curves.training_curves(there, across=across, names=list(there), places=places, height=height)


def _across() -> str:
    titles = {run_curves.EPOCHS: "By epochs", run_curves.SECONDS: "By seconds of computing"}
    return segments.segmented_choice("Curves", "race-across", list(titles), titles.__getitem__)


# --- Finding the race ---------------------------------------------------------------------------------------------


def _found() -> Named:
    """The runs of this tab's race by name, or of the race in the page's address."""
    ids = _RACE.get()
    if not ids:
        ids = tuple(st.query_params.get(_QUERY, "").split(".")[:MOST]) if is_race_in_address() else _under_way()
    there, stay = [], []
    for run_id in ids:
        try:
            there.append(saved_runs.open_run(run_id))
        except PlaygroundError as error:
            st.warning(str(error), icon=":material/warning:")
            if isinstance(error, RunNotFoundError):
                continue
            # Other errors may go away in a moment, or when the run is resumed.
        stay.append(run_id)
    _RACE.set(tuple(stay))
    if stay:
        st.query_params[_QUERY] = ".".join(stay)
    else:
        st.query_params.pop(_QUERY, None)
    return _named(there)


@st.cache_resource(show_spinner=False)
def _begun() -> OrderedDict[str, tuple[str, ...]]:
    """The last race of each workspace, for its other tabs. Only the newest races of the server are remembered."""
    return OrderedDict()


def _under_way() -> tuple[str, ...]:
    """The race of another tab, while one of its runs is active."""
    ids = _begun().get(workspace.token(), ())
    return ids if any(run_table.active_run(run_id) for run_id in ids) else ()


def _named(there: Sequence[Run]) -> Named:
    titles = [run_picker.run_title(run) for run in there]
    return dict(zip(unique_names(titles, [run.config for run in there]), there, strict=True))


# --- The start ---------------------------------------------------------------------------------------------------


def _entries(rows: Sequence[Row]) -> dict[str, tuple[str, RunConfig]]:
    """The networks that can race: a name and a config for each key."""
    draft = editor_state.draft()
    entries = {f"preset-{key}": (preset.name, preset.config) for key, preset in presets.PRESETS.items()}
    if presets.preset_of(draft) is None:
        entries[_EDITOR] = (f"In the editor: {presets.title_of(draft)}", draft)
    for row in rows:
        if row.config is not None:
            entries[f"run-{row.id}"] = (f"As {row.name}", row.config)
    return entries


def _offer(dataset: Dataset, rows: Sequence[Row]) -> None:
    entries = _entries(rows)
    keys = list(entries)
    remembered = [key for key in _ENTRIES.get() if key in entries]
    key = controls.seed("race-choice", remembered)
    controls.set_value(key, [one for one in controls.value_of(key) if one in entries])
    chosen = st.multiselect(
        f"Choose 2 to {MOST} networks",
        keys,
        default=controls.value_of(key),
        key=key,
        format_func=lambda one: entries[one][0],
        max_selections=MOST,
        placeholder=f"Two to {MOST} networks",
        help="The tutorials' networks, the one in the editor if you have changed it, and the settings of your runs.",
    )
    _ENTRIES.set(chosen)
    if st.button("Race", icon=":material/sports_score:", type="primary", disabled=len(chosen) < 2):
        _start([entries[one][1] for one in chosen], dataset)
        st.rerun()
    st.caption(
        f"All learn from the {len(dataset.train_labels):,} images of the data set in the editor. They share the "
        "computer fairly and are saved with your runs."
    )


def _start(configs: Sequence[RunConfig], dataset: Dataset) -> None:
    """Start a run of each config. If the server refuses one, the others still start."""
    _REFUSALS.set(())
    started = [run.id for config in configs if (run := _started(config, dataset)) is not None]
    if started:
        _RACE.set(tuple(started))
        races = _begun()
        races[workspace.token()] = tuple(started)
        while len(races) > _MOST_REMEMBERED:
            races.popitem(last=False)


def _started(config: RunConfig, dataset: Dataset) -> Run | None:
    try:
        return visitor_runs.start_run(dataclasses.replace(config, dataset=dataset.name), dataset, is_shown=False)
    except PlaygroundError as error:
        refusal = f"{presets.title_of(config)} does not race. {error}"
        _REFUSALS.set((*_REFUSALS.get(), refusal))
        return None


def _stop(there: Named) -> None:
    for run in there.values():
        scheduler.shared().stop(run)


# --- The race ----------------------------------------------------------------------------------------------------


def _follow(there: Named, across: str) -> None:
    if not any(run.snapshot.status.is_active for run in there.values()):
        st.rerun()  # The whole page: it stops polling and shows the winner.
    for label, run in zip(run_curves.run_legend(list(there)).values(), there.values(), strict=True):
        st.progress(run.fraction, text=f"{label} · {_progress(run)}")
    if not projector.is_on():
        st.caption("A bar shows how much of its epochs a network has done. The best test accuracy wins.")
    _curves(there, across)


def _progress(run: Run) -> str:
    shot = run.snapshot
    if shot.status is Status.FAILED:
        return shot.message
    if not shot.status.is_active:
        return f"{shot.status.value}, {shot.evaluation.accuracy:.2%}" if shot.evaluation else shot.status.value
    if run.is_stopping:
        return "stopping …"
    if not shot.points:
        return "getting ready …"
    left = run.seconds_left
    return f"epoch {shot.points[-1].epoch} of {run.config.epochs}" + (
        f" · {run_text.duration_text(left)} left" if left else ""
    )


def _seconds(run: Run) -> float:
    return run.snapshot.busy_seconds


def _ranking(there: Named) -> None:
    """The ranking as a table, and a button to compare the runs."""
    ended = {name: run.snapshot.evaluation for name, run in there.items() if run.snapshot.evaluation}
    order = sorted(ended, key=lambda name: -ended[name].accuracy)
    labels = run_curves.run_legend(list(there))
    lines = [
        f"| {labels[name]}{_unlike_finished(there[name])} | {ended[name].accuracy:.2%} | {_seconds(there[name]):.1f} "
        f"| {network.parameter_count(there[name].config):,} |"
        for name in order
    ]
    if len(order) > 1:
        _announce(order, {name: ended[name].accuracy for name in order})
    if lines:
        st.markdown("\n".join(["| Network | Test | Seconds | Weights |", "|:--|--:|--:|--:|", *lines]))
        st.caption(
            "Test: accuracy on the test images. Seconds: how long it computed, without waiting for the others' turns. "
            "Weights: how many numbers it learns."
        )
    for name, run in there.items():
        if run.snapshot.message:
            st.warning(f"{name}: {run.snapshot.message}", icon=":material/warning:")
    splits = {run.config.split for run in there.values()}
    if len(splits) > 1:
        st.caption("Not all were tested on the same images: Kite's recipe holds out training images for testing.")
    if len(ended) > 1:
        ids = [run.id for run in there.values()]  # In this order the runs keep their colours.
        st.button("Compare them", icon=":material/compare_arrows:", on_click=_compare, args=(ids,))


def _announce(order: Sequence[str], accuracies: dict[str, float]) -> None:
    first, second = order[:2]
    if accuracies[first] == accuracies[second]:
        st.success(f"A draw: the best reach {accuracies[first]:.2%} on the test images.", icon=":material/trophy:")
        return
    name = run_picker.escape_markdown(first)
    st.success(f"**{name}** wins: {accuracies[first]:.2%} on the test images.", icon=":material/trophy:")


def _unlike_finished(run: Run) -> str:
    shot = run.snapshot
    if shot.status is Status.FINISHED:
        return ""
    return f", {shot.status.value} after {len(shot.epochs)} of {run.config.epochs} epochs"


def _compare(ids: Sequence[str]) -> None:
    run_table.choose_runs(ids)
    controls.set_value("compare-view", run_table.VIEW)
