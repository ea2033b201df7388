"""Networks' runs on the workers of a Dask cluster: the same scheduler for the pages, with other computers behind it.

Dask chooses the worker of a run and counts what each one holds. A thread with an event loop asks each worker several
times a second what is new of all its runs, and passes the orders on. If a worker is gone, its runs go on elsewhere
after their last finished epoch. Who may connect: see `configured`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_core.errors import CapacityError, ConfigError
from mnist_core.language import Message
from mnist_core.runs.hosted import Hosting
from mnist_core.runs.remote_run import RemoteRun
from mnist_core.runs.scheduler import MAX_ACTIVE_RUNS, Scheduler
from mnist_core.store.records import library_versions

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from distributed import Client, Security

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.runs.job import Job

logger = logging.getLogger(__name__)

NO_WORKER = Message("No computer of the cluster is free for it yet. It starts by itself when one comes.")
# What is raised when the other side is gone.
_GONE = (OSError, TimeoutError, RuntimeError, ValueError, concurrent.futures.CancelledError)
_TLS = ("DASK_TLS_CA_FILE", "DASK_TLS_CERT", "DASK_TLS_KEY")
# How long to wait between two questions to a worker at least, and about how many runs are asked for a second at most.
_ASK_SECONDS, _MOST_A_SECOND = 0.15, 100
_LOOK_SECONDS = 1.0
# A worker that does not answer for so long is gone.
_PATIENCE_SECONDS = 10.0
_RETRY_SECONDS = 0.5
# Weights for pictures: this many megabytes a second from all workers together, but of each run no more often than that.
_PICTURE_MEGABYTES, _PICTURE_SECONDS = 16.0, 0.5


@dataclass(frozen=True)
class Address:
    """Where the cluster's scheduler is.

    Args:
        url: such as "tls://host:8786".
        ca, cert, key: files for TLS; empty on a private network without it.
    """

    url: str
    ca: str = ""
    cert: str = ""
    key: str = ""

    def security(self) -> Security | None:
        """For Dask; None without TLS."""
        from distributed import Security

        if not self.ca:
            return None
        files = {f"tls_{role}_{kind}": file for role in ("client", "worker", "scheduler")
                 for kind, file in (("cert", self.cert), ("key", self.key))}  # fmt: skip
        return Security(  # type: ignore[no-untyped-call]
            tls_ca_file=self.ca, require_encryption=True, **files
        )


def configured(environment: Mapping[str, str] = os.environ) -> Address:
    """The address in ``DASK_SCHEDULER``, with the three files of ``DASK_TLS_CA_FILE``, ``_CERT`` and ``_KEY``.

    Anyone who reaches a cluster without TLS can run code on it, so that needs an explicit ``DASK_INSECURE=1``.

    Raises:
        ConfigError: there is no address, a file is missing, or it is neither protected nor said to be on a private
            network.
    """
    url = environment.get("DASK_SCHEDULER", "")
    scheme, _, rest = url.partition("://")
    if scheme not in ("tls", "tcp") or not rest:
        raise ConfigError("DASK_SCHEDULER", "is no address.", "Use one like tls://host:8786.", url)
    files = [environment.get(name, "") for name in _TLS]
    if any(files):
        for name, file in zip(_TLS, files, strict=True):
            if not Path(file).is_file():
                raise ConfigError(name, "is no file.", "Set all three: the authority, the certificate, the key.", file)
        if scheme != "tls":
            raise ConfigError("DASK_SCHEDULER", "is not encrypted.", "With certificates, begin it with tls://.", url)
        return Address(url, *files)
    if scheme == "tls":
        raise ConfigError("DASK_SCHEDULER", "needs certificates.", f"Set {', '.join(_TLS)}.", url)
    if environment.get("DASK_INSECURE") != "1":
        raise ConfigError(
            "DASK_SCHEDULER",
            "is not protected: anyone who reaches this address can run code on the cluster.",
            "Use tls:// with certificates, or, on a private network, set DASK_INSECURE=1.",
            url,
        )
    return Address(url)


@dataclass(eq=False)
class _Worker:
    """A worker as this playground knows it.

    Attributes:
        address: where it is.
        places: for each run that it has: the run, its actor on the worker, and the future that keeps the actor there.
        is_leaving: whether it takes no more runs.
        wake: set to ask it at once.
        task: asks it.
        gifts: data sets on the way to it, by fingerprint.
    """

    address: str
    places: dict[str, tuple[RemoteRun, Any, Any]] = field(default_factory=dict)
    is_leaving: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    gifts: dict[str, asyncio.Task[None]] = field(default_factory=dict)


class Cluster(Scheduler):
    """A scheduler whose networks train on a cluster; classical models train here.

    Args:
        address: of the cluster's scheduler.
    """

    _run_class = RemoteRun

    def __init__(self, address: Address) -> None:
        super().__init__()
        self._address = address
        self._owner = uuid.uuid4().hex
        # All that have not ended. Those without a worker wait for one.
        self._remote: dict[str, RemoteRun] = {}
        self._homeless: set[str] = set()
        self._workers_here: dict[str, _Worker] = {}
        self._refused: set[str] = set()
        self._pictures_at: dict[str, float] = {}
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_over = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="cluster", daemon=True)
        self._thread.start()

    @property
    def workers(self) -> int:
        """How many workers take runs."""
        return len(self._open_workers())

    @property
    def trouble(self) -> str:
        """Why no network can train now; empty if one can."""
        return "" if self.workers else NO_WORKER

    def close(self, seconds: float) -> bool:
        """See `Scheduler`; the workers drop the runs."""
        end = time.monotonic() + seconds
        self._is_over = True
        self._wake()
        self._thread.join(seconds)
        is_closed = super().close(max(0.0, end - time.monotonic()))
        return is_closed and not self._thread.is_alive()

    def prepare(self, config: RunConfig, dataset: Dataset) -> None:
        """Nothing: workers compile what they need."""

    # --- Calls from pages ----------------------------------------------------------------------------------------

    def _admit(self, run: Job) -> None:
        if not isinstance(run, RemoteRun):
            super()._admit(run)
            return
        with self._lock:
            if self._is_closed or self._is_over:
                raise CapacityError("This server is about to restart.", "Try again in a minute.")
            most = MAX_ACTIVE_RUNS * max(1, self.workers)
            if len(self._remote) >= most:
                raise CapacityError(
                    Message("This server already has {most} runs in training, its maximum.", most=most),
                    "Wait until one has ended, or stop one of yours.",
                )
            self._runs.add(run)
            self._homeless.add(run.id)
            self._remote[run.id] = run

    def _enqueue(self, run: Job) -> None:
        if isinstance(run, RemoteRun):
            self._wake()
        else:
            super()._enqueue(run)

    def _hurry(self, run: Job) -> None:
        if isinstance(run, RemoteRun):
            self._wake()
        else:
            super()._hurry(run)

    def _wake(self) -> None:
        def wake() -> None:
            self._changed.set()
            for one in self._workers_here.values():
                one.wake.set()

        with contextlib.suppress(RuntimeError):  # The loop has just been closed.
            self._loop.call_soon_threadsafe(wake)

    def _open_workers(self) -> list[str]:
        return [one.address for one in list(self._workers_here.values()) if not one.is_leaving]

    # --- The thread ----------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._stay_connected())
        except Exception:
            logger.exception("The cluster is no longer asked")
        finally:
            self._loop.close()

    async def _stay_connected(self) -> None:
        from distributed import Client

        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # What is said here is enough.
        is_told = False
        while not self._is_over:
            try:
                async with Client(  # type: ignore[no-untyped-call]
                    self._address.url,
                    asynchronous=True,
                    security=self._address.security(),
                    timeout=_PATIENCE_SECONDS / 2,
                    direct_to_workers=True,
                ) as client:
                    logger.info("Connected to the cluster at %s", self._address.url)
                    is_told = False
                    await self._work_with(client)
            except _GONE as error:
                if not is_told:
                    logger.warning("The cluster at %s does not answer: %s", self._address.url, error)
                    is_told = True
            except Exception:
                logger.exception("The cluster at %s is asked anew after an unexpected error", self._address.url)
            for one in list(self._workers_here.values()):
                self._lose(one)
            if not self._is_over:
                await asyncio.sleep(_RETRY_SECONDS)

    async def _work_with(self, client: Client) -> None:
        """Place runs and watch over the workers until the connection ends."""
        looked = -_LOOK_SECONDS
        while not self._is_over and client.status == "running":
            if time.monotonic() - looked >= _LOOK_SECONDS:
                looked = time.monotonic()
                await self._look_at_workers(client)
            for run in list(self._remote.values()):
                run.stop_if_forgotten()
                if run.id in self._homeless and (run.is_stopping or self._open_workers()):
                    self._homeless.discard(run.id)
                    self._start_task(self._settle(client, run))
                elif run.id in self._homeless and not run.snapshot.message:
                    run.say(NO_WORKER)
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), _LOOK_SECONDS / 4)
        for one in self._workers_here.values():
            for _run, hosting, _future in list(one.places.values())[:1]:
                await asyncio.wait_for(hosting.news(self._owner, {}), _RETRY_SECONDS)

    def _start_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)  # The loop itself does not hold it.
        task.add_done_callback(self._tasks.discard)
        return task

    async def _look_at_workers(self, client: Client) -> None:
        """Meet new workers, and lose those that are gone."""
        found = (await client.scheduler.identity())["workers"]  # type: ignore[union-attr]
        for address in found.keys() - self._workers_here.keys() - self._refused:
            difference = await _difference(client, address)
            if difference:
                self._refused.add(address)
                logger.error("The worker %s gets no runs: %s", address, difference)
            else:
                self._workers_here[address] = _Worker(address)
                logger.info("A worker has come: %s", address)
        for address in self._workers_here.keys() - found.keys():
            self._lose(self._workers_here[address])
        self._refused &= found.keys()

    def _lose(self, worker: _Worker) -> None:
        """Let the runs of a worker that is gone go on elsewhere."""
        self._workers_here.pop(worker.address, None)
        if worker.task is not None and worker.task is not asyncio.current_task():
            worker.task.cancel()
        if worker.places:
            logger.warning("The worker %s is gone; its %d runs go on elsewhere", worker.address, len(worker.places))
        for run, _hosting, _future in list(worker.places.values()):
            self._take_back(worker, run)
        self._changed.set()

    def _take_back(self, worker: _Worker, run: RemoteRun) -> None:
        """Look for another worker for a run."""
        del worker.places[run.id]
        run.go_back()
        epoch = len(run.snapshot.epochs)
        if worker.is_leaving:
            why = Message("Its computer left the cluster. It goes on after epoch {epoch} on another one.", epoch=epoch)
        else:
            why = Message("The computer that trained it is gone. It goes on after epoch {epoch}.", epoch=epoch)
        run.say(why)
        self._homeless.add(run.id)
        self._changed.set()

    async def _settle(self, client: Client, run: RemoteRun) -> None:
        """Give a run to a worker that Dask chooses; without a place for it, try again later."""
        try:
            refusal = await self._place(client, run) if not run.is_stopping else ""
            if refusal:
                await asyncio.to_thread(run.fail, refusal)
            elif run.is_stopping and run.id not in self._placed():
                await asyncio.to_thread(run.stop_here)
        except _GONE as error:
            logger.warning("Run %s could not be placed; trying again: %s", run.id, error)
            await asyncio.sleep(_RETRY_SECONDS)
            self._homeless.add(run.id)
        except Exception:
            logger.exception("Run %s could not be placed", run.id)
            await asyncio.to_thread(
                run.fail, Message("Something went wrong in the playground. The server's log has the details.")
            )
        if not run.snapshot.status.is_active:
            self._remote.pop(run.id, None)
        self._changed.set()

    def _placed(self) -> set[str]:
        return {run_id for one in self._workers_here.values() for run_id in one.places}

    async def _place(self, client: Client, run: RemoteRun) -> str:
        """Place a run; returns why the worker refuses it, or an empty text.

        Raises:
            OSError, TimeoutError, RuntimeError, CancelledError: the worker or the cluster is gone.
        """
        future = client.submit(
            Hosting, actor=True, key=f"run-{uuid.uuid4().hex}", workers=self._open_workers(), allow_other_workers=False
        )
        hosting = await asyncio.wait_for(future, _PATIENCE_SECONDS)
        address = await asyncio.wait_for(hosting.where(), _PATIENCE_SECONDS)
        worker = self._workers_here.get(address)
        if worker is None:  # It has just left.
            raise ConnectionResetError(address)
        start = run.go_back()
        call = self._owner, run.id, run.config, run.dataset.fingerprint, start, run.is_pause_wanted
        has_data, refusal = await asyncio.wait_for(hosting.begin(*call), _PATIENCE_SECONDS)
        if not has_data:
            await self._give(worker, hosting, run.dataset)
            has_data, refusal = await asyncio.wait_for(hosting.begin(*call), _PATIENCE_SECONDS)
        if refusal:
            return str(refusal)
        if run.snapshot.message == NO_WORKER:
            run.say("")
        worker.places[run.id] = run, hosting, future
        if worker.task is None or worker.task.done():
            worker.task = self._start_task(self._follow(worker))
        return ""

    async def _give(self, worker: _Worker, hosting: Any, dataset: Dataset) -> None:
        """Send a data set to a worker; all runs that need it there wait for the same."""

        async def give() -> None:
            try:
                await asyncio.wait_for(hosting.give(dataset), 6 * _PATIENCE_SECONDS)
            finally:
                del worker.gifts[dataset.fingerprint]

        if dataset.fingerprint not in worker.gifts:
            worker.gifts[dataset.fingerprint] = self._start_task(give())
        await asyncio.shield(worker.gifts[dataset.fingerprint])

    async def _follow(self, worker: _Worker) -> None:
        """Ask a worker for what is new of its runs, as long as it has any."""
        try:
            while worker.places:
                worker.wake.clear()
                await self._ask(worker)
                count = sum(len(one.places) for one in self._workers_here.values())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(worker.wake.wait(), max(_ASK_SECONDS, count / _MOST_A_SECOND))
        except _GONE as error:
            logger.warning("The worker %s does not answer: %s", worker.address, error)
            self._lose(worker)
        except Exception:
            logger.exception("The worker %s cannot be asked", worker.address)
            self._lose(worker)

    async def _ask(self, worker: _Worker) -> None:
        asked = {
            run_id: (run, run.question(self._wants_pictures(run))) for run_id, (run, _, _) in worker.places.items()
        }
        _run, hosting, _future = next(iter(worker.places.values()))  # Any of its actors answers for all.
        questions = {run_id: question for run_id, (_, question) in asked.items()}
        found = await asyncio.wait_for(hosting.news(self._owner, questions), _PATIENCE_SECONDS)
        for run_id, (run, question) in asked.items():
            news = found.get(run_id)
            if run_id not in worker.places:
                continue
            if news is None:  # It was dropped there, after a silence.
                self._take_back(worker, run)
                continue
            run.take(question, news)
            if news.weights is not None:
                self._pictures_at[run.id] = time.monotonic()
            if not run.snapshot.status.is_active:
                del worker.places[run_id]
                self._remote.pop(run_id, None)
                self._pictures_at.pop(run_id, None)
            elif news.is_handed_over:
                worker.is_leaving = True
                self._take_back(worker, run)

    def _wants_pictures(self, run: RemoteRun) -> bool:
        """Whether it is time for new pictures of a run."""
        megabytes = sum(one.weights_bytes for one in list(self._remote.values()) if one.is_watched) / 1e6
        pause = max(_PICTURE_SECONDS, megabytes / _PICTURE_MEGABYTES)
        return run.is_watched and time.monotonic() - self._pictures_at.get(run.id, -pause) >= pause


async def _difference(client: Client, address: str) -> str:
    """Why a worker would not get the same numbers; empty if it would."""
    own = library_versions()
    try:
        versions = (await client.run(library_versions, workers=[address]))[address]
    except _GONE:
        raise
    except Exception as error:  # Whatever the other side has raised: it has no playground, for example.
        logger.info("The worker %s cannot say its versions", address, exc_info=True)
        return f"it cannot say its versions ({error})"
    return ", ".join(
        f"it has {name} {versions.get(name, 'not at all')}, and not {own.get(name, 'not at all')}"
        for name in sorted({*versions, *own})
        if versions.get(name) != own.get(name)
    )
