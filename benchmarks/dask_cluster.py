"""A Dask cluster of real processes on loopback: a scheduler, and workers that come and go. For benchmarks and tests."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[1]


class DaskCluster:
    """The processes of a cluster, at first only its scheduler.

    Args:
        folder: for their logs.
        certificate: a certificate that is its own authority, and its key; without them the cluster is open.

    Attributes:
        processes: all that were started.
        scheduler: the last one of them that is a scheduler.
    """

    def __init__(self, folder: Path, certificate: tuple[Path, Path] | None = None) -> None:
        self.folder, self.certificate = folder, certificate
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.processes: list[subprocess.Popen[bytes]] = []
        self.scheduler = self.start_scheduler()

    @property
    def settings(self) -> dict[str, str]:
        """The environment variables of an app or a worker that uses it."""
        if self.certificate is None:
            return {"DASK_SCHEDULER": f"tcp://127.0.0.1:{self.port}", "DASK_INSECURE": "1"}
        certificate, key = map(str, self.certificate)
        files = {"DASK_TLS_CA_FILE": certificate, "DASK_TLS_CERT": certificate, "DASK_TLS_KEY": key}
        return {"DASK_SCHEDULER": f"tls://127.0.0.1:{self.port}", **files}

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        """Start a scheduler at the address of the last one."""
        where = ["--host", "127.0.0.1", "--port", f"{self.port}"]
        if self.certificate is not None:
            certificate, key = map(str, self.certificate)
            where += ["--protocol", "tls", "--tls-ca-file", certificate, "--tls-cert", certificate, "--tls-key", key]
        self.scheduler = self.start("-m", "distributed.cli.dask_scheduler", *where, "--no-dashboard")
        return self.scheduler

    def start_worker(
        self, settings: Mapping[str, str] | None = None, core: int | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a worker with more environment variables, on one core only if `core` names one."""
        return self.start("-m", "mnist_core", "worker", settings=settings, core=core)

    def start(
        self, *command: str, settings: Mapping[str, str] | None = None, core: int | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a Python process of the cluster."""
        environment = os.environ | self.settings | {"TF_CPP_MIN_LOG_LEVEL": "2", **(settings or {})}
        on_core = () if core is None else ("taskset", "-c", f"{core}")
        with (self.folder / f"{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [*on_core, sys.executable, *command], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self.processes.append(process)
        return process

    def log(self) -> str:
        """All that they have printed."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        """Kill all that are left."""
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@contextlib.contextmanager
def running(folder: Path, certificate: tuple[Path, Path] | None = None) -> Iterator[DaskCluster]:
    """A cluster without workers, for the body of a `with` statement; the arguments are those of `DaskCluster`."""
    cluster = DaskCluster(folder, certificate)
    try:
        yield cluster
    finally:
        cluster.stop()
