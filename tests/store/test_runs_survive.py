"""Processes are killed while they train or save; others resume the runs with identical results."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_core import training
from mnist_core.config import LayerConfig
from mnist_core.evaluation.metrics import evaluate_on_test
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from mnist_core.training import EpochEnded, Event, Finished, Progress, Status
from tests.events import epochs, events_of, finished, points
from tests.samples import blobs, small
from tests.stored_runs import assert_same_arrays, assert_same_evaluation, assert_same_state, state_after

ROOT = Path(__file__).parents[2]
CONFIG = small(
    layers=(LayerConfig(units=16, dropout=0.3),), epochs=5, optimizer="adam", learning_rate=0.003,
    validation_fraction=0.25, early_stopping=4, augmentation=0.3,
)  # fmt: skip

# Trains in every database up to the middle of an epoch, and waits for its end there.
TRAIN = """
import sys
from tests.store.test_runs_survive import train
workspace, server, killed_in, *urls = sys.argv[1:]
under_way = [train(url, workspace, server, int(killed_in)) for url in urls]
print("in the middle of an epoch", flush=True)
sys.stdin.read()
"""

# Kills itself before the database has seen the statement, or after.
SAVE = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from mnist_core.store.runs import RunStore
from tests.stored_runs import curve_points, state_after
from tests.samples import blobs, small

url, workspace, moment, beginning = sys.argv[1:]
store, config = RunStore(url, "first"), small(epochs=10)
store.create(workspace, "run", config, blobs())
store.save_epoch(workspace, "run", state_after(config, 1), curve_points(1))

@event.listens_for(Engine, moment)
def die(connection, cursor, statement, *others):
    if statement.startswith(beginning):
        os.kill(os.getpid(), signal.SIGKILL)

store.save_epoch(workspace, "run", state_after(config, 2), curve_points(2))
"""


def train(url: str, workspace: str, server: str, killed_in: int = 0) -> Iterator[Event]:
    """Train and save a run from its last epoch, to its end or into the middle of an epoch."""
    store = RunStore(url, server)
    state, seen = None, list[Progress]()
    if server == "first":
        store.create(workspace, "run", CONFIG, blobs())
    else:
        kept = store.take_over(workspace, "run", grace=0)
        kept.check_dataset(blobs())
        state, seen = kept.state, list(kept.points)
    events = training.train(CONFIG, blobs(), state)
    for event in events:
        if isinstance(event, Progress):
            seen.append(event)
            if event.epoch == killed_in and event.step > 2:
                break
        if isinstance(event, EpochEnded):
            store.save_epoch(workspace, "run", event.state, seen)
        if isinstance(event, Finished):
            evaluation = evaluate_on_test(event.network, blobs())
            store.finish(workspace, "run", Status.FINISHED, network=event.network, evaluation=evaluation, points=seen)
    return events


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def test_killed_run_resumes_elsewhere_with_identical_results(urls: list[str]) -> None:
    workspace = new_workspace()
    for server, killed_in in (("first", 3), ("second", 4)):
        child = start(TRAIN, workspace, server, str(killed_in), *urls)
        assert child.stdout is not None
        assert child.stdout.readline() == "in the middle of an epoch\n", child.communicate()[1]
        child.kill()
        child.communicate()
        assert child.returncode == -signal.SIGKILL
        for url in urls:
            left = RunStore(url).load(workspace, "run")
            assert left.summary.epochs == killed_in - 1
            assert left.summary.status is Status.RUNNING

    whole = events_of(CONFIG)
    network = finished(whole).network
    for url in urls:
        train(url, workspace, "third")
        found = RunStore(url).load(workspace, "run")
        assert found.summary.status is Status.FINISHED
        assert found.config == CONFIG
        assert found.state is not None
        assert found.state.history == epochs(whole)[-1].state.history
        assert found.network is not None
        assert_same_arrays(found.network.weights, network.weights)
        assert_same_evaluation(found.evaluation, evaluate_on_test(network, blobs()))
        of_points = [(point.epoch, point.step, point.loss, point.accuracy) for point in found.points]
        assert of_points == [(point.epoch, point.step, point.loss, point.accuracy) for point in points(whole)]


@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute"])
@pytest.mark.parametrize(
    "statement", ["DELETE FROM playground_parts", "INSERT INTO playground_parts", "UPDATE playground_runs"]
)
def test_process_killed_while_saving_leaves_the_epoch_before(url: str, statement: str, moment: str) -> None:
    workspace = new_workspace()
    child = start(SAVE, url, workspace, moment, statement)
    _, complaints = child.communicate()
    assert child.returncode == -signal.SIGKILL, complaints
    store = RunStore(url, "second")
    config = small(epochs=10)
    found = store.take_over(workspace, "run", grace=0)
    assert_same_state(found.state, state_after(config, 1))
    assert len(found.points) == 10
    store.save_epoch(workspace, "run", state_after(config, 2))
    assert_same_state(store.load(workspace, "run").state, state_after(config, 2))
