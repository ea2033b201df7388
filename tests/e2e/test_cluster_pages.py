"""The app with its networks on a Dask cluster, as pages show it, and what happens to runs when a part of it dies."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest

from benchmarks import dask_cluster
from benchmarks.dask_cluster import ROOT, DaskCluster
from benchmarks.protocol import Client
from tests import coroutines
from tests.e2e.conftest import free_port, running
from tests.e2e.test_several_servers import again, says, wait_until_ready
from tests.e2e.test_shutdown import CONFIGS, PATIENCE, finished_epochs

EMBEDDED = {"MNIST_DATASET": "embedded"}


async def train(cluster: DaskCluster, client: Client) -> int:
    """Train on a cluster whose worker comes late, dies, and comes again; returns how many epochs were finished."""
    await client.open()
    await client.press("Train")
    await client.wait_for("a run that waits", lambda: says(client, "No computer of the cluster is free"))
    worker = cluster.start_worker(EMBEDDED)
    seen = await client.wait_for("the third epoch", lambda: finished_epochs(client))
    await client.press("Pause")
    await client.see_button("Resume")
    await client.press("Resume")
    worker.kill()
    worker.wait()
    lost = await client.wait_for("what happened", lambda: says(client, r"is gone\. It goes on after epoch (\d+)"))
    assert int(lost[1]) >= seen
    cluster.start_worker(EMBEDDED)
    return await client.wait_for("a new epoch", lambda: _more_than(client, int(lost[1])))


async def go_on(cluster: DaskCluster, client: Client, seen: int) -> None:
    """After the app was killed, its run goes on by itself; it ends with a result."""
    await client.open()
    await client.wait_for("a new epoch", lambda: _more_than(client, seen))
    assert cluster.log().count("Leaving") == 0
    await client.press("Stop")
    links = "See its mistakes", lambda: next(client.elements("page_link"), None)
    assert (await client.wait_for(*links)).label == links[0]


def _more_than(client: Client, seen: int) -> int | None:
    epochs = finished_epochs(client) or 0
    return epochs if epochs > seen else None


def test_run_goes_on_when_its_worker_and_its_server_are_killed(tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    client = Client(address, urlencode(CONFIGS[0].to_query()), patience=PATIENCE)
    with dask_cluster.running(tmp_path) as cluster:
        settings = dict(cluster.settings)
        with running("streamlit", tmp_path, port, is_log_clean=False, settings=settings) as server:
            ready = wait_until_ready(address)
            assert ready["cluster"].startswith("No computer")
            seen = coroutines.run(train(cluster, client))
            assert wait_until_ready(address)["cluster"] == "answers"
            server.kill()
            server.wait()
        with running("streamlit", tmp_path, port, is_log_clean=False, settings=settings):
            coroutines.run(go_on(cluster, again(client), seen))
        log = (tmp_path / "log.txt").read_text()
        assert not re.search(r"Traceback|ERROR", log), log


@pytest.mark.parametrize("command", [("streamlit", "run", "app.py", "--server.port"), ("mnist_core", "worker")])
def test_unprotected_cluster_is_refused_at_the_start(command: tuple[str, ...]) -> None:
    environment = os.environ | {"DASK_SCHEDULER": "tcp://10.0.0.1:8786"}
    port = [str(free_port())] if "--server.port" in command else []
    ended = subprocess.run(
        [sys.executable, "-m", *command, *port], check=False, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 1
    said = ended.stdout + ended.stderr
    assert "can run code on the cluster" in said
    assert "set DASK_INSECURE=1" in said
    assert "Traceback" not in said
