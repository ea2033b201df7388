"""What a page says of a run in words: how far it is, how long it takes, and what a screen reader says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_core.language import gettext as _
from mnist_core.language import ngettext
from mnist_core.runs import scheduler
from mnist_core.training import Status, capacity
from pages.widgets.common import run_picker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_core.runs.network_run import Run
    from mnist_core.runs.snapshot import Snapshot


def progress_text(run: Run, shot: Snapshot) -> str:
    """How far a run is, in one line."""
    title = run_picker.run_title(run)
    if not shot.status.is_active:
        is_whole = shot.status is Status.FINISHED or not shot.points
        where = (
            ""
            if is_whole
            else _(", stopped during epoch {epoch} of {epochs}", epoch=shot.points[-1].epoch, epochs=run.config.epochs)
        )
        return (
            _("{title} · run {number}{where}", title=title, number=run.number, where=where)
            if shot.evaluation
            else title
        )
    others = scheduler.shared().watched_runs - (shot.status is not Status.PAUSED)
    sharing = ngettext("shared with {count} other run", "shared with {count} other runs", others)
    if shot.status is Status.WAITING and not shot.points:
        if others <= 0:
            return _("{title} · preparing (only the first time) …", title=title)
        alone = capacity.estimated_seconds(run.config, len(run.split.train_indices))
        return _(
            "Waiting for a turn · {sharing} · total: about {duration}",
            sharing=sharing,
            duration=duration_text(alone * (1 + others)),
        )
    epoch = shot.points[-1].epoch if shot.points else 1
    parts = [title, _("epoch {epoch} of {epochs}", epoch=epoch, epochs=run.config.epochs)]
    if run.is_stopping:
        parts.append(_("stopping …"))
    elif shot.status is Status.PAUSED:
        parts.append(_("paused"))
    elif run.is_pause_wanted:
        parts.append(_("pausing …"))
    elif shot.status is Status.WAITING:
        return " · ".join([*parts, _("waiting …")])
    else:
        left = run.seconds_left
        if left is not None:
            parts.append(_("{duration} left", duration=duration_text(left)))
        if others > 0:
            parts.append(sharing)
    if run.samples_per_second:
        parts.append(_("{samples_per_second:,.0f} images a second", samples_per_second=run.samples_per_second))
    return " · ".join(parts)


def group_text(group: Sequence[Run]) -> str:
    """How far several seeds of one network are, in one line."""
    first, active = min(group, key=lambda run: run.number), [run for run in group if run.snapshot.status.is_active]
    title = run_picker.run_title(first)
    parts = [title, _("{count} seeds", count=len(group))]
    if active:
        epoch = min(run.snapshot.points[-1].epoch if run.snapshot.points else 1 for run in active)
        parts += [
            _("{count} training", count=len(active)),
            _("epoch {epoch} of {epochs}", epoch=epoch, epochs=group[0].config.epochs),
        ]
        if all(run.is_pause_wanted for run in active):
            parts.append(_("paused"))
        left = [run.seconds_left for run in active if run.seconds_left is not None]
        if left:
            parts.append(_("{duration} left", duration=duration_text(max(left))))
    return " · ".join(parts)


def spoken_text(run: Run, shot: Snapshot) -> str:
    """What a screen reader says when the run starts, after each epoch, and when it has ended."""
    if shot.evaluation is not None:
        return _(
            "The run has ended. It reads {accuracy:.1%} of the test images right.", accuracy=shot.evaluation.accuracy
        )
    if not shot.status.is_active:
        return _("The run has ended.")
    if not shot.epochs:
        return _("Training has started.")
    accuracy = shot.epochs[-1].accuracy
    return _(
        "Epoch {count} of {epochs}: {accuracy:.0%} of the training images right.",
        count=len(shot.epochs),
        epochs=run.config.epochs,
        accuracy=accuracy,
    )


def spoken_group_text(group: Sequence[Run]) -> str:
    """What a screen reader says of several seeds, when one of them has ended."""
    ended = sum(not run.snapshot.status.is_active for run in group)
    return _("{ended} of {count} seeds have been trained.", ended=ended, count=len(group))


def duration_text(seconds: float) -> str:
    """A duration in words, such as "40 s" or "3 min"."""
    if seconds < 90:
        return _("{seconds} s", seconds=max(1, round(seconds)))
    return _("{minutes} min", minutes=round(seconds / 60))


def rates_text(shot: Snapshot) -> str:
    """The changes of the learning rate so far; empty if there was none."""
    changes = ", ".join(
        _(
            "{learning_rate:g} from epoch {epoch}, step {step}",
            learning_rate=x.learning_rate,
            epoch=x.epoch,
            step=x.step + 1,
        )
        for x in shot.rates
    )
    return _("Learning rate: {changes}.", changes=changes) if changes else ""
