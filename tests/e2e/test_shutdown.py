"""A server that ends while runs train."""

from __future__ import annotations

import asyncio
import functools
import re
import signal
import subprocess
from pathlib import Path
from urllib.parse import urlencode

from benchmarks import protocol
from mnist_core import data, training
from mnist_core.config import LayerConfig
from mnist_core.runs.saver import Saver
from mnist_core.runs.scheduler import Scheduler
from mnist_core.store.runs import RunStore
from pages.widgets.server import cookies, shutdown
from tests import coroutines
from tests.e2e.conftest import free_port, running
from tests.samples import small
from tests.scheduled_runs import assert_same_weights, take_turns

PATIENCE = 120.0
# So much work that no computer has done it before the signal.
CONFIGS = [
    small(layers=(LayerConfig(units=256),), batch_size=4, epochs=100, optimizer="adam", dataset="embedded", seed=seed)
    for seed in (1, 2, 3)
]


def finished_epochs(client: protocol.Client) -> int | None:
    """How many epochs are finished, as the page shows it; None for less than two."""
    found = re.search(r"epoch (\d+) of 100", client.frame.get("text", ""))
    return int(found[1]) - 1 if found and int(found[1]) > 2 else None


def message(client: protocol.Client) -> str | None:
    return next((one.body for one in client.elements("toast") if one.body == shutdown.MESSAGE), None)


async def visit(clients: list[protocol.Client], server: subprocess.Popen[bytes]) -> list[int]:
    """All train, and the server gets the signal; returns how many epochs each page had shown as finished."""
    for client in clients:
        await client.open()
        await client.press("Train")
    seen = [await client.wait_for("the third epoch", functools.partial(finished_epochs, client)) for client in clients]
    server.send_signal(signal.SIGTERM)
    for client in clients:
        await client.wait_for("the message", functools.partial(message, client))
    await asyncio.to_thread(server.wait, PATIENCE)
    for client in clients:
        await client.close()
    return seen


def test_runs_are_saved_and_resume_with_identical_results(tmp_path: Path) -> None:
    port = free_port()
    clients = [
        protocol.Client(f"http://127.0.0.1:{port}", urlencode(config.to_query()), patience=PATIENCE)
        for config in CONFIGS
    ]
    with running("streamlit", tmp_path, port) as server:
        seen = coroutines.run(visit(clients, server))
    assert server.returncode == 0
    workspaces = [client.cookies[cookies.NAME] for client in clients]

    saver, turns = Saver(RunStore(f"sqlite:///{tmp_path / 'runs.db'}")), Scheduler(workers=0)
    dataset = data.load("embedded")
    saved = [saver.unfinished(workspace)[0] for workspace in workspaces]
    assert all(summary.epochs >= finished for summary, finished in zip(saved, seen, strict=True))

    run = saver.resume(workspaces[0], saved[0].id, dataset, turns)
    while len(run.snapshot.epochs) < saved[0].epochs + 2:
        take_turns(turns, run)
    assert saver.wait_until_saved(PATIENCE)
    resumed = saver.store.load(workspaces[0], run.id).state  # While it trains, it does not hold the weights itself.
    assert resumed is not None
    for event in training.train(CONFIGS[0], dataset):
        if isinstance(event, training.EpochEnded) and event.state.epoch == resumed.epoch:
            assert event.state.history == resumed.history
            assert_same_weights(event.state.weights, resumed.weights)
            break
    assert saver.close(PATIENCE)
    saver.store.close()
