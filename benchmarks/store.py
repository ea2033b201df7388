"""Benchmark of saving runs: ``python -m benchmarks.store``; ``--url postgresql://...`` uses another database.

Finished epochs of Morgan-2 are saved, alternating with the same number of bytes written to a plain file. A workspace
of 1,000 runs is listed, and some of its runs are loaded.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import report
from mnist_core.data import Dataset
from mnist_core.evaluation.metrics import evaluate_answers
from mnist_core.network import TrainedNetwork
from mnist_core.network.layers import initial_weights
from mnist_core.presets import PRESETS
from mnist_core.store.records import library_versions
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from mnist_core.training import EpochMetrics, Progress, Status, TrainingState, engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnist_core.config import RunConfig

TARGET_SAVE_SECONDS, TARGET_LIST_SECONDS = 0.05, 0.1
POINTS_PER_EPOCH = 12


def random_dataset() -> Dataset:
    """Return random images. Their number does not matter: a store only reads their fingerprint once."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (1_000, 28, 28), np.uint8)
    labels = random.integers(0, 10, 1_000).astype(np.uint8)
    return Dataset("mnist", images, labels, images, labels, "random, for a benchmark")


def state_after(config: RunConfig, epochs: int) -> TrainingState:
    """Return a state with the size and history of a run after `epochs` epochs."""
    random = np.random.default_rng(epochs)
    weights = tuple(w + random.normal(0, 0.01, w.shape).astype(np.float32) for w in initial_weights(config))
    slots = tuple(random.random(slot.shape).astype(np.float32) for slot in engine.initial_slots(config))
    history = tuple(EpochMetrics(i, 1 / i, 1 - 1 / (i + 9), None, None, 0.001) for i in range(1, epochs + 1))
    return TrainingState(weights, slots, 469 * epochs, history)


def curve_points(epochs: int) -> list[Progress]:
    """Return the live curve of `epochs` epochs."""
    return [
        Progress(epoch, step, 1 / epoch, 0.5, 9e4, None)
        for epoch in range(1, epochs + 1)
        for step in range(40, 40 * POINTS_PER_EPOCH + 1, 40)
    ]


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure_save(store: RunStore, dataset: Dataset, folder: Path, rounds: int) -> tuple[list[float], list[float], int]:
    """Return the seconds to save epochs of Morgan-2, the seconds to write as many bytes to a file, and the bytes."""
    config = PRESETS["morgan-2"].config
    workspace = new_workspace()
    store.create(workspace, "run", config, dataset)
    states = [state_after(config, epoch) for epoch in range(1, rounds + 1)]
    size = sum(array.nbytes for array in (*states[0].weights, *states[0].slots))
    ours, plain = [], []
    for state in states:
        points = curve_points(state.epoch)
        ours.append(seconds_of(partial(store.save_epoch, workspace, "run", state, points, 1.0)))
        whole = b"".join(array.tobytes() for array in (*state.weights, *state.slots))
        plain.append(seconds_of(partial((folder / "plain").write_bytes, whole)))
    return ours, plain, size


def measure_list_and_load(store: RunStore, dataset: Dataset, runs: int, rounds: int) -> tuple[list[float], list[float]]:
    """Return the seconds to list a workspace of `runs` ended runs, and to load single ones."""
    config = PRESETS["torres"].config
    workspace = new_workspace()
    random = np.random.default_rng(0)
    answers = random.dirichlet(np.ones(10), len(dataset.test_labels)).astype(np.float32)
    evaluation = evaluate_answers(answers, dataset.test_labels, config.loss)
    state = state_after(config, config.epochs)
    network = TrainedNetwork(config, state.weights)
    for number in range(1, runs + 1):
        name = f"run-{number}"
        store.create(workspace, name, config, dataset, number=number, versions=library_versions())
        store.save_epoch(workspace, name, state, curve_points(config.epochs), 10.0)
        store.finish(workspace, name, Status.FINISHED, network=network, evaluation=evaluation)
    assert len(store.list(workspace)) == runs
    lists = [seconds_of(partial(store.list, workspace)) for _ in range(rounds)]
    loads = [seconds_of(partial(store.load, workspace, f"run-{i}")) for i in range(1, rounds + 1)]
    return lists, loads


def main() -> None:
    """Measure, print and write ``benchmarks/results/store.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="the database (default: a new SQLite file)")
    parser.add_argument("--runs", type=int, default=1_000, help="runs in the workspace that is listed (%(default)s)")
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".store-") as name:
        folder = Path(name)
        store = RunStore(options.url or f"sqlite:///{folder / 'runs.db'}")
        print(
            f"{report.machine_line()}; {'SQLite' if options.url is None else options.url.split(':')[0]}\n", flush=True
        )
        dataset = random_dataset()
        saves, plain, size = measure_save(store, dataset, folder, options.rounds)
        lists, loads = measure_list_and_load(store, dataset, options.runs, options.rounds)
        store.close()
    rows = [
        _row(f"save an epoch of Morgan-2, {size / 1e6:.1f} MB", saves, TARGET_SAVE_SECONDS),
        _row("the same bytes to a plain file", plain),
        _row(f"list {options.runs:,} runs", lists, TARGET_LIST_SECONDS),
        _row("load one of them", loads),
    ]
    print(report.table(["operation", "median, ms", "slowest, ms", "target, ms"], rows))
    print(f"\nSaving takes {statistics.median(saves) / statistics.median(plain):.1f} times as long as the plain file.")
    if options.url is None:
        figures = {"saves": saves, "plain": plain, "lists": lists, "loads": loads}
        medians = {name: round(statistics.median(seconds), 5) for name, seconds in figures.items()}
        report.write("store", {"runs": options.runs, "rounds": options.rounds, "median_seconds": medians})


def _row(label: str, seconds: list[float], target: float | None = None) -> list[str]:
    median, slowest = 1e3 * statistics.median(seconds), 1e3 * max(seconds)
    return [label, f"{median:.1f}", f"{slowest:.1f}", f"{1e3 * target:.0f}" if target else "-"]


if __name__ == "__main__":
    main()
