"""What remains of runs when the server ends: the scheduler gives no more turns, and the saver saves what is due."""

from __future__ import annotations

import functools
import logging
import threading
from typing import Any

import pytest

from mnist_core import training
from mnist_core.errors import CapacityError, StoreError
from mnist_core.runs import saver as saving
from mnist_core.runs import scheduler as scheduling
from mnist_core.runs.network_run import Run
from mnist_core.runs.saver import Saver
from mnist_core.runs.scheduler import Scheduler
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from mnist_core.training import Status
from tests.samples import blobs, small
from tests.scheduled_runs import wait_until

MINUTES = 300.0
LONG = small(epochs=100)
POINT = training.Progress(1, 1, 2.3, 0.1, 1000.0, None)


def train_until(run: Run, epoch: int) -> None:
    while len(run.snapshot.epochs) < epoch:
        run.take_turn(0.0, 0.0)


def test_closed_scheduler_leaves_its_runs_as_they_are(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "take_turn", lambda run, *_: run._publish(status=Status.RUNNING, points=(POINT,)))
    running = [scheduler.submit(LONG, blobs()) for _ in range(3)]
    paused = scheduler.submit(LONG, blobs(), paused=True)
    wait_until(lambda: all(run.snapshot.points for run in running))
    assert scheduler.close(MINUTES)
    assert not any(thread.is_alive() for thread in scheduler._threads)
    assert [run.snapshot.status for run in running] == [Status.RUNNING] * 3
    assert paused.snapshot.status is Status.PAUSED


def test_closed_scheduler_accepts_no_run(scheduler: Scheduler) -> None:
    assert scheduler.close(MINUTES)
    with pytest.raises(CapacityError, match="This server is about to restart"):
        scheduler.submit(LONG, blobs())


def test_scheduler_does_not_wait_longer_than_asked(scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    began, end = threading.Event(), threading.Event()

    def compile_for_long(*_: Any) -> None:
        began.set()
        assert end.wait(MINUTES)

    monkeypatch.setattr(Run, "take_turn", compile_for_long)
    scheduler.submit(LONG, blobs())
    assert began.wait(MINUTES)
    assert not scheduler.close(0.0)
    end.set()
    assert scheduler.close(MINUTES)


def test_closed_saver_has_saved_the_newest_epochs(
    url: str, by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, saver = new_workspace(), Saver(RunStore(url))
    began, go = threading.Event(), threading.Event()

    def save_slowly(*what: Any) -> None:
        began.set()
        assert go.wait(MINUTES)
        RunStore.save_epoch(saver.store, *what)

    monkeypatch.setattr(saver.store, "save_epoch", save_slowly)
    active, paused, waiting = (by_hand.submit(LONG, blobs()) for _ in range(3))
    for run in (active, paused, waiting):
        saver.save(workspace, run)
    train_until(paused, 2)
    assert began.wait(MINUTES)
    by_hand.pause(paused)
    train_until(active, 4)
    go.set()
    assert saver.close(MINUTES)
    assert not saver._thread.is_alive()
    saver.store.close()

    # Another server can continue all three without waiting for missed heartbeats.
    after = RunStore(url)
    found = {summary.id: summary.epochs for summary in after.unfinished(workspace)}
    assert found == {active.id: 4, paused.id: 2, waiting.id: 0}
    after.close()


def test_closed_saver_reports_what_is_not_saved(
    tmp_path: Any, by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    saver = Saver(RunStore(f"sqlite:///{tmp_path / 'runs.db'}"))
    tried = threading.Event()

    def fail(*_: Any) -> None:
        tried.set()
        raise StoreError("The disk is full.", "Delete something.")

    monkeypatch.setattr(saver.store, "save_epoch", fail)
    run = by_hand.submit(LONG, blobs())
    saver.save(new_workspace(), run)
    train_until(run, 2)
    assert tried.wait(MINUTES)
    with caplog.at_level(logging.ERROR, logger=saving.__name__):
        assert not saver.close(0.0)
    assert f"Run {run.id} could not be saved up to epoch 2" in caplog.text
    saver._thread.join(MINUTES)
    saver.store.close()


@pytest.mark.parametrize("module", [scheduling, saving])
def test_nothing_is_made_to_be_closed(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_made", functools.cache(lambda: pytest.fail("made")))
    assert module.close_shared(0.0)
