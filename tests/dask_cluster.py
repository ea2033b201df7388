"""A Dask cluster of real processes on loopback: a scheduler, and workers that come and go."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.e2e.conftest import free_port

ROOT = Path(__file__).parents[1]


class DaskCluster:
    """The processes of a cluster.

    Args:
        folder: for their logs and data.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.scheduler = self.start_scheduler()

    @property
    def settings(self) -> Mapping[str, str]:
        """The environment variables of whoever uses it."""
        return {"DASK_SCHEDULER": f"tcp://127.0.0.1:{self.port}", "DASK_INSECURE": "1"}

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        where = "--host", "127.0.0.1", "--port", f"{self.port}"
        self.scheduler = self._start("-m", "distributed.cli.dask_scheduler", *where, "--no-dashboard")
        return self.scheduler

    def start_worker(self, **settings: str) -> subprocess.Popen[bytes]:
        return self._start("-m", "mnist_core", "worker", **settings)

    def log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def _start(self, *command: str, **settings: str) -> subprocess.Popen[bytes]:
        environment = os.environ | self.settings | {"MNIST_DATASET": "embedded", "TF_CPP_MIN_LOG_LEVEL": "2"} | settings
        with (self.folder / f"{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self.processes.append(process)
        return process


@contextlib.contextmanager
def running(folder: Path) -> Iterator[DaskCluster]:
    """A cluster without workers, for the body of a `with` statement."""
    cluster = DaskCluster(folder)
    try:
        yield cluster
    finally:
        cluster.stop()
