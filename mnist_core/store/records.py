"""What is saved of a run: its entry in a list, and the whole run."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError, DataError, PlaygroundError
from mnist_core.language import Message
from mnist_core.training.codec import damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mnist_core.data import Dataset
    from mnist_core.evaluation import Evaluation
    from mnist_core.network import TrainedNetwork
    from mnist_core.network.layers import Weights
    from mnist_core.training import Progress, RateChanged, Status, TrainingState
    from mnist_core.training.moments import Moments

TITLE_LENGTH = 200
NOTES_LENGTH = 20_000


@functools.cache
def library_versions() -> dict[str, str]:
    """Versions of everything that affects a run's exact numbers: Python, the kind of processor, and the libraries."""
    names = {found.name.lower().replace("_", "-"): found.version for found in importlib.metadata.distributions()}
    libraries = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "scipy")
    found = {name: names[name] for name in libraries if name in names}
    return {"python": platform.python_version(), "machine": platform.machine(), **found}


def checked_text(field: str, text: str, most: int) -> str:
    """Check a text that people typed, so that every database can save it.

    Raises:
        ConfigError: it has more than `most` characters, or invalid ones.
    """
    if len(text) > most:
        raise ConfigError(
            field,
            "is too long.",
            Message("Use at most {most:,} characters.", most=most),
            Message("{count:,} characters", count=len(text)),
        )
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ConfigError(field, "contains characters that cannot be saved.", "Use ordinary letters.")
    return text


@dataclass(frozen=True)
class RunSummary:
    """A saved run as the list of runs shows it.

    Args:
        id: unique in its workspace.
        number: the owner's runs are numbered from 1; 0 for a run without a number.
        title: given by the owner; may be empty.
        notes: written by the owner; may be empty.
        is_pinned: whether it is never removed automatically.
        status: its status when it was last saved.
        message: what people should know about how it ended; may be empty.
        created: when its record was created, in seconds since 1970.
        updated: when it was last changed, in seconds since 1970.
        seconds: training time, without the turns of other runs.
        epochs: number of finished epochs.
        loss: in the last finished epoch, as the next three; None before the first.
        accuracy: fraction correct, 0 to 1.
        validation_loss: None without validation images.
        validation_accuracy: None without validation images.
        test_loss: None before the evaluation.
        test_accuracy: None before the evaluation.
        size: bytes of its arrays.
        dataset: the name of the data that it learned from.
        provenance: where the data came from, in words for the screen.
        fingerprint: `Dataset.fingerprint` of the data.
        config_text: its config as JSON.
        versions_text: `library_versions` at its start, as JSON.
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
        """The run's config. It is read on access, so that the list of runs works even if one config is damaged.

        Raises:
            StoreError: it cannot be read.
        """
        return read_config(self.config_text)


@dataclass(frozen=True, eq=False)
class StoredRun:
    """A saved run with all its arrays.

    Args:
        summary: its entry in the list.
        config: the run, with its seed.
        versions: `library_versions` at its start; other versions may give slightly different numbers.
        state: after the last finished epoch, with its history; without weights if there is `load_weights`. Before the
            first epoch: where the run starts; None for random weights.
        points: the live curve, without positions.
        rates: every change of the learning rate.
        network: the final network, if the run has ended and has one.
        evaluation: of that network on the test images.
        moments: its kept moments; their weights are read when they are needed.
        load_weights: reads the weights of `state`, as `RunStore.load_weights`, for a run that has ended with another
            network; None for other runs, and for runs of earlier versions, which have not saved them.
    """

    summary: RunSummary
    config: RunConfig
    versions: Mapping[str, str]
    state: TrainingState | None
    points: tuple[Progress, ...]
    rates: tuple[RateChanged, ...]
    network: TrainedNetwork | None
    evaluation: Evaluation | None
    moments: Moments
    load_weights: Callable[[], Weights] | None = None

    def check_dataset(self, dataset: Dataset) -> None:
        """Check that these are the data that the run learned from, before it is resumed or compared.

        Raises:
            DataError: an image, a label or the split differs.
        """
        if dataset.fingerprint != self.summary.fingerprint:
            raise DataError(
                "The run learned from other images than these.",
                "Load the data that it learned from, or train again.",
                dataset.name,
            )


def read_config(text: str) -> RunConfig:
    """The config that was saved as JSON.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        return RunConfig.from_json(text)
    except PlaygroundError as error:
        raise damaged("config") from error


def read_versions(text: str) -> dict[str, str]:
    """The versions that were saved as JSON.

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
