"""A network to train with a class: what it is, the picture of all networks, and the guesses."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import streamlit as st

from mnist_core import presets
from mnist_core.charts import class_networks, comparison, training, votes
from mnist_core.charts.training import Point
from mnist_core.classes import config_of, progress
from mnist_core.config import SETTINGS
from mnist_core.data import splits
from mnist_core.errors import StoreError
from mnist_core.evaluation.comparison import pareto_front
from mnist_core.language import Message, format_number
from mnist_core.language import gettext as _
from mnist_core.training import capacity
from pages.widgets.classroom import membership
from pages.widgets.common import run_curves, theme, vega_chart
from pages.widgets.state import data_sets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mnist_core.classes import Train
    from mnist_core.classes.progress import Network
    from mnist_core.config import RunConfig
    from mnist_core.store.class_records import Board
    from mnist_core.store.classes import Classes
    from mnist_core.training import EpochMetrics

_OWN = Message("Your networks")
_GUESS, _RESULT = Message("Guessed"), Message("Last network of each")
_TENS = tuple(range(0, 100, 10))


def network_title(task: Train) -> str:
    """A short name of the network."""
    return _(presets.title_of(config_of(task)))


def task_text(task: Train) -> str:
    """What to do, as Markdown."""
    free = ", ".join(_(SETTINGS[name].label) for name in task.free)
    lines = [_("Train this network: **{network}**.", network=network_title(task))]
    lines.append(_("You can change: **{settings}**.", settings=free) if free else _("Its settings stay as they are."))
    if goal_text(task):
        lines.append(goal_text(task))
    return " ".join(lines)


def goal_text(task: Train) -> str:
    """The goal, as Markdown; empty for none."""
    accuracy = format_number(task.accuracy or 0.0, ".1%")
    parameters = format_number(task.parameters or 0, ",")
    if task.accuracy is not None and task.parameters is not None:
        return _(
            "Goal: a validation accuracy of at least **{accuracy}**, with at most **{parameters}** parameters.",
            accuracy=accuracy,
            parameters=parameters,
        )
    if task.accuracy is not None:
        return _("Goal: a validation accuracy of at least **{accuracy}**.", accuracy=accuracy)
    return _("Goal: at most **{parameters}** parameters.", parameters=parameters) if task.parameters is not None else ""


def fixed_text(task: Train, now: RunConfig) -> str:
    """The settings that a class cannot change, in one line: the main ones, and what differs from the usual."""
    fixed = [
        f"{_(setting.label)}: {setting.in_words(getattr(now, name))}"
        for name, setting in SETTINGS.items()
        if name not in (*task.free, "dataset", "split", "seed")
        and (setting.section == "main" or name == "layers" or getattr(now, name) != setting.default)
    ]
    return " · ".join(fixed)


def seconds_for(task: Train, seats: int) -> float:
    """How long it takes until every seat has trained one network, if all train at once, in seconds."""
    dataset = data_sets.get(config_of(task).dataset)
    images = 60_000 if dataset is None else len(splits.split_for(dataset, config_of(task)).train_indices)
    return seats * capacity.estimated_seconds(config_of(task), images)


def picture(
    task: Train | None,
    found: Sequence[Network],
    name: str,
    own: int | None = None,
    has_spread: bool = False,
    font_size: int = 14,
    height: int = 280,
    can_select: bool = False,
) -> Network | None:
    """Networks of a class: validation accuracy against parameters. Nobody is named.

    Args:
        task: whose goal is shown; None for no goal.
        found: those that have finished an epoch.
        name: key of the chart.
        own: the seat whose networks have a color; None for a color for all.
        has_spread: whether networks that differ in the seed only are joined.
        font_size: of its texts, in pixels.
        height: in pixels.
        can_select: whether a network can be selected.

    Returns:
        The network that is selected; None for none.
    """
    import pandas as pd

    found = sorted(found, key=lambda one: one.seat == own)  # No other point covers the own ones.
    parameters = [float(one.parameters) for one in found]
    accuracies = [one.accuracy for one in found]
    columns = comparison.trade_off_columns(parameters, accuracies, pareto_front(parameters, accuracies))
    names = [_(_OWN) if one.seat == own else "" for one in found]
    colored = "" if own is None else _(_OWN)
    table = pd.DataFrame({"name": names, "run": [one.run for one in found], **columns})
    spec = class_networks.networks(
        [colored],
        parameters,
        columns["error"],
        (None, None) if task is None else (task.accuracy, task.parameters),
        progress.spread_of_seeds(found) if has_spread else (),
        font_size,
        height,
        can_select,
    )
    alt = _("No network has finished an epoch yet.")
    if found:
        alt = _(
            "Networks: {count}. Validation accuracy: {low:.1%} to {high:.1%}. Parameters: {least:,.0f} to {most:,.0f}.",
            count=len(found),
            low=min(accuracies),
            high=max(accuracies),
            least=min(parameters),
            most=max(parameters),
        )
    if not can_select:
        vega_chart.vega_chart(spec, table, key=name, alt=alt)
        return None
    chosen = vega_chart.selectable_chart(spec, table, key=name, alt=alt)
    ids = selected_runs(chosen)
    return next((one for one in found if one.run in ids), None)


def selected_runs(event: Mapping[str, Any]) -> set[object]:
    """The ids of the networks that are selected in a chart, from what the browser has sent."""
    points = event.get("selection", {}).get(class_networks.SELECTION, [])
    return {point.get("run") for point in points if isinstance(point, dict)}


def network_curve(class_id: str, one: Network, name: str, font_size: int = 14, height: int = 200) -> None:
    """The accuracy of a network after each epoch. Nothing if it was deleted.

    Args:
        class_id: the class.
        one: a network of it that has ended.
        name: key of the chart.
        font_size: of its texts, in pixels.
        height: in pixels.
    """
    import pandas as pd

    try:
        epochs = _history(membership.classes(), class_id, one.run)
    except StoreError:
        return
    points = [Point(at.epoch, at.epoch, at.accuracy, at.loss, training.TRAINING, "") for at in epochs]
    points += [
        Point(at.epoch, at.epoch, at.validation_accuracy, at.validation_loss, training.VALIDATION, "")
        for at in epochs
        if at.validation_accuracy is not None and at.validation_loss is not None
    ]
    if not points:
        return
    ends = training.ends(training.ACCURACY, points, is_over=True)
    table = pd.DataFrame(training.rows(training.ACCURACY, points, len(epochs), ends))
    spec = training.learning_curves(
        training.ACCURACY,
        [""],
        shows_validation=True,
        text_color=theme.text_color(),
        height=height,
        names_images=False,
    )
    run_curves.chart_heading(_(training.ACCURACY.capitalize()), run_curves.images_legend())
    alt = _("Curve: validation accuracy after each epoch, at the end {accuracy:.1%}.", accuracy=one.accuracy)
    vega_chart.vega_chart(training.enlarged(spec, font_size, has_names=False), table, key=name, alt=alt)


@functools.lru_cache(16)  # A run that has ended stays as it is.
def _history(of: Classes, class_id: str, run_id: str) -> tuple[EpochMetrics, ...]:
    return of.history(class_id, run_id)


def guesses_chart(board: Board, name: str, font_size: int = 14, height: int = 160) -> None:
    """What the seats have guessed, and the validation accuracy of their last networks, in steps of 10 %."""
    last = progress.last_of_each(progress.networks_of(board))
    given = {_(_GUESS): list(board.guesses.values()), _(_RESULT): [one.accuracy for one in last.values()]}
    rows, words, most = [], [], 1
    for title, shares in given.items():
        tens = [min(int(100 * share) // 10 * 10, _TENS[-1]) for share in shares]
        counts = {ten: tens.count(ten) for ten in _TENS}
        rows += [{"letter": str(ten), "vote": title, "count": count or None} for ten, count in counts.items()]
        words.append(f"{title}: {', '.join(f'{_ten(ten)}: {count}' for ten, count in counts.items() if count)}.")
        most = max(most, *counts.values())
    spec = votes.histogram([*map(str, _TENS)], list(given), most, theme.text_color(), font_size, height)
    st.markdown(_("Accuracy in %, in steps of 10"))
    vega_chart.vega_chart({**spec, "data": {"values": rows}}, key=name, alt=" ".join(words))


def _ten(ten: int) -> str:
    return f"{ten}–{ten + 9}" if ten < _TENS[-1] else f"{ten}–100"


def network_line(one: Network) -> str:
    """A network in one line, without saying whose it is."""
    return _(
        "**{network}** · {parameters:,} parameters · validation accuracy **{accuracy:.1%}**",
        network=_(presets.title_of(one.config)),
        parameters=one.parameters,
        accuracy=one.accuracy,
    )
