"""Benchmark of a class that trains at once: first points, time between points, throughput and memory.

Classes of 1 to 100 train the preset "morgan-1". With ``--mixed``, one convolutional network trains among nine of these.

Each class has its own process, because memory is measured. Before the timing starts, TensorFlow is imported, the data
is in memory, the network is compiled and has been evaluated. First a single run trains alone for a while, also through
a scheduler: the baseline, on the same processor in the same minute. Then the whole class is submitted at once to a new
scheduler; each run has its own seed and is saved in SQLite. The class trains undisturbed for a while, too short for any
run to finish unless the machine is very fast. Then all runs are stopped. Finally the same number of runs of a network
that was never compiled is submitted, to measure the first points of a class with a new network.

Nothing polls: a run records the time at which it replaces its snapshot, which is when a page could show it.

Units: seconds; training images per second; MB of 10**6 bytes for the whole process, which does not contain Streamlit.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import report
from benchmarks.classroom_tables import (
    CONVOLUTIONAL,
    DENSE,
    DENSE_BESIDE_ONE,
    ClassResult,
    Member,
    class_table,
    mixed_table,
)
from mnist_core import config as choices
from mnist_core import presets
from mnist_core.data import datasets
from mnist_core.errors import CapacityError
from mnist_core.runs import network_run, saver, scheduler
from mnist_core.runs.snapshot import Snapshot
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from mnist_core.training import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset

CLASS_SIZES = (1, 2, 10, 30, 100)
# The points of one chunk are published within microseconds; a page shows them as one update.
SAME_UPDATE_SECONDS = 0.01
# A run that has not responded by then counts as failed.
TIMEOUT_SECONDS = 180.0


class WatchedRun(network_run.Run):
    """A run that records its updates and turns, by `time.perf_counter`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.points: list[tuple[float, int]] = []  # Time, images trained on so far.
        self.turns: list[tuple[float, float]] = []
        self.ended: float | None = None
        super().__init__(*args, **kwargs)

    def __setattr__(self, name: str, value: object) -> None:
        # A page sees something new only when the whole snapshot is replaced.
        super().__setattr__(name, value)
        if isinstance(value, Snapshot):
            self._note(value, time.perf_counter())

    def _note(self, shot: Snapshot, now: float) -> None:
        if self.ended is None and not shot.status.is_active:
            self.ended = now
        if shot.points and shot.started:
            point, size = shot.points[-1], shot.started.training_images
            images = (point.epoch - 1) * size + min(point.step * self.config.batch_size, size)
            if not self.points or images > self.points[-1][1]:
                self.points.append((now, images))

    def take_turn(self, seconds: float, chunk_seconds: float | None = None) -> None:
        """Take a turn, and record its start and end."""
        began = time.perf_counter()
        super().take_turn(seconds, chunk_seconds)
        self.turns.append((began, time.perf_counter()))

    def images_at(self, moment: float) -> int:
        """Return how many images the run had trained on, over all epochs."""
        return max((images for when, images in self.points if when <= moment), default=0)

    def updates(self, until: float) -> list[float]:
        """Return the times at which its page had something new to show."""
        moments: list[float] = []
        for when, _ in self.points:
            if when <= until and (not moments or when - moments[-1] > SAME_UPDATE_SECONDS):
                moments.append(when)
        return moments


class Group:
    """Runs submitted at once to a scheduler of their own, one for each config, and saved like those of the pages."""

    def __init__(self, configs: Sequence[RunConfig], dataset: Dataset) -> None:
        self._scheduler = scheduler.Scheduler()
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        run_saver = saver.Saver(RunStore(f"sqlite:///{self._folder.name}/runs.db"))
        self.runs: list[WatchedRun] = []
        self.submitted = time.perf_counter()
        for config in configs:
            run = WatchedRun(config, dataset)
            try:
                self._scheduler.take_on(run)
            except CapacityError as error:
                print(error, file=sys.stderr)
                continue
            self.runs.append(run)
            run_saver.save(new_workspace(), run)
        self.refused = len(configs) - len(self.runs)

    def train_for(self, window: float) -> float:
        """Wait until `window` seconds after submission; return that time."""
        end = self.submitted + window
        time.sleep(max(0.0, end - time.perf_counter()))
        return end

    def wait_for_first_points(self) -> float:
        """Wait until every run has a point or has ended; return that time."""
        return _wait_until(lambda: all(run.points or run.ended for run in self.runs))

    def stop(self) -> float:
        """Stop every run; return the seconds until the last had ended, evaluation included."""
        asked = time.perf_counter()
        for run in self.runs:
            self._scheduler.stop(run)
        _wait_until(lambda: all(run.ended for run in self.runs))
        return max([0.0, *((run.ended or time.perf_counter()) - asked for run in self.runs)])

    def first_points(self, until: float) -> list[float]:
        """Return the seconds from submission to each run's first point, or to `until` if it has none."""
        return [(run.points[0][0] if run.points else until) - self.submitted for run in self.runs]

    def images_per_second(self, until: float) -> float:
        """Return the images per second of all runs together, from submission to the last point before `until`."""
        last = max((when for run in self.runs for when, _ in run.points if when <= until), default=until)
        return sum(run.images_at(until) for run in self.runs) / (last - self.submitted)

    def failures(self) -> int:
        """Return how many runs were refused, failed, had no point or did not end. Call it after `stop`."""
        bad = [x for x in self.runs if not x.points or not x.ended or x.snapshot.status is Status.FAILED]
        return self.refused + len(bad)


def _wait_until(is_done: Callable[[], bool]) -> float:
    deadline = time.perf_counter() + TIMEOUT_SECONDS
    while not is_done() and time.perf_counter() < deadline:
        time.sleep(0.02)  # Precise enough: each run records its own times.
    return time.perf_counter()


def measure_class(runs: int, window: float, alone_window: float, dataset: Dataset) -> ClassResult:
    """Measure a class of `runs`, in a new process."""
    configs = _configs(DENSE, runs)
    _warm_up(configs[:1], dataset)
    alone = Group(configs[:1], dataset)
    alone_speed = alone.images_per_second(alone.train_for(alone_window))
    alone.stop()
    baseline = _memory_mb("VmRSS")

    group = Group(configs, dataset)
    end = group.train_for(window)
    stop_seconds = group.stop()
    peak = _memory_mb("VmHWM")

    # A new width that needs compiling, with nearly the same work.
    wider = tuple(dataclasses.replace(layer, units=layer.units + 8) for layer in configs[0].layers)
    cold = Group([dataclasses.replace(config, layers=wider) for config in configs], dataset)
    new_first = cold.first_points(cold.wait_for_first_points())
    cold.stop()

    first, gaps, speed = group.first_points(end), _gaps(group.runs, end), group.images_per_second(end)
    return ClassResult(
        runs=runs,
        dataset=dataset.name,
        window=window,
        first_point_median=_percentile(first, 50),
        first_point_last=max(first),
        new_first_point_last=max(new_first),
        gap_median=_percentile(gaps, 50),
        gap_95th=_percentile(gaps, 95),
        gap_longest=max(gaps),
        fewest_updates=min(len(run.updates(end)) for run in group.runs),
        images_per_second=speed,
        alone_images_per_second=alone_speed,
        ratio=speed / alone_speed,
        baseline_mb=baseline,
        peak_mb=peak,
        stop_seconds=stop_seconds,
        failures=alone.failures() + group.failures() + cold.failures(),
    )


def measure_mixed(window: float, dataset: Dataset) -> dict[str, Any]:
    """Measure dense runs alone, and then together with a convolutional run, for `window` seconds each."""
    dense, convolutional = _configs(DENSE, DENSE_BESIDE_ONE), _configs(CONVOLUTIONAL, 1)
    _warm_up([dense[0], *convolutional], dataset)
    without = Group(dense, dataset)
    gaps_without = _gaps(without.runs, without.train_for(window))
    without.stop()
    mixed = Group([*convolutional, *dense], dataset)
    end = mixed.train_for(window)
    mixed.stop()
    members = [
        Member(
            preset, sum(max(0.0, min(over, end) - began) for began, over in run.turns),
            sum(began < end for began, _ in run.turns), _percentile(_gaps([run], end), 95), run.images_at(end) / window,
        )
        for run, preset in zip(mixed.runs, [CONVOLUTIONAL] + [DENSE] * len(dense), strict=True)
    ]  # fmt: skip
    return {
        "dataset": dataset.name,
        "window": window,
        "gap_95th_without": _percentile(gaps_without, 95),
        "gap_95th_with": _percentile(_gaps(mixed.runs[1:], end), 95),
        "failures": without.failures() + mixed.failures(),
        "members": [dataclasses.asdict(member) for member in members],
    }


def _configs(preset: str, count: int) -> list[RunConfig]:
    """Return `count` configs of a preset with different seeds, and enough epochs that no run finishes early."""
    config = dataclasses.replace(presets.PRESETS[preset].config, epochs=int(choices.EPOCHS.high))
    return [dataclasses.replace(config, seed=seed) for seed in range(count)]


def _warm_up(configs: Sequence[RunConfig], dataset: Dataset) -> None:
    """Import, compile, load the data and evaluate, as on a server that has trained these configs before."""
    for config in configs:
        group = Group([config], dataset)
        group.wait_for_first_points()
        group.train_for(1.0)
        group.stop()
    gc.collect()
    gc.freeze()  # As the app does once TensorFlow is there.


def _gaps(runs: Sequence[WatchedRun], until: float) -> list[float]:
    gaps = [gap for run in runs for gap in np.diff(run.updates(until)).tolist()]
    return gaps or [float("nan")]  # Without a second update there is no gap: nan, not 0.


def _percentile(seconds: Sequence[float], percent: int) -> float:
    return float(np.percentile(seconds, percent))


def _memory_mb(entry: str) -> float:
    """Return the resident memory: current (``VmRSS``) or peak (``VmHWM``); nan where the system does not report it."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{entry}:")), float("nan"))


def _run_in_own_process(*arguments: object) -> Any:
    """Run this module in a new process; return its results, or None after a message if it fails."""
    print("Measuring", *arguments, file=sys.stderr)
    command = [sys.executable, "-m", "benchmarks.classroom", "--here", *map(str, arguments)]
    environment = {"TF_CPP_MIN_LOG_LEVEL": "2", "MALLOC_ARENA_MAX": "2", **os.environ}  # As in `make run`.
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=False)
    if not done.returncode:
        return json.loads(done.stdout.splitlines()[-1])
    print(f"It ended with exit status {done.returncode}.", file=sys.stderr)
    return None


def main() -> None:
    """Measure, print and write ``benchmarks/results/classroom.json`` or ``classroom-mixed.json``."""
    parser = argparse.ArgumentParser(description="Measure a class whose networks train at once.")
    add = parser.add_argument
    add("--runs", type=int, nargs="+", default=CLASS_SIZES, metavar="N", help="runs that train at once %(default)s")
    add("--seconds", type=float, default=20.0, help="how long a class trains (%(default)s)")
    add("--alone", type=float, default=8.0, help="how long the single run before it trains, in seconds (%(default)s)")
    add("--mixed", action="store_true", help="measure one convolutional run among nine dense ones instead")
    add("--data", metavar="DIR", help="folder with MNIST's files (default: as for the playground)")
    add("--json", action="store_true", help="print JSON instead of tables")
    add("--here", action="store_true", help="measure only the first of --runs, in this process, and print JSON")
    asked = parser.parse_args()
    if min(asked.runs) < 1:
        parser.error("argument --runs: a class has at least one run")
    if asked.here:
        dataset = datasets.load("mnist", asked.data)
        if asked.mixed:
            found = measure_mixed(asked.seconds, dataset)
        else:
            found = dataclasses.asdict(measure_class(asked.runs[0], asked.seconds, asked.alone, dataset))
        print(json.dumps(found))
        return
    options = ["--seconds", asked.seconds, "--alone", asked.alone, *(["--data", asked.data] if asked.data else [])]
    kinds = [["--mixed"]] if asked.mixed else [["--runs", runs] for runs in asked.runs]
    results = [found for kind in kinds if (found := _run_in_own_process(*kind, *options))]
    if results:
        report.write("classroom-mixed" if asked.mixed else "classroom", results)
    if asked.json:
        print(json.dumps(results, indent=1))
    else:
        print(f"{report.machine_line()}; data set: {', '.join({x['dataset'] for x in results})}\n")
        print(*map(mixed_table, results) if asked.mixed else [class_table([ClassResult(**x) for x in results])])
    sys.exit(len(results) < len(kinds) or any(result["failures"] for result in results))


if __name__ == "__main__":
    main()
