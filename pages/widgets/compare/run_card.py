"""Details and buttons of the chosen runs: rename, note, pin, evaluate, edit, stop, delete, undo."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import streamlit as st

from mnist_core.data import datasets, uploads
from mnist_core.errors import PlaygroundError
from mnist_core.evaluation import seeds
from mnist_core.language import Message, ngettext
from mnist_core.language import gettext as _
from mnist_core.runs import scheduler
from mnist_core.store.records import NOTES_LENGTH, TITLE_LENGTH
from pages.widgets.common import time_zone
from pages.widgets.compare import run_table
from pages.widgets.state import controls, editor_state, saved_runs, visitor_runs, workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mnist_core.runs.network_run import Run
    from pages.widgets.compare.run_table import Row

_PATIENCE = 2.0

_DELETED: Key[tuple[str, ...]] = Key("deleted-runs-noted", (), of_workspace=True)
_TROUBLE = Key("run-trouble-noted", "")


def run_details(row: Row) -> None:
    """Controls for the name, the notes and the pin of a run; of several seeds, what is known of all."""
    if row.seeds:
        spread = seeds.Spread.of(row.accuracies)
        st.markdown(
            _(
                "**{count} seeds**: test accuracy {mean:.2%} on average, from {low:.2%} to "
                "{high:.2%}. Their settings are the same. Only the seed differs.",
                count=spread.count,
                mean=spread.mean,
                low=spread.low,
                high=spread.high,
            )
        )
        return
    summary = row.summary
    name, pin = st.columns([3, 1], vertical_alignment="center")
    with name:
        key = f"name-{summary.id}"
        st.text_input(
            _("Name"),
            **controls.seeded(key, summary.title),
            max_chars=TITLE_LENGTH,
            placeholder=_("Rename this run"),
            on_change=_change,
            args=(_rename, summary.id, key),
            label_visibility="collapsed",
        )
    with pin:
        key = f"pin-{summary.id}"
        st.toggle(
            _("Pin"),
            **controls.seeded(key, summary.is_pinned),
            on_change=_change,
            args=(_pin, summary.id, key),
            help=_("Pinned runs are never deleted automatically."),
        )
    st.caption(_origin(row))
    with st.expander(_("Notes"), icon=":material/notes:", expanded=bool(summary.notes)):
        key = f"notes-{summary.id}"
        st.text_area(
            _("Notes"),
            **controls.seeded(key, summary.notes),
            max_chars=NOTES_LENGTH,
            placeholder=_("Your notes"),
            on_change=_change,
            args=(_note, summary.id, key),
            label_visibility="collapsed",
        )


def _origin(row: Row) -> str:
    """When the run was started, with which data and which library versions."""
    since = datetime.fromtimestamp(row.summary.created, time_zone.of_visitor())
    # Not the provenance: it may contain a path of the server.
    names = {**{name: _(title) for name, title in datasets.NAMES.items()}, uploads.NAME: _("Your own images")}
    parts = [_("Started on {since}", since=since), names.get(row.summary.dataset, row.summary.dataset)]
    if row.config is not None:
        parts.append(_("seed {seed}", seed=row.config.seed))
    versions = saved_runs.saved_versions(row.summary)
    parts += [f"{name} {version}" for name, version in versions.items() if name not in ("scipy", "machine")]
    return " · ".join(parts)


def _change(how: Callable[[str, Any], None], run_id: str, key: str) -> None:
    _try(how, run_id, controls.value_of(key))


def _rename(run_id: str, title: str) -> None:
    title = " ".join(title.split())
    saved_runs.store().rename(workspace.token(), run_id, title)
    for run in (*visitor_runs.runs(), *workspace.run_saver().runs(workspace.token())):
        if run.id == run_id:
            run.title = title


def _note(run_id: str, notes: str) -> None:
    saved_runs.store().note(workspace.token(), run_id, notes)


def _pin(run_id: str, is_pinned: bool) -> None:
    saved_runs.store().pin(workspace.token(), run_id, is_pinned)


def run_buttons(chosen: Sequence[Row]) -> None:
    """Buttons for the chosen runs."""
    under_way = [run for row in chosen if (run := run_table.active_run(row.id)) is not None]
    with st.container(horizontal=True):
        if len(chosen) == 1:
            _offer_ways(chosen[0])
        if under_way:
            label = _("Stop") if len(chosen) == 1 else _("Stop the active ones ({count})", count=len(under_way))
            st.button(label, icon=":material/stop:", on_click=_stop, args=(under_way,))
        else:
            label = _("Delete") if len(chosen) == 1 else _("Delete these {count}", count=len(chosen))
            ids = [row.id for row in chosen]
            is_pinned = any(row.summary.is_pinned for row in chosen)
            st.button(
                label,
                icon=":material/delete:",
                on_click=_delete,
                args=(ids,),
                type="tertiary",
                disabled=is_pinned,
                help=_("Pinned runs are not deleted. Unpin it first.") if is_pinned else None,
            )


def _offer_ways(row: Row) -> None:
    if row.summary.test_accuracy is not None and st.button(_("Evaluate"), icon=":material/grid_on:"):
        visitor_runs.prefer_run(row.id)
        st.switch_page("pages/evaluate.py")
    if row.config is not None and st.button(
        _("Edit in Train"), icon=":material/tune:", help=_("Puts its settings into the editor.")
    ):
        editor_state.load_config(row.config, Message("Run {number}", number=row.summary.number))
        st.switch_page("pages/train.py")


def _stop(under_way: Sequence[Run]) -> None:
    for run in under_way:
        scheduler.shared().stop(run)


def _delete(ids: Sequence[str]) -> None:
    store, token = saved_runs.store(), workspace.token()
    workspace.run_saver().wait_until_saved(_PATIENCE)  # Wait for the saver, so that Undo brings back the whole run.
    gone = [run_id for run_id in ids if _try(store.delete, token, run_id)]
    for run_id in gone:
        workspace.run_saver().forget(token, run_id)  # Another tab may still hold it in memory.
        visitor_runs.remove_run(run_id)
    _DELETED.set(tuple(gone))
    run_table.choose_runs([one for one in run_table.chosen_ids() if one not in gone])


def _restore(ids: Sequence[str]) -> None:
    for run_id in ids:
        _try(saved_runs.store().restore, workspace.token(), run_id)
    _DELETED.set(())
    run_table.choose_runs(ids)


def _try(what: Callable[..., object], *of: object) -> bool:
    """Call `what`. If it fails, remember the error for `deletion_notice` and return False."""
    try:
        what(*of)
    except PlaygroundError as error:
        _TROUBLE.set(error.message)
        return False
    return True


def deletion_notice() -> None:
    """The last error, and the last deletion with an Undo button."""
    trouble, gone = _TROUBLE.get(), _DELETED.get()
    _TROUBLE.set("")
    if trouble:
        st.error(_(trouble), icon=":material/error:")
    if gone:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(ngettext("Deleted {count} run.", "Deleted {count} runs.", len(gone)))
            st.button(_("Undo"), icon=":material/undo:", on_click=_restore, args=(gone,))
