"""What a load balancer and the owner of a server want to know: whether it can take visitors, and how busy it is.

`Readiness` is ASGI middleware of `st.App`. Streamlit's own ``/_stcore/health`` only says that the process answers.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from streamlit import runtime

from pages.widgets.server import shutdown, waiting_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from mnist_core.runs.cluster import Cluster
    from mnist_core.store.database import Database

logger = logging.getLogger(__name__)

ADDRESS = "/ready"
KEPT_SECONDS = 1.0
"""For how long an answer of the database counts. Anyone can ask, so the database must not be asked each time."""
_PATIENCE_SECONDS, _MINUTE = 2.0, 60.0
_TRY_AGAIN = 1012  # WebSocket's code for a server that restarts.


def database_trouble() -> str:
    """What keeps the database from answering; an empty text if it answers."""
    from mnist_core.errors import StoreError

    try:
        with _database().reading() as connection:
            connection.exec_driver_sql("SELECT 1")
    except StoreError as error:
        return error.message
    except Exception:
        logger.exception("The database could not be asked")
        return "The database could not be asked; the log says why."
    return ""


@functools.cache
def _database() -> Database:
    from mnist_core.store import database

    # One of its own: the runs' may wait for longer, and its connections may all be busy.
    return database.Database(database.configured_url(), patience=_PATIENCE_SECONDS)


def cluster_trouble() -> str | None:
    """Why no network can train on the cluster; an empty text if one can, None without a cluster."""
    cluster = _cluster()
    return None if cluster is None else str(cluster.trouble)


def _cluster() -> Cluster | None:
    if not os.environ.get("DASK_SCHEDULER"):
        return None
    from mnist_core.runs import scheduler
    from mnist_core.runs.cluster import Cluster

    turns = scheduler.shared()
    return turns if isinstance(turns, Cluster) else None


class Readiness:
    """Answers ``/ready``: status 200 if the server can take visitors, else 503, and JSON that says what is wrong.

    A server that stops takes no new visitor: a page that wants to connect tries again until another server, or the new
    one, takes it. Without a worker of its cluster a server is ready: all but training works, and runs wait.

    Args:
        app: answers all other requests.
        trouble: returns what is wrong with the database, or an empty text. Called in a thread.
        is_stopping: whether the server is about to end.
        clock: returns seconds.
        cluster: returns what is wrong with the cluster, an empty text, or None without a cluster.
    """

    def __init__(
        self,
        app: ASGIApp,
        trouble: Callable[[], str] = database_trouble,
        is_stopping: Callable[[], bool] = shutdown.is_stopping,
        clock: Callable[[], float] = time.monotonic,
        cluster: Callable[[], str | None] = cluster_trouble,
    ) -> None:
        self._app, self._trouble, self._cluster = app, trouble, cluster
        self._is_stopping, self._clock = is_stopping, clock
        self._asking: asyncio.Task[str] | None = None
        self._asked = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket" and self._is_stopping():
            await receive()
            await send({"type": "websocket.close", "code": _TRY_AGAIN})
        elif scope["type"] == "http" and scope["path"].endswith(ADDRESS):
            answer = await self._answer()
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self) -> JSONResponse:
        asking = self._asking
        if asking is None or (asking.done() and self._clock() - self._asked >= KEPT_SECONDS):
            self._asked = self._clock()
            asking = self._asking = asyncio.create_task(asyncio.to_thread(self._trouble))
        # All who ask meanwhile wait for the same answer, and one who gives up does not cancel it.
        trouble = await asyncio.shield(asking)
        is_stopping = self._is_stopping()
        said = {"server": "stopping" if is_stopping else "ready", "database": trouble or "answers"}
        cluster = self._cluster()
        if cluster is not None:
            said["cluster"] = cluster or "answers"
        return JSONResponse(said, 503 if is_stopping or trouble else 200, {"cache-control": "no-store"})


@dataclass(frozen=True)
class Load:
    """How busy a server is.

    Args:
        visitors: browser tabs that are connected.
        runs: runs that train or wait for their turn.
        watched: how many of them somebody watches.
        waiting: visitors who wait until there is room for another run.
        memory: resident memory of the process in MB; 0 where the system does not say.
        workers: of the cluster, that take runs; None without a cluster.
    """

    visitors: int
    runs: int
    watched: int
    waiting: int
    memory: int
    workers: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here and nothing trains."""
        return not (self.visitors or self.runs or self.waiting)

    def __str__(self) -> str:
        workers = "" if self.workers is None else f", workers {self.workers}"
        return (
            f"visitors {self.visitors}, runs {self.runs} (watched {self.watched}), waiting for room {self.waiting}, "
            f"memory {self.memory} MB{workers}"
        )


def current_load() -> Load:
    """Of this server, now."""
    visitors = len(runtime.get_instance()._session_mgr.list_active_sessions()) if runtime.exists() else 0
    runs = watched = 0
    if "mnist_core.runs.scheduler" in sys.modules:  # A server without a visitor has not imported it.
        from mnist_core.runs import scheduler

        runs, watched = scheduler.shared().active_runs, scheduler.shared().watched_runs
    cluster = _cluster()
    workers = None if cluster is None else cluster.workers
    return Load(visitors, runs, watched, waiting_line.shared().length, _memory(), workers)


def _memory() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 10**6


def start_minutes() -> threading.Thread:
    """Write a line a minute about how busy the server is, to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    thread = threading.Thread(target=write_minutes, name="minutes", daemon=True)
    thread.start()
    return thread


def write_minutes(wait: Callable[[float], object] = time.sleep, load: Callable[[], Load] = current_load) -> None:
    """Write a line after each `wait`, but of a server that stays empty only the first one."""
    was_empty = False
    while True:
        wait(_MINUTE)
        try:
            now = load()
            if now.is_empty and was_empty:
                continue
            was_empty = now.is_empty
            logger.info("%s", now)
        except Exception:
            logger.exception("The server's load could not be read")  # The next line may work.
