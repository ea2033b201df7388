"""Training: one run as a generator of events, and what the computer can hold of it."""

from mnist_core.training.events import (
    EpochEnded,
    EpochMetrics,
    Event,
    Finished,
    Progress,
    RateChanged,
    Started,
    TrainingState,
    Validating,
)
from mnist_core.training.loop import Dials, train
from mnist_core.training.status import Status

__all__ = [
    "Dials",
    "EpochEnded",
    "EpochMetrics",
    "Event",
    "Finished",
    "Progress",
    "RateChanged",
    "Started",
    "Status",
    "TrainingState",
    "Validating",
    "train",
]
