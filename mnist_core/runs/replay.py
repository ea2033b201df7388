"""An ended run as it was at an earlier moment, so that its curve can be played back without computing."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.training import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_core.config import RunConfig
    from mnist_core.runs.network_run import Run
    from mnist_core.runs.snapshot import Snapshot


@dataclass(frozen=True, eq=False)
class Replayed:
    """What a chart needs of a run.

    Args:
        config: the run's.
        snapshot: as it was at that moment.
    """

    config: RunConfig
    snapshot: Snapshot


def after(run: Run, epochs: float) -> Replayed:
    """An ended run as it was after some epochs, such as 1.5; complete from its last point on."""
    shot = run.snapshot
    per_epoch = shot.started.steps_per_epoch if shot.started else 1
    points = tuple(point for point in shot.points if point.epoch - 1 + point.step / per_epoch <= epochs)
    if len(points) == len(shot.points):
        return Replayed(run.config, shot)
    done = tuple(one for one in shot.epochs if one.epoch <= epochs)
    early = dataclasses.replace(
        shot, status=Status.RUNNING, points=points, epochs=done, evaluation=None, network=None, state=None
    )
    return Replayed(run.config, early)


def frame(runs: Mapping[str, Run], fraction: float, in_turn: bool = False) -> dict[str, Replayed]:
    """Several ended runs at one moment of their replay. Runs that start later are left out.

    Args:
        runs: by name.
        fraction: the part of the replay that is over, 0 to 1.
        in_turn: whether each starts when the one before has ended. Otherwise all start together, at the same epochs a
            second, so a longer one ends later.
    """
    longest = max((run.config.epochs for run in runs.values()), default=0)
    shown = {}
    for place, (name, run) in enumerate(runs.items()):
        own = fraction * len(runs) - place if in_turn else fraction
        if own > 0:
            shown[name] = after(run, own * (run.config.epochs if in_turn else longest))
    return shown
