"""What a page says of a run in words: how far it is, how long it takes, and what a screen reader says."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        where = "" if is_whole else f", stopped during epoch {shot.points[-1].epoch} of {run.config.epochs}"
        return f"{title} · run {run.number}{where}" if shot.evaluation else title
    others = scheduler.shared().watched_runs - (shot.status is not Status.PAUSED)
    sharing = f"shared with {others} other {'run' if others == 1 else 'runs'}"
    if shot.status is Status.WAITING and not shot.points:
        if others <= 0:
            return f"{title} · preparing (only the first time) …"
        alone = capacity.estimated_seconds(run.config, len(run.split.train_indices))
        return f"Waiting for a turn · {sharing} · total: about {duration_text(alone * (1 + others))}"
    epoch = shot.points[-1].epoch if shot.points else 1
    parts = [title, f"epoch {epoch} of {run.config.epochs}"]
    if run.is_stopping:
        parts.append("stopping …")
    elif shot.status is Status.PAUSED:
        parts.append("paused")
    elif run.is_pause_wanted:
        parts.append("pausing …")
    else:
        left = run.seconds_left
        if left is not None:
            parts.append(f"{duration_text(left)} left")
        if others > 0:
            parts.append(sharing)
    if run.samples_per_second:
        parts.append(f"{run.samples_per_second:,.0f} images a second")
    return " · ".join(parts)


def group_text(group: Sequence[Run]) -> str:
    """How far several seeds of one network are, in one line."""
    first, active = min(group, key=lambda run: run.number), [run for run in group if run.snapshot.status.is_active]
    title = run_picker.run_title(first)
    parts = [title, f"{len(group)} seeds"]
    if active:
        epoch = min(run.snapshot.points[-1].epoch if run.snapshot.points else 1 for run in active)
        parts += [f"{len(active)} training", f"epoch {epoch} of {group[0].config.epochs}"]
        if all(run.is_pause_wanted for run in active):
            parts.append("paused")
        left = [run.seconds_left for run in active if run.seconds_left is not None]
        if left:
            parts.append(f"{duration_text(max(left))} left")
    return " · ".join(parts)


def spoken_text(run: Run, shot: Snapshot) -> str:
    """What a screen reader says when the run starts, after each epoch, and when it has ended."""
    if shot.evaluation is not None:
        return f"The run has ended. It reads {shot.evaluation.accuracy:.1%} of the test images right."
    if not shot.status.is_active:
        return "The run has ended."
    if not shot.epochs:
        return "Training has started."
    accuracy = shot.epochs[-1].accuracy
    return f"Epoch {len(shot.epochs)} of {run.config.epochs}: {accuracy:.0%} of the training images right."


def spoken_group_text(group: Sequence[Run]) -> str:
    """What a screen reader says of several seeds, when one of them has ended."""
    ended = sum(not run.snapshot.status.is_active for run in group)
    return f"{ended} of {len(group)} seeds have been trained."


def duration_text(seconds: float) -> str:
    """A duration in words, such as "40 s" or "3 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"


def rates_text(shot: Snapshot) -> str:
    """The changes of the learning rate so far; empty if there was none."""
    changes = ", ".join(f"{x.learning_rate:g} from epoch {x.epoch}, step {x.step + 1}" for x in shot.rates)
    return f"Learning rate: {changes}." if changes else ""
