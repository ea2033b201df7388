"""Train a small run and pick events of one kind."""

from __future__ import annotations

from mnist_core import training
from mnist_core.config import RunConfig
from mnist_core.training import EpochEnded, Event, Finished, Progress, TrainingState
from tests.samples import blobs


def events_of(config: RunConfig, state: TrainingState | None = None) -> list[Event]:
    return list(training.train(config, blobs(), state))


def finished(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished)
    return events[-1]


def epochs(events: list[Event]) -> list[EpochEnded]:
    return [event for event in events if isinstance(event, EpochEnded)]


def points(events: list[Event]) -> list[Progress]:
    return [event for event in events if isinstance(event, Progress)]
