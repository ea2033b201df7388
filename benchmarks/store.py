"""What keeping runs costs: ``python -m benchmarks.store``; ``--url postgresql://...`` for a database other than SQLite.

A finished epoch of Morgan-2 is saved again and again, beside the same bytes written to a plain file in turns; a
workspace of 1,000 runs is listed, and one of its runs loaded.
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

WANTED_SAVE, WANTED_LIST = 0.05, 0.1
POINTS_AN_EPOCH = 12


def data() -> Dataset:
    """Images whose number does not matter here, since a store takes their fingerprint once."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (1_000, 28, 28), np.uint8)
    labels = random.integers(0, 10, 1_000).astype(np.uint8)
    return Dataset("mnist", images, labels, images, labels, "made up by a benchmark")


def state_after(config: RunConfig, epochs: int) -> TrainingState:
    """A state of the size and with the history that a run has after so many epochs."""
    random = np.random.default_rng(epochs)
    weights = tuple(w + random.normal(0, 0.01, w.shape).astype(np.float32) for w in initial_weights(config))
    slots = tuple(random.random(slot.shape).astype(np.float32) for slot in engine.initial_slots(config))
    history = tuple(EpochMetrics(i, 1 / i, 1 - 1 / (i + 9), None, None, 0.001) for i in range(1, epochs + 1))
    return TrainingState(weights, slots, 469 * epochs, history)


def curve(epochs: int) -> list[Progress]:
    """The live curve of so many epochs."""
    return [
        Progress(epoch, step, 1 / epoch, 0.5, 9e4, None)
        for epoch in range(1, epochs + 1)
        for step in range(40, 40 * POINTS_AN_EPOCH + 1, 40)
    ]


def seconds_of(work: Callable[[], object]) -> float:
    """How long something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def saving(store: RunStore, dataset: Dataset, folder: Path, rounds: int) -> tuple[list[float], list[float], int]:
    """Seconds to save an epoch of Morgan-2, seconds to write as many bytes to a file, and the bytes."""
    config = PRESETS["morgan-2"].config
    workspace = new_workspace()
    store.create(workspace, "run", config, dataset)
    states = [state_after(config, epoch) for epoch in range(1, rounds + 1)]
    size = sum(array.nbytes for array in (*states[0].weights, *states[0].slots))
    ours, plain = [], []
    for state in states:
        points = curve(state.epoch)
        ours.append(seconds_of(partial(store.save_epoch, workspace, "run", state, points, 1.0)))
        whole = b"".join(array.tobytes() for array in (*state.weights, *state.slots))
        plain.append(seconds_of(partial((folder / "plain").write_bytes, whole)))
    return ours, plain, size


def listing(store: RunStore, dataset: Dataset, runs: int, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds to list a workspace of so many ended runs, and to load one of these."""
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
        store.save_epoch(workspace, name, state, curve(config.epochs), 10.0)
        store.finish(workspace, name, Status.FINISHED, network=network, evaluation=evaluation)
    assert len(store.list(workspace)) == runs
    lists = [seconds_of(partial(store.list, workspace)) for _ in range(rounds)]
    loads = [seconds_of(partial(store.load, workspace, f"run-{i}")) for i in range(1, rounds + 1)]
    return lists, loads


def main() -> None:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="the database; a new SQLite file if left out")
    parser.add_argument("--runs", type=int, default=1_000, help="in the workspace that is listed")
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".store-") as name:
        folder = Path(name)
        store = RunStore(options.url or f"sqlite:///{folder / 'runs.db'}")
        print(
            f"{report.machine_line()}; {'SQLite' if options.url is None else options.url.split(':')[0]}\n", flush=True
        )
        dataset = data()
        saves, plain, size = saving(store, dataset, folder, options.rounds)
        lists, loads = listing(store, dataset, options.runs, options.rounds)
        store.close()
    rows = [
        _row(f"save an epoch of Morgan-2, {size / 1e6:.1f} MB", saves, WANTED_SAVE),
        _row("the same bytes to a plain file", plain),
        _row(f"list {options.runs:,} runs", lists, WANTED_LIST),
        _row("load one of them", loads),
    ]
    print(report.table(["what", "median, ms", "slowest, ms", "wanted, ms"], rows))
    print(f"\nSaving takes {statistics.median(saves) / statistics.median(plain):.1f} times as long as the plain file.")
    if options.url is None:
        figures = {"saves": saves, "plain": plain, "lists": lists, "loads": loads}
        medians = {name: round(statistics.median(seconds), 5) for name, seconds in figures.items()}
        report.write("store", {"runs": options.runs, "rounds": options.rounds, "median_seconds": medians})


def _row(what: str, seconds: list[float], wanted: float | None = None) -> list[str]:
    middle, most = 1e3 * statistics.median(seconds), 1e3 * max(seconds)
    return [what, f"{middle:.1f}", f"{most:.1f}", f"{1e3 * wanted:.0f}" if wanted else "-"]


if __name__ == "__main__":
    main()
