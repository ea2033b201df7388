"""A worker of a cluster: ``python -m mnist_core worker``; and a whole cluster on this machine to try it.

A worker is a Dask worker in a process that has TensorFlow and the data. If the cluster's scheduler is gone, it waits
for it to come back. At SIGTERM or Ctrl-C it finishes the epochs under way, and other workers go on with its runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import logging
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mnist_core import presets
from mnist_core.data import datasets, sources
from mnist_core.runs import hosted, scheduler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnist_core.runs.cluster import Address

logger = logging.getLogger(__name__)

PORT: Final = 8786
"""Dask's own port for schedulers."""
_LOOK_SECONDS, _RETRY_SECONDS, _PATIENCE_SECONDS = 0.5, 1.0, 5.0
_LOCAL: Final = ("127.0.0.1", "localhost", "::1")


def work(address: Address) -> None:
    """Be a worker until a signal says to leave. Called in the main thread.

    Args:
        address: of the cluster's scheduler.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    host = hosted.shared()
    getting_ready = threading.Thread(target=_get_ready, args=(host,), name="getting-ready")
    getting_ready.start()
    getting_ready.join()
    asyncio.run(_serve(address, host))
    # Python would end daemon threads wherever they are; one that computes in TensorFlow would crash.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _get_ready(host: hosted.Host) -> None:
    """Import TensorFlow, in a thread of low priority as its own will be, load MNIST, and compile the first network."""
    from mnist_core.network.backend import load_tensorflow
    from mnist_core.training import loop

    scheduler.give_way()
    load_tensorflow()
    # A server that starts with the embedded digits may have no network to fetch MNIST.
    first = os.environ.get("MNIST_DATASET") or sources.MNIST.name
    for name in {first, sources.EMBEDDED.name}:
        dataset = datasets.load(name)
        logger.info("Data: %s, %s", dataset.name, dataset.provenance)
        host.give(dataset)
        if name == first:
            loop.compile_ahead(dataclasses.replace(presets.PRESETS[presets.FIRST].config, dataset=name), dataset)


async def _serve(address: Address, host: hosted.Host) -> None:
    from distributed import Worker

    logging.getLogger("distributed").setLevel(logging.WARNING)  # Its import sets another level.
    leaving = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, functools.partial(_leave, host, leaving))
    is_told = False
    while not leaving.is_set():
        worker = Worker(
            address.url,
            # On this machine nobody else may connect.
            host="127.0.0.1" if urlsplit(address.url).hostname in _LOCAL else None,
            nthreads=scheduler.WORKERS,
            security=address.security(),
            memory_limit=0,  # The playground's own limits hold.
            dashboard=False,
        )
        try:
            # It would try for ever, without a word.
            await asyncio.wait_for(worker, _PATIENCE_SECONDS)
            logger.info("At work for the cluster at %s", address.url)
            is_told = False
            finished = asyncio.create_task(worker.finished())  # type: ignore[no-untyped-call]
            while not finished.done() and not (leaving.is_set() and not host.untold_runs):
                host.forget_who_is_gone()
                await asyncio.wait([finished], timeout=_LOOK_SECONDS)
            finished.cancel()
        except (OSError, TimeoutError, RuntimeError) as error:
            if not is_told:
                logger.warning("The cluster at %s does not answer: %r", address.url, error)
                is_told = True
        finally:
            await worker.close()
        if not leaving.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(leaving.wait(), _RETRY_SECONDS)


def _leave(host: hosted.Host, leaving: asyncio.Event) -> None:
    if leaving.is_set():  # A second signal ends it at once.
        os._exit(1)
    logger.info("Leaving after the epochs under way")
    host.leave()
    leaving.set()


def run_cluster(workers: int, port: int) -> int:
    """A scheduler, some workers and the app on this machine, on loopback, until Ctrl-C; returns the app's status.

    Args:
        workers: how many.
        port: of the app.
    """
    url = f"tcp://127.0.0.1:{PORT}"
    environment = os.environ | {"DASK_SCHEDULER": url, "DASK_INSECURE": "1", "DASK_LOGGING__DISTRIBUTED": "warning"}
    dask = ("-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", f"{PORT}", "--no-dashboard")
    app = ("-m", "streamlit", "run", "app.py", "--server.port", f"{port}", "--browser.serverAddress", "localhost")
    parts: Sequence[Sequence[str]] = (dask, *[("-m", "mnist_core", "worker")] * workers, app)
    # In sessions of their own, so that Ctrl-C reaches them in the order below: the app first, since it saves its runs.
    running = [subprocess.Popen([sys.executable, *part], env=environment, start_new_session=True) for part in parts]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        running[-1].wait()
    for part in reversed(running):
        if part.poll() is None:
            part.terminate()
        part.wait()
    return running[-1].returncode
