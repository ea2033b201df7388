"""A saved run: what a list shows of it, and the whole of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.config import RunConfig
from mnist_core.errors import DataError, PlaygroundError
from mnist_core.training.codec import damaged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_core.data import Dataset
    from mnist_core.evaluation import Evaluation
    from mnist_core.network import TrainedNetwork
    from mnist_core.training import Progress, RateChanged, Status, TrainingState


@dataclass(frozen=True)
class RunSummary:
    """What a list shows of a kept run.

    Args:
        id: as it was kept under; unique in its workspace.
        number: counted from 1 by whoever owns several; 0 for none.
        title: what its owner calls it; may be empty.
        notes: what its owner wrote about it; may be empty.
        is_pinned: whether quotas leave it alone.
        status: where it stood when it was last saved.
        message: what people should know of how it ended; empty if nothing.
        created: when it was taken on, in seconds since 1970.
        updated: when it was last changed, likewise.
        seconds: how long it has computed, without waiting for others' turns.
        epochs: how many are finished.
        loss: of the last finished epoch, as the three that follow; None before the first.
        accuracy: share read right, 0 to 1.
        validation_loss: None without validation images.
        validation_accuracy: likewise.
        test_loss: once it has been evaluated.
        test_accuracy: likewise.
        size: bytes that its arrays take.
        dataset: the name of the data that it learned from.
        provenance: where these came from, in words to show.
        fingerprint: `Dataset.fingerprint` of them.
        config_text: its config as JSON.
        versions_text: versions of what it began to be computed with, as JSON; see `read_versions`.
    """

    id: str
    number: int
    title: str
    notes: str
    is_pinned: bool
    status: Status
    message: str
    created: float
    updated: float
    seconds: float
    epochs: int
    loss: float | None
    accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    test_loss: float | None
    test_accuracy: float | None
    size: int
    dataset: str
    provenance: str
    fingerprint: str
    config_text: str
    versions_text: str

    @property
    def config(self) -> RunConfig:
        """The run's config; read when asked for, so that one that cannot be read spoils no list.

        Raises:
            StoreError: it cannot be read.
        """
        return read_config(self.config_text)


@dataclass(frozen=True, eq=False)
class StoredRun:
    """A kept run, whole.

    Args:
        summary: what the list shows of it.
        config: the run; its seed is there.
        versions: of what it was computed with, by name; other ones may give other bits.
        state: the last finished epoch's, with its history; what the run started from before the first; None for random
            weights.
        points: the live curve, without positions.
        rates: every change of the learning rate.
        network: what it left, once it has ended with something.
        evaluation: of that network on the test images.
    """

    summary: RunSummary
    config: RunConfig
    versions: Mapping[str, str]
    state: TrainingState | None
    points: tuple[Progress, ...]
    rates: tuple[RateChanged, ...]
    network: TrainedNetwork | None
    evaluation: Evaluation | None

    def check_dataset(self, dataset: Dataset) -> None:
        """Refuse to go on, or to compare, with other data than the run learned from.

        Raises:
            DataError: images, labels or their division differ in the least.
        """
        if dataset.fingerprint != self.summary.fingerprint:
            raise DataError(
                "The run learned from other images than these.",
                "Load the data that it learned from, or train again.",
                dataset.name,
            )


def read_config(text: str) -> RunConfig:
    """The config that was kept as JSON.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        return RunConfig.from_json(text)
    except PlaygroundError as error:
        raise damaged("config") from error


def read_versions(text: str) -> dict[str, str]:
    """The versions that were kept as JSON.

    Raises:
        StoreError: they cannot be read.
    """
    try:
        versions = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged("versions") from error
    if not isinstance(versions, dict) or not all(isinstance(version, str) for version in versions.values()):
        raise damaged("versions")
    return versions
