"""Identical bits of repeated training: interrupted, resumed, concurrent, and in another process."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_core import training
from mnist_core.config import LayerConfig
from mnist_core.training import EpochEnded, Event, Finished, Started, TrainingState, loop
from tests.events import epochs, events_of, finished, points
from tests.samples import CONVOLUTIONS, blobs, mislabelled_validation, small

DROPPED = (LayerConfig(units=16, dropout=0.3),)
REPEATED: dict[str, dict[str, Any]] = {
    "sgd": {},
    "momentum-mean-squared-error": {"optimizer": "momentum", "loss": "mean_squared_error"},
    "rmsprop-dropout": {"optimizer": "rmsprop", "learning_rate": 0.003, "layers": DROPPED},
    "adam-penalty": {"optimizer": "adam", "learning_rate": 0.003, "l2": 0.01},
    "adamw-early-stopping": {
        "optimizer": "adamw",
        "learning_rate": 0.01,
        "validation_fraction": 0.25,
        "early_stopping": 1,
    },
    "convolutions": {"layers": CONVOLUTIONS},
    "convolution-dropout-adam": {
        "layers": (LayerConfig("conv", 4, dropout=0.3), LayerConfig(units=8, dropout=0.2)),
        "optimizer": "adam",
        "learning_rate": 0.003,
        "validation_fraction": 0.25,
    },
    "augmented-penalty": {"augmentation": 0.5, "optimizer": "adamw", "learning_rate": 0.003, "l2": 0.01},
    "raw-pixels-augmented": {"pixels": "raw", "order": "file", "augmentation": 0.5, "learning_rate": 1e-5},
    "augmented-convolutions": {"layers": CONVOLUTIONS, "augmentation": 1.0},
}


def bits(events: list[Event]) -> list[bytes]:
    """Return everything that a run computed, bit by bit, but not its speed."""
    last = epochs(events)[-1].state
    curve = [(point.epoch, point.step, point.loss, point.accuracy) for point in points(events)]
    arrays = (*finished(events).network.weights, *last.weights, *last.slots)
    return [repr(curve).encode(), repr(last.history).encode(), *(array.tobytes() for array in arrays)]


@pytest.mark.parametrize("case", REPEATED)
def test_repeated_run_is_identical(case: str) -> None:
    config = small(epochs=3, **REPEATED[case])
    assert bits(events_of(config)) == bits(events_of(config))


@pytest.mark.parametrize("case", REPEATED)
def test_resume_from_any_epoch_is_identical(case: str) -> None:
    config = small(epochs=4, **REPEATED[case])
    whole = events_of(config)
    for ended in epochs(whole)[:-1]:
        # As stored: plain arrays and numbers, copied.
        state = ended.state
        best = state.best_weights
        stored = TrainingState(
            tuple(array.copy() for array in state.weights),
            tuple(array.copy() for array in state.slots),
            state.step,
            state.history,
            None if best is None else tuple(array.copy() for array in best),
        )
        rest = events_of(config, stored)
        assert isinstance(rest[0], Started)
        assert [event.epoch for event in epochs(rest)] == list(range(ended.epoch + 1, len(epochs(whole)) + 1))
        assert bits(rest)[1:] == bits(whole)[1:]
        assert finished(rest).stopped_early == finished(whole).stopped_early


def test_resume_after_the_end_only_finishes() -> None:
    config = small()
    whole = events_of(config)
    started, end = events_of(config, epochs(whole)[-1].state)
    assert isinstance(started, Started)
    assert isinstance(end, Finished)
    assert end.history == finished(whole).history


def test_resume_after_early_stopping_only_finishes() -> None:
    config = small(validation_fraction=0.25, early_stopping=1, epochs=30)
    whole = list(training.train(config, mislabelled_validation()))
    rest = list(training.train(config, mislabelled_validation(), epochs(whole)[-1].state))
    assert len(rest) == 2
    assert finished(rest).stopped_early
    for own, other in zip(finished(rest).network.weights, finished(whole).network.weights, strict=True):
        np.testing.assert_array_equal(own, other)


def test_states_are_not_modified_later() -> None:
    events = training.train(small(epochs=3, **REPEATED["adam-penalty"]), blobs())
    kept = next(event for event in events if isinstance(event, EpochEnded))
    before = [array.tobytes() for array in (*kept.state.weights, *kept.state.slots)]
    list(events)
    assert [array.tobytes() for array in (*kept.state.weights, *kept.state.slots)] == before


@pytest.mark.parametrize("case", ["rmsprop-dropout", "convolutions"])
@pytest.mark.parametrize("chunk_seconds", [0.0, 1000.0])
def test_chunk_length_does_not_matter(case: str, chunk_seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    config = small(epochs=3, **REPEATED[case])
    expected = bits(events_of(config))
    monkeypatch.setattr(loop, "CHUNK_SECONDS", chunk_seconds)
    assert bits(events_of(config)) == expected


def test_concurrent_runs_are_identical() -> None:
    """All cases at once: interleaved event by event, and in parallel threads."""
    configs = [small(epochs=3, seed=seed, **changes) for changes in REPEATED.values() for seed in (1, 2)]
    alone = [bits(events_of(config)) for config in configs]

    together: list[list[Event]] = [[] for _ in configs]
    waiting = [(runs, training.train(config, blobs())) for runs, config in zip(together, configs, strict=True)]
    while waiting:
        waiting = [(seen, run) for seen, run in waiting if pull(seen, run)]
    assert [bits(events) for events in together] == alone

    results: list[list[bytes]] = [[] for _ in configs]

    def work(places: range) -> None:
        for place in places:
            results[place] = bits(events_of(configs[place]))

    threads = [threading.Thread(target=work, args=(range(start, len(configs), 4),)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == alone


def pull(seen: list[Event], run: Iterator[Event]) -> bool:
    event = next(run, None)
    if event is not None:
        seen.append(event)
    return event is not None


OTHER_PROCESS = """
import hashlib
from tests.events import events_of
from tests.samples import small
from tests.training.test_repeatable import REPEATED, bits
for case in ("rmsprop-dropout", "convolution-dropout-adam"):
    print(hashlib.sha256(b"".join(bits(events_of(small(epochs=3, **REPEATED[case]))))).hexdigest())
"""


def test_other_process_gives_identical_run() -> None:
    other = subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert other.returncode == 0, other.stderr
    here = [
        hashlib.sha256(b"".join(bits(events_of(small(epochs=3, **REPEATED[case]))))).hexdigest()
        for case in ("rmsprop-dropout", "convolution-dropout-adam")
    ]
    assert other.stdout.split() == here


def test_other_seed_gives_another_run() -> None:
    assert bits(events_of(small(seed=1))) != bits(events_of(small(seed=2)))


def test_rate_change_is_recorded() -> None:
    config = small(epochs=2)
    first = next(event for event in training.train(config, blobs()) if isinstance(event, EpochEnded))
    events = events_of(dataclasses.replace(config, learning_rate=0.01), first.state)
    assert [metrics.learning_rate for metrics in finished(events).history] == [0.1, 0.01]
