"""Training: one run as a generator of events, and what the computer can hold of it."""

from mnist_core.training.loop import (
    Dials,
    EpochEnded,
    EpochMetrics,
    Event,
    Finished,
    Progress,
    RateChanged,
    Started,
    TrainingState,
    Validating,
    train,
)

__all__ = [
    "Dials",
    "EpochEnded",
    "EpochMetrics",
    "Event",
    "Finished",
    "Progress",
    "RateChanged",
    "Started",
    "TrainingState",
    "Validating",
    "train",
]
