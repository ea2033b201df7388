"""Benchmark of a Dask cluster on this machine: throughput, first points, processor, memory, and going on after a death.

Thirty runs of "morgan-1" train on one worker and on two. Each worker has a core to itself, and so has the single
process without a cluster that they are compared with; the app shares the cores. The ratio is that of the images a
second of all runs. Then, `--deaths` times each, a worker, the scheduler and the app are killed: how long until
everything trains again, from the death of a worker, from the new start of the scheduler, and from the moment at which
the new app answers. As often, the database (PostgreSQL) is away for 30 seconds, while the run must go on: how long from
its return until it has the epoch that the page shows.

Units: seconds; training images a second; MB of 2**20 bytes; cores in use on average.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import sqlalchemy as sa

from benchmarks import dask_cluster, report, visitor
from benchmarks.protocol import Client
from benchmarks.visitors import Usage
from mnist_core import presets
from mnist_core.data import datasets
from mnist_core.runs import cluster as clusters
from mnist_core.runs.cluster import Cluster
from mnist_core.runs.scheduler import Scheduler
from mnist_core.store import tables
from mnist_core.training import Status
from tests import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.dask_cluster import DaskCluster
    from mnist_core.runs.network_run import Run
    from tests.postgres import Postgres

CONFIG = dataclasses.replace(presets.PRESETS["morgan-1"].config, epochs=100)
TIMEOUT_SECONDS = 180.0
AWAY_SECONDS = 30.0


def wait_for(what: str, condition: Callable[[], object]) -> None:
    """Wait until a condition is true.

    Raises:
        SystemExit: it did not become true.
    """
    end = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"Waited {TIMEOUT_SECONDS:g} s for {what}.")
        time.sleep(0.01)


def images(runs: Sequence[Run]) -> float:
    """On how many images the runs have trained so far."""
    sizes = [run.snapshot.started.training_images if run.snapshot.started else 0 for run in runs]
    return sum(run.fraction * run.config.epochs * size for run, size in zip(runs, sizes, strict=True))


def end_all(turns: Scheduler, runs: Sequence[Run]) -> None:
    """Stop the runs, and wait until they have ended."""
    for run in runs:
        turns.stop(run)
    wait_for("the end of the runs", lambda: not any(run.snapshot.status.is_active for run in runs))


def train_together(turns: Scheduler, count: int, seconds: float, processes: int = 1) -> dict[str, Any]:
    """Train so many runs at once for a while, after one whose first point is measured.

    Before, each of the processes that train compiles the network, once.
    """
    dataset = datasets.load("mnist")
    first_runs = [turns.submit(CONFIG, dataset) for _ in range(processes)]
    wait_for("the first points of first runs", lambda: all(run.snapshot.points for run in first_runs))
    end_all(turns, first_runs)
    began = time.perf_counter()
    one = turns.submit(CONFIG, dataset)
    wait_for("a first point", lambda: one.snapshot.points)
    first = time.perf_counter() - began
    end_all(turns, [one])
    runs = [turns.submit(dataclasses.replace(CONFIG, seed=seed), dataset) for seed in range(count)]
    wait_for("the first points", lambda: all(run.snapshot.points for run in runs))
    began, before = time.perf_counter(), images(runs)
    time.sleep(seconds)
    speed = (images(runs) - before) / (time.perf_counter() - began)
    end_all(turns, runs)
    return {"first point, s": round(first, 2), "images a second": round(speed)}


def alone(options: argparse.Namespace) -> dict[str, Any]:
    """The same runs in one process on one core, without a cluster."""
    command = ["taskset", "-c", "0", sys.executable, "-m", "benchmarks.cluster", "--alone"]
    command += ["--runs", str(options.runs), "--seconds", str(options.seconds)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=visitor.ROOT).stdout
    return {"": "no cluster, one core", **json.loads(printed)}


def on_cluster(options: argparse.Namespace, workers: int) -> dict[str, Any]:
    """The same runs on so many workers, each on a core of its own."""
    with tempfile.TemporaryDirectory() as folder, dask_cluster.running(Path(folder)) as processes:
        started = [processes.start_worker(core=core) for core in range(workers)]
        turns = Cluster(clusters.configured(processes.settings))
        wait_for("the workers", lambda: turns.workers == workers)
        whose = {"app": os.getpid(), "scheduler": processes.scheduler.pid, "worker": started[0].pid}
        before = {name: Usage.of(pid) for name, pid in whose.items()}
        found = train_together(turns, options.runs, options.seconds, workers)
        for name, pid in whose.items():
            now = Usage.of(pid)
            found[f"cores, {name}"] = round((now.all - before[name].all) / (now.moment - before[name].moment), 2)
            found[f"memory, {name}, MB"] = round(visitor.memory(pid))
        turns.close(10.0)
    return {"": f"{workers} workers, a core each", **found}


# --- Deaths ------------------------------------------------------------------------------------------------------


def deaths(count: int) -> dict[str, list[float]]:
    """How long until everything trains again after a kill of the worker, the scheduler or the app, in seconds."""
    with tempfile.TemporaryDirectory() as folder, dask_cluster.running(Path(folder)) as processes:
        workers = [processes.start_worker() for _ in range(2)]
        turns = Cluster(clusters.configured(processes.settings))
        wait_for("two workers", lambda: turns.workers == 2)
        dataset = datasets.load("mnist")
        config = dataclasses.replace(presets.PRESETS["cnn"].config, epochs=100)
        runs = [turns.submit(dataclasses.replace(config, seed=seed), dataset) for seed in range(4)]
        wait_for("the first points", lambda: all(run.snapshot.points for run in runs))
        found: dict[str, list[float]] = {"a worker": [], "the scheduler": []}
        for _ in range(count):
            kill(workers.pop(0))
            found["a worker"].append(until_all_train(runs))
            workers.append(processes.start_worker())
            wait_for("the new worker", lambda: turns.workers == 2)
        for _ in range(count):
            kill(processes.scheduler)
            wait_for("the app to notice", lambda: turns.workers == 0)
            processes.start_scheduler()
            found["the scheduler"].append(until_all_train(runs))
            wait_for("the workers", lambda: turns.workers == 2)
        end_all(turns, runs)
        turns.close(10.0)
        found["the app"] = [asyncio.run(death_of_app(processes)) for _ in range(count)]
        if postgres.find_programs() is not None:
            with postgres.running() as database:
                absences = [asyncio.run(absence_of_database(processes, database)) for _ in range(count)]
            found["the database, away for 30 s"] = absences
    return found


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process without a warning."""
    process.kill()
    process.wait()


def until_all_train(runs: Sequence[Run]) -> float:
    """The seconds until each run has a new point."""
    began = time.perf_counter()
    # A run that goes back to its last epoch has fewer points, and then new ones.
    known = [run.snapshot.points[-1] for run in runs if run.snapshot.points]

    def trains(run: Run) -> bool:
        shot = run.snapshot
        return shot.status is Status.RUNNING and all(shot.points[-1] is not one for one in known)

    wait_for("all runs to train", lambda: all(map(trains, runs)))
    return time.perf_counter() - began


async def death_of_app(processes: DaskCluster) -> float:
    """The seconds from the new app's first answer until the page shows the next epoch of its visitor's run."""
    config = dataclasses.replace(presets.PRESETS["morgan-1"].config, epochs=100)
    query = urlencode(config.to_query())
    with tempfile.TemporaryDirectory() as folder:
        settings = {**processes.settings, "DATABASE_URL": f"sqlite:///{folder}/kept.db"}
        with visitor.running_server("-m", "streamlit", settings=settings) as server:
            client = Client(server.address, query, patience=TIMEOUT_SECONDS)
            await client.open()
            await client.press("Train")
            seen = await client.wait_for("the third epoch", lambda: _epoch(client, 3))
            kill(server.process)
            await client.close()
        with visitor.running_server("-m", "streamlit", settings=settings) as server:
            began = time.perf_counter()
            back = Client(server.address, query, patience=TIMEOUT_SECONDS, cookies=client.cookies)
            await back.open()
            await back.wait_for("a new epoch", lambda: _epoch(back, seen))
            took = time.perf_counter() - began
            await back.press("Stop")
            await back.close()
    return took


async def absence_of_database(processes: DaskCluster, database: Postgres) -> float:
    """The seconds from the database's return until it has the epoch that the page of a run showed at that moment."""
    config = dataclasses.replace(presets.PRESETS["morgan-1"].config, epochs=100)
    url = database.new_database()
    with visitor.running_server("-m", "streamlit", settings={**processes.settings, "DATABASE_URL": url}) as server:
        client = Client(server.address, urlencode(config.to_query()), patience=TIMEOUT_SECONDS)
        await client.open()
        await client.press("Train")
        await client.wait_for("the third epoch", lambda: _epoch(client, 3))
        with database.away():
            await asyncio.sleep(AWAY_SECONDS)
            seen = await client.wait_for("an epoch", lambda: _epoch(client, 0))
            seen = await client.wait_for("an epoch without the database", lambda: _epoch(client, seen + 1))
        began = time.perf_counter()
        while await asyncio.to_thread(_saved_epochs, url) < seen:
            if time.perf_counter() - began > TIMEOUT_SECONDS:
                raise SystemExit(f"Waited {TIMEOUT_SECONDS:g} s for the database.")
            await asyncio.sleep(0.01)
        took = time.perf_counter() - began
        await client.press("Stop")
        await client.close()
    return took


def _saved_epochs(url: str) -> int:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return int(connection.scalar(sa.select(tables.runs.c.epochs)) or 0)


def _epoch(client: Client, least: int) -> int | None:
    found = re.search(r"epoch (\d+) of 100", client.frame.get("text", ""))
    return int(found[1]) if found and int(found[1]) >= least else None


def main() -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=30, help="how many train at once (%(default)s)")
    parser.add_argument("--seconds", type=float, default=30.0, help="for how long (%(default)s)")
    parser.add_argument("--deaths", type=int, default=10, help="how often each kind of death happens (%(default)s)")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(train_together(Scheduler(), options.runs, options.seconds)))
        return 0
    print(report.machine_line())
    rows = [alone(options)]
    for workers in (1, 2):
        row = on_cluster(options, workers)
        row["of as many alone"] = round(row["images a second"] / (workers * rows[0]["images a second"]), 2)
        rows.append(row)
    names = list(rows[-1])
    print(report.table(names, [[row.get(name, "-") for name in names] for row in rows]))
    found = deaths(options.deaths)
    spreads = [
        (what, *(f"{value:.1f}" for value in (statistics.median(took), max(took)))) for what, took in found.items()
    ]
    print(report.table(("killed", "median, s", "worst, s"), spreads))
    results = [*rows, {"deaths": found}]
    print(f"Written to {report.write('cluster', results).name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
