"""The server's end: at SIGTERM or Ctrl-C, runs are saved first, and pages say that the server restarts.

uvicorn, which serves the app, would end the process by the signal while threads train. Here the signal starts a thread
that stops the training, waits until every run's newest finished epoch is saved, lets uvicorn close the connections, and
ends the process with status 0. A second signal ends it at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from streamlit import runtime
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.RootContainer_pb2 import RootContainer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import FrameType

    import uvicorn

logger = logging.getLogger(__name__)

MESSAGE = "The server is restarting. Your runs are saved. Reload this page in a minute."
# From the signal: when the workers must have ended, when the runs must be saved, and when the process ends.
_WORKERS_SECONDS = 4.0
_SAVED_SECONDS = 7.5
_END_SECONDS = 9.0
_stopping = threading.Event()


def is_stopping() -> bool:
    """Whether this server has got the signal to end."""
    return _stopping.is_set()


@contextlib.asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Of `st.App`: answers the signals while the server runs, if uvicorn serves it."""
    import uvicorn

    # uvicorn's own handler sends the signal again at its end, which would be the process's status.
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if isinstance(server, uvicorn.Server):
        _listen(server, asyncio.get_running_loop())
    yield


def _listen(server: uvicorn.Server, loop: asyncio.AbstractEventLoop) -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        # Not here: a handler may interrupt the main thread anywhere, and starting a thread takes locks.
        loop.call_soon_threadsafe(begin)

    def begin() -> None:
        _stopping.set()
        threading.Thread(target=shut_down, args=(server,), name="shutdown").start()
        tell_pages()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


def tell_pages() -> None:
    """Show `MESSAGE` on every open page. Called in the event loop."""
    message = ForwardMsg()
    message.metadata.delta_path[:] = [RootContainer.EVENT, 0]
    message.delta.new_element.toast.body = MESSAGE
    message.delta.new_element.toast.icon = ":material/restart_alt:"
    message.delta.new_element.toast.duration = 60  # In seconds. When the server is back, it would be wrong.
    for info in runtime.get_instance()._session_mgr.list_active_sessions():
        with contextlib.suppress(runtime.SessionClientDisconnectedError):
            info.client.write_forward_msg(message)


def shut_down(server: uvicorn.Server) -> None:
    """Save the runs, let the server close its connections, and end the process."""
    began = time.monotonic()
    is_saved = save_runs(began)
    server.should_exit = True
    threading.main_thread().join(max(0.0, began + _END_SECONDS - time.monotonic()))
    # Python would now end its daemon threads wherever they are. One that computes in TensorFlow would crash.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if is_saved else 1)


def save_runs(began: float) -> bool:
    """Stop the training and save every run's newest finished epoch. Returns whether it is saved."""
    # A server without a visitor has not imported them.
    if "mnist_core.runs.scheduler" in sys.modules:
        from mnist_core.runs import scheduler

        if not scheduler.close_shared(began + _WORKERS_SECONDS - time.monotonic()):
            logger.info("A run was still computing; its last finished epoch is saved.")
    if "mnist_core.runs.saver" in sys.modules:
        from mnist_core.runs import saver

        return saver.close_shared(max(0.0, began + _SAVED_SECONDS - time.monotonic()))
    return True
