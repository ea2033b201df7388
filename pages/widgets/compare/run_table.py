"""The table of the visitor's runs: results, settings that differ, and which runs are chosen."""

from __future__ import annotations

import dataclasses
import functools
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import network
from mnist_core.charts import training as training_charts
from mnist_core.config import LAYER_KINDS
from mnist_core.data import datasets, uploads
from mnist_core.errors import StoreError
from mnist_core.evaluation import comparison, seeds
from mnist_core.language import SOURCE, Message, ngettext, speaking
from mnist_core.language import gettext as _
from mnist_core.training import Status
from pages.widgets.common import live
from pages.widgets.common.misconception import misconception_link
from pages.widgets.state import controls, saved_runs, workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from mnist_core.config import RunConfig
    from mnist_core.runs.network_run import Run
    from mnist_core.store.records import RunSummary

VIEW = Message("Your runs")
"""What the Compare page calls the view with the table."""
# With this many runs, no search is needed.
_FEW = 3
_EVERY = ""

_CHOOSE = Message("Choose your settings by validation accuracy. Otherwise your choice fits the test by luck.")
_ENDS = Message("Lowest to highest")

_IS_GROUPED = Key("group-seeds-noted", True)
_CHOSEN: Key[Sequence[str]] = Key("compared-runs-noted", (), of_workspace=True)
_EDITION = Key("choice-edition-noted", 0)
_FILTER = Key("run-filter-noted", ("", False, _EVERY))


@dataclass(frozen=True)
class Row:
    """A run in the table, or several that differ in nothing but the seed.

    Args:
        summary: its saved summary; of several runs that of the oldest, with the mean results.
        config: its settings; None when they cannot be read.
        name: its name on this page, different for each row.
        seeds: the rows of several runs, the oldest first; empty for a single run.
    """

    summary: RunSummary
    config: RunConfig | None
    name: str
    seeds: Sequence[Row] = ()

    @classmethod
    def of_seeds(cls, rows: Sequence[Row]) -> Row:
        """One row for several ended runs of one network."""
        first = rows[0]

        def mean(of: str) -> float | None:
            found = [value for row in rows if (value := getattr(row.summary, of)) is not None]
            return sum(found) / len(found) if len(found) == len(rows) else None

        means = {name: mean(name) for name in ("validation_accuracy", "test_accuracy", "test_loss", "seconds")}
        summary = dataclasses.replace(
            first.summary,
            is_pinned=any(row.summary.is_pinned for row in rows),
            **means,  # type: ignore[arg-type]
        )
        return cls(summary, first.config, _("{name} · {count} seeds", name=first.name, count=len(rows)), rows)

    @property
    def runs(self) -> Sequence[Row]:
        """The rows of its runs."""
        return self.seeds or (self,)

    @property
    def accuracies(self) -> list[float]:
        """The test accuracy of each run that has been tested."""
        return [row.summary.test_accuracy for row in self.runs if row.summary.test_accuracy is not None]

    @property
    def id(self) -> str:
        """The run's id."""
        return self.summary.id

    @property
    def parameters(self) -> int | None:
        """The number of parameters."""
        return network.parameter_count(self.config) if self.config else None

    @property
    def state(self) -> str:
        """Its status and its epochs."""
        status, done = self.summary.status, self.summary.epochs
        planned = self.config.epochs if self.config else done
        if not done and not status.is_active:
            return _(status.label)  # It failed at once, or was uploaded from a file.
        epochs = _("{done} of {planned}", done=done, planned=planned) if done != planned else f"{done}"
        ended = ngettext("{epochs} epoch", "{epochs} epochs", planned, epochs=epochs)
        return f"{_(status.label)}, {ended}"


def table_rows(summaries: Sequence[RunSummary]) -> list[Row]:
    """The rows of saved runs, in the same order. Active runs have their current state."""
    names = [
        # The number first, because a phone cuts off the end.
        (f"{one.number} · " if one.number else "")
        + saved_runs.saved_title(one)
        + (_(" (own data)") if one.dataset == uploads.NAME else "")
        for one in summaries
    ]
    # The charts already use this name.
    names = comparison.number_duplicates([training_charts.PUBLISHED, *names])[1:]
    return [Row(_now(one), _config(one), name) for one, name in zip(summaries, names, strict=True)]


def active_run(run_id: str) -> Run | None:
    """The run, if it is active on this server."""
    found = (run for run in workspace.run_saver().runs(workspace.token()) if run.id == run_id)
    return next((run for run in found if run.snapshot.status.is_active), None)


def _now(summary: RunSummary) -> RunSummary:
    """The summary with the current state: the saved one is a moment behind."""
    held = {run.id: run for run in workspace.run_saver().runs(workspace.token())} if summary.status.is_active else {}
    if summary.id not in held:
        return summary
    shot = held[summary.id].snapshot
    return dataclasses.replace(
        summary,
        status=shot.status,
        epochs=len(shot.epochs),
        seconds=shot.busy_seconds,
        validation_accuracy=shot.epochs[-1].validation_accuracy if shot.epochs else None,
        test_accuracy=shot.evaluation.accuracy if shot.evaluation else None,
        test_loss=shot.evaluation.loss if shot.evaluation else None,
    )


def _config(summary: RunSummary) -> RunConfig | None:
    try:
        return summary.config
    except StoreError:
        return None  # Its row shows that the settings cannot be read.


def chosen_ids() -> list[str]:
    """The ids of the chosen runs, in the order of choosing."""
    return list(_CHOSEN.get())


def choose_runs(ids: Sequence[str]) -> None:
    """Choose these runs. The table is rebuilt with these rows ticked."""
    _CHOSEN.set(list(ids))
    _EDITION.set(_EDITION.get() + 1)


def runs_table(every: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Filters and the table; returns the shown rows, and the chosen ones among them in the order of choosing.

    The best validation accuracy comes first; runs without one keep their order below.
    """
    rows = _grouped(_filtered(every))
    # A run that is chosen elsewhere, such as after a race, may be part of a row here.
    row_of = {run.id: row.id for row in rows for run in row.runs}
    chosen = list(dict.fromkeys(row_of.get(one, one) for one in chosen_ids()))
    if chosen != chosen_ids():
        choose_runs(chosen)
    shown = sorted(rows, key=lambda row: -(row.summary.validation_accuracy or 0.0))
    if not shown:
        st.caption(_("No matching runs. Clear the search to see all of them."))
        return [], []
    _grid(shown)
    if any(row.summary.validation_accuracy is not None for row in shown):
        st.caption(_("Best validation accuracy first. {choose}", choose=_CHOOSE))
        misconception_link("wears-out")
    elif any(row.summary.test_accuracy is not None for row in shown):
        st.caption(_(_CHOOSE))
        misconception_link("wears-out")
    here = [run.id for row in shown for run in row.runs if run.summary.status.is_active]
    active = [run for run_id in here if (run := active_run(run_id)) is not None]
    if active:
        st.fragment(_await_end, run_every=live.poll_seconds())(active)
    return shown, _choice(shown)


def _await_end(active: Sequence[Run]) -> None:
    if not all(run.snapshot.status.is_active for run in active):
        st.rerun()  # The whole page: the table shows the result.


def _filtered(every: Sequence[Row]) -> list[Row]:
    sets = sorted({row.summary.dataset for row in every})
    text, is_pinned, data_set = _FILTER.get()
    if len(every) > _FEW or text or is_pinned or data_set:
        with st.container(horizontal=True, vertical_alignment="center"):
            # On the left: the toolbar of the table covers the right end.
            is_pinned = st.toggle(_("Only pinned"), **controls.seeded("run-pinned", is_pinned))
            if len(sets) > 1 or data_set:
                choices = [_EVERY, *sorted({*sets, *filter(None, [data_set])})]
                data_set = st.selectbox(
                    _("Data set"),
                    choices,
                    **controls.seeded_choice("run-data-set", data_set, choices),
                    format_func=lambda name: _(datasets.NAMES.get(name, name)) or _("All data sets"),
                    label_visibility="collapsed",
                )
            text = st.text_input(
                _("Search"),
                **controls.seeded("run-search", text),
                placeholder=_("Search names, notes and settings"),
                label_visibility="collapsed",
            )
        _FILTER.set((text, is_pinned, data_set))
    words = text.lower().split()
    return [
        row
        for row in every
        if (row.summary.is_pinned or not is_pinned)
        and data_set in (_EVERY, row.summary.dataset)
        and (not words or all(word in _searched(row) for word in words))
    ]


def _grouped(rows: Sequence[Row]) -> list[Row]:
    """The rows with those that differ in nothing but the seed as one, in the place of the newest of them."""
    together: dict[tuple[str, RunConfig], dict[int, Row]] = {}
    for row in rows:
        if row.config is not None and row.summary.status is Status.FINISHED and row.summary.test_accuracy is not None:
            key = row.summary.fingerprint, seeds.without_seed(row.config)
            together.setdefault(key, {}).setdefault(row.config.seed, row)
    groups = [list(reversed(found.values())) for found in together.values() if len(found) >= seeds.LEAST]
    if not groups:
        return list(rows)
    is_wanted = st.toggle(
        _("One row for all seeds of a network"),
        **controls.seeded("group-seeds", _IS_GROUPED.get()),
        help=_("Runs that differ only in the seed become one row, with their mean."),
    )
    _IS_GROUPED.set(is_wanted)
    if not is_wanted:
        return list(rows)
    newest = {group[-1].id: Row.of_seeds(group) for group in groups}
    hidden = {row.id for group in groups for row in group}
    return [newest.get(row.id, row) for row in rows if row.id not in hidden or row.id in newest]


def _searched(row: Row) -> str:
    described = comparison.described(row.config) if row.config else {}
    settings = [f"{_(name)} {value}" for name, value in described.items()]
    settings += [_(LAYER_KINDS[layer.kind]) for layer in (row.config.layers if row.config else ())]
    return " ".join([row.name, row.summary.notes, _(row.summary.status.label), *settings]).lower()


def _grid(shown: Sequence[Row]) -> None:
    ids = [row.id for row in shown]
    # Ticks are positions in this list of runs, so another list needs another key.
    key = f"runs-{_EDITION.get()}-{zlib.crc32(' '.join(ids).encode()):x}"
    config = st.column_config
    st.dataframe(
        _table(shown),
        key=key,
        hide_index=True,
        on_select=functools.partial(_take_ticks, key, ids),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [ids.index(one) for one in chosen_ids() if one in ids]}},
        placeholder="",
        column_config={
            "Run": config.TextColumn(_("Run"), pinned=True, width="medium", help=_("★: pinned.")),
            "Validation accuracy": config.NumberColumn(
                _("Validation accuracy"),
                format="%.2f%%",
                help=_("Share of the validation images that it read right after its last epoch."),
            ),
            "Test accuracy": config.NumberColumn(
                _("Test accuracy"), format="%.2f%%", help=_("Share of the test images that it reads right.")
            ),
            _ENDS: config.TextColumn(_(_ENDS), help=_("The test accuracy of the worst and of the best seed.")),
            "Test loss": config.NumberColumn(
                _("Test loss"), format="%.4f", help=_("The loss on the test images. 0 is perfect.")
            ),
            "Parameters": config.NumberColumn(
                _("Parameters"), format="localized", help=_("How many weights and biases it learns.")
            ),
            "Seconds": config.NumberColumn(
                _("Seconds"), format="%.1f", help=_("Computing time, without waiting for other runs.")
            ),
            "State": config.TextColumn(_("State"), help=_("Whether it has finished, and after how many epochs.")),
        },
        alt=_("Your runs"),
    )


def _table(shown: Sequence[Row]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(
        [
            (
                f"{'★ ' if row.summary.is_pinned else ''}{row.name}",
                None if row.summary.validation_accuracy is None else 100 * row.summary.validation_accuracy,
                None if row.summary.test_accuracy is None else 100 * row.summary.test_accuracy,
                _ends(row),
                row.summary.test_loss,
                row.parameters,
                row.summary.seconds or None,
                row.state,
            )
            for row in shown
        ],
        columns=["Run", "Validation accuracy", "Test accuracy", _ENDS, "Test loss", "Parameters", "Seconds", "State"],
    )
    if table["Validation accuracy"].isna().all():
        table = table.drop(columns="Validation accuracy")
    if not any(row.seeds for row in shown):
        table = table.drop(columns=_ENDS)
    readable = [row.config for row in shown if row.config]
    with speaking(SOURCE):  # To read the numbers below.
        differing = iter(comparison.differences(readable))
    settings = pd.DataFrame([next(differing) if row.config else {} for row in shown], index=table.index)
    if "Seed" in settings:
        settings["Seed"] = [", ".join(str(run.config.seed) for run in row.runs if run.config) for row in shown]
    # So that 9 is sorted before 10.
    settings = settings.apply(
        lambda texts: numbers if (numbers := pd.to_numeric(texts, "coerce")).notna().all() else texts.map(_)
    )
    return pd.concat([table, settings.rename(columns=_)], axis=1)


def _ends(row: Row) -> str | None:
    spread = seeds.Spread.of(row.accuracies) if row.seeds else None
    return _("{low:.2%} to {high:.2%}", low=spread.low, high=spread.high) if spread else None


def _take_ticks(key: str, ids: Sequence[str]) -> None:
    _take([ids[place] for place in controls.value_of(key)["selection"]["rows"] if place < len(ids)], ids)


def _take(now: Sequence[str], ids: Sequence[str]) -> None:
    """Remember which of `ids` are chosen now. Runs that a filter hides do not change."""
    before = chosen_ids()
    stay = [one for one in before if one in now or one not in ids]
    _CHOSEN.set([*stay, *(one for one in now if one not in before)])


def _choice(shown: Sequence[Row]) -> list[Row]:
    """The chosen runs by name, also for visitors who cannot tick rows of the table."""
    by_id = {row.id: row for row in shown}
    chosen = [one for one in chosen_ids() if one in by_id]

    def take() -> None:
        _take(controls.value_of("run-choice-names"), list(by_id))
        choose_runs(chosen_ids())

    controls.set_value("run-choice-names", chosen)
    st.multiselect(
        _("Chosen runs"),
        list(by_id),
        default=chosen,
        key="run-choice-names",
        format_func=lambda one: by_id[one].name,
        on_change=take,
        placeholder=_("Tick runs in the table, or choose them here"),
        label_visibility="collapsed",
    )
    return [by_id[one] for one in chosen]
