"""Runs are saved while a scheduler trains them, and resume with identical results."""

from __future__ import annotations

import gc
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_core import training
from mnist_core.config import LayerConfig
from mnist_core.errors import CapacityError, DataError, RunNotFoundError, StoreError
from mnist_core.evaluation.metrics import evaluate_on_test
from mnist_core.runs.network_run import Run, StepSize
from mnist_core.runs.saver import Saver
from mnist_core.runs.scheduler import Scheduler
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace, workspace_key
from mnist_core.training import Status
from tests.events import events_of, finished
from tests.samples import blobs, small
from tests.scheduled_runs import wait_until
from tests.stored_runs import assert_same_arrays, assert_same_evaluation, execute_sql

CONFIG = small(
    layers=(LayerConfig(units=16, dropout=0.3),), epochs=4, optimizer="adam", learning_rate=0.003, augmentation=0.3
)
MINUTES = 300.0


def an_hour_ago() -> float:
    return time.time() - 3_600


def turns_until(run: Run, epoch: int) -> None:
    """Take turns by hand until this many epochs are finished, and one more chunk."""
    while len(run.snapshot.epochs) < epoch:
        run.take_turn(0.0, 0.0)
    run.take_turn(0.0, 0.0)


def to_the_end(run: Run) -> Run:
    while run.snapshot.status.is_active:
        run.take_turn(1.0)
    return run


def abandoned(url: str, workspace: str, scheduler: Scheduler, epoch: int, title: str = "") -> str:
    """Save a run up to an epoch, as a server that is gone; return its id."""
    other = Saver(RunStore(url, clock=an_hour_ago))
    run = scheduler.submit(CONFIG, blobs(), paused=True)
    run.number, run.title = 7, title
    other.save(workspace, run)
    scheduler.resume(run)
    turns_until(run, epoch)
    assert other.wait_until_saved(MINUTES)
    other.store.close()
    return run.id


def test_finished_run_is_saved_completely(saver: Saver, workspace: str, scheduler: Scheduler) -> None:
    run = scheduler.submit(CONFIG, blobs())
    run.number, run.title = 3, "Mine"
    saver.save(workspace, run)
    ended = threading.Event()
    run.tell(lambda run: ended.set() if not run.snapshot.status.is_active else None)
    assert ended.wait(MINUTES)
    assert saver.wait_until_saved(MINUTES)

    oracle = finished(events_of(CONFIG))
    kept = saver.store.load(workspace, run.id)
    assert (kept.summary.number, kept.summary.title, kept.summary.status) == (3, "Mine", Status.FINISHED)
    assert kept.config == CONFIG
    assert kept.state is not None
    assert kept.state.history == oracle.history
    assert kept.network is not None
    assert_same_arrays(kept.network.weights, oracle.network.weights)
    assert_same_evaluation(kept.evaluation, evaluate_on_test(oracle.network, blobs()))
    assert len(kept.points) == len(run.snapshot.points)
    assert saver.unfinished(workspace) == ()


def test_each_epoch_is_saved_during_the_run(saver: Saver, workspace: str, by_hand: Scheduler) -> None:
    run = by_hand.submit(CONFIG, blobs())
    saver.save(workspace, run)
    for epoch in (1, 2, 3):
        turns_until(run, epoch)
        assert saver.wait_until_saved(MINUTES)
        (summary,) = saver.list(workspace)
        assert (summary.status, summary.epochs) == (Status.RUNNING, epoch)
        assert saver.unfinished(workspace) == ()  # It is under way here.


def test_resumed_run_has_identical_results(saver: Saver, url: str, workspace: str, by_hand: Scheduler) -> None:
    run_id = abandoned(url, workspace, by_hand, epoch=2, title="Broken off")
    (summary,) = saver.unfinished(workspace)
    assert (summary.id, summary.epochs) == (run_id, 2)

    run = saver.resume(workspace, run_id, blobs(), by_hand)
    assert (run.id, run.number, run.title) == (run_id, 7, "Broken off")
    assert run.snapshot.status is Status.WAITING
    assert run.fraction == 0.5
    assert saver.unfinished(workspace) == ()
    to_the_end(run)
    assert saver.wait_until_saved(MINUTES)

    unbroken = to_the_end(by_hand.submit(CONFIG, blobs()))
    kept = saver.store.load(workspace, run_id)
    for ours in (run.snapshot, kept):
        assert ours.network is not None
        assert unbroken.snapshot.network is not None
        assert_same_arrays(ours.network.weights, unbroken.snapshot.network.weights)
        assert unbroken.snapshot.evaluation is not None
        assert_same_evaluation(ours.evaluation, unbroken.snapshot.evaluation)
    assert run.snapshot.epochs == unbroken.snapshot.epochs
    assert [p.step for p in run.snapshot.points] == [p.step for p in unbroken.snapshot.points]
    assert [p.loss for p in run.snapshot.points] == [p.loss for p in unbroken.snapshot.points]


def test_resumed_run_stopped_at_once_keeps_its_last_network(
    saver: Saver, url: str, workspace: str, by_hand: Scheduler
) -> None:
    run_id = abandoned(url, workspace, by_hand, epoch=2)
    run = saver.resume(workspace, run_id, blobs(), by_hand)
    by_hand.stop(run)
    to_the_end(run)
    state = events_of(CONFIG)
    after_two = [event.state for event in state if isinstance(event, training.EpochEnded)][1]
    assert run.snapshot.network is not None
    assert_same_arrays(run.snapshot.network.weights, after_two.weights)


def test_resumed_run_keeps_the_changed_learning_rate(
    saver: Saver, url: str, workspace: str, by_hand: Scheduler
) -> None:
    other = Saver(RunStore(url, clock=an_hour_ago))
    first = by_hand.submit(CONFIG, blobs())
    other.save(workspace, first)
    by_hand.set_learning_rate(first, 0.0007)
    turns_until(first, 1)
    assert other.wait_until_saved(MINUTES)
    run = saver.resume(workspace, first.id, blobs(), by_hand)
    assert run.learning_rate == 0.0007
    to_the_end(run)
    assert [metrics.learning_rate for metrics in run.snapshot.epochs] == [0.0007] * 4
    assert len(run.snapshot.rates) == 1
    other.store.close()


@pytest.mark.parametrize("order", ["pause", "step", "pause and resume"])
def test_paused_run_stays_paused_on_the_next_server(
    saver: Saver, url: str, workspace: str, by_hand: Scheduler, order: str
) -> None:
    other = Saver(RunStore(url, clock=an_hour_ago))
    first = by_hand.submit(CONFIG, blobs())
    other.save(workspace, first)
    turns_until(first, 2)
    if order == "step":
        by_hand.step(first, StepSize.EPOCH)
        while len(first.snapshot.epochs) < 3:
            first.take_turn(0.0, 0.0)
    else:
        by_hand.pause(first)
    if order == "pause and resume":
        assert other.wait_until_saved(MINUTES)
        by_hand.resume(first)
    assert other.wait_until_saved(MINUTES)
    for _server in range(2):  # A second time before anybody has given an order.
        run = saver.resume(workspace, first.id, blobs(), by_hand)
        assert run.is_pause_wanted == (order != "pause and resume")
        assert len(run.snapshot.epochs) == (3 if order == "step" else 2)
        assert saver.wait_until_saved(MINUTES)
        saver.forget(workspace, run.id)
    by_hand.resume(run)
    to_the_end(run)
    *_, oracle = training.train(CONFIG, blobs())
    assert isinstance(oracle, training.Finished)
    assert run.snapshot.epochs == oracle.history
    other.store.close()


def test_one_of_two_servers_resumes_a_run(saver: Saver, url: str, workspace: str, by_hand: Scheduler) -> None:
    run_id = abandoned(url, workspace, by_hand, epoch=1)
    run = saver.resume(workspace, run_id, blobs(), by_hand)
    with pytest.raises(RunNotFoundError):
        saver.resume(workspace, run_id, blobs(), by_hand)
    with pytest.raises(RunNotFoundError):
        saver.resume(new_workspace(), run_id, blobs(), by_hand)
    assert saver.runs(workspace) == [run]
    to_the_end(run)


def test_run_on_other_images_cannot_be_resumed_but_ended(
    saver: Saver, url: str, workspace: str, by_hand: Scheduler
) -> None:
    run_id = abandoned(url, workspace, by_hand, epoch=1)
    with pytest.raises(DataError, match="other images"):
        saver.resume(workspace, run_id, blobs(seed=9), by_hand)
    assert [one.id for one in saver.unfinished(workspace)] == [run_id]
    saver.end(workspace, run_id)
    kept = saver.store.load(workspace, run_id)
    assert kept.summary.status is Status.STOPPED
    assert kept.network is not None
    assert kept.state is not None
    assert_same_arrays(kept.network.weights, kept.state.weights)
    assert saver.unfinished(workspace) == ()


def test_run_without_memory_can_be_resumed_later(
    saver: Saver, url: str, workspace: str, by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = abandoned(url, workspace, by_hand, epoch=1)
    monkeypatch.setenv("MNIST_MEMORY_MB", "1")
    with pytest.raises(CapacityError):
        saver.resume(workspace, run_id, blobs(), by_hand)
    monkeypatch.delenv("MNIST_MEMORY_MB")
    assert [one.id for one in saver.unfinished(workspace)] == [run_id]
    to_the_end(saver.resume(workspace, run_id, blobs(), by_hand))


def test_failed_run_is_saved_with_its_message(saver: Saver, workspace: str, by_hand: Scheduler) -> None:
    run = by_hand.submit(small(layers=(LayerConfig(units=16, activation="linear"),) * 2, learning_rate=10.0), blobs())
    saver.save(workspace, run)
    to_the_end(run)
    assert run.snapshot.status is Status.FAILED
    assert saver.wait_until_saved(MINUTES)
    (summary,) = saver.list(workspace)
    assert (summary.status, summary.message) == (Status.FAILED, run.snapshot.message)


def test_run_deleted_by_its_owner_is_not_saved_again(saver: Saver, workspace: str, by_hand: Scheduler) -> None:
    run = by_hand.submit(CONFIG, blobs())
    saver.save(workspace, run)
    turns_until(run, 1)
    assert saver.wait_until_saved(MINUTES)
    saver.store.delete(workspace, run.id)
    to_the_end(run)
    assert saver.wait_until_saved(MINUTES)
    assert saver.list(workspace) == ()
    assert saver.trouble(workspace, run.id) == ""


def test_dropped_run_is_not_saved_again(saver: Saver, workspace: str, by_hand: Scheduler) -> None:
    other = new_workspace()
    active, ended, kept = (by_hand.submit(CONFIG, blobs()) for _ in "abc")
    to_the_end(ended)
    for whose, run in ((workspace, active), (workspace, ended), (workspace, kept), (other, active)):
        saver.save(whose, run)
    turns_until(active, 1)
    assert saver.wait_until_saved(MINUTES)
    for run in (active, ended):
        saver.store.discard(workspace, run.id)
    assert saver.drop({(workspace_key(workspace), active.id), (workspace_key(workspace), ended.id)}) == [active]
    assert saver.runs(workspace) == [kept]
    to_the_end(active)
    assert saver.wait_until_saved(MINUTES)
    assert [one.id for one in saver.list(workspace)] == [kept.id]
    assert [(one.id, one.epochs) for one in saver.list(other)] == [(active.id, CONFIG.epochs)]


def test_run_that_is_dropped_while_it_is_created_is_not_there_afterwards(
    saver: Saver, workspace: str, by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = by_hand.submit(CONFIG, blobs())
    create, dropped, is_created = saver.store.create, [], threading.Event()

    def drop_before(*whose: Any, **of: Any) -> None:
        dropped.extend(saver.drop({(workspace_key(workspace), run.id)}))
        create(*whose, **of)
        is_created.set()

    monkeypatch.setattr(saver.store, "create", drop_before)
    saver.save(workspace, run)
    assert is_created.wait(MINUTES)
    to_the_end(run)
    assert saver.wait_until_saved(MINUTES)
    assert dropped == [run]
    assert saver.list(workspace) == ()


def test_ended_run_is_saved_once_in_a_second_workspace(saver: Saver, workspace: str, by_hand: Scheduler) -> None:
    run = to_the_end(by_hand.submit(CONFIG, blobs()))
    second = new_workspace()
    for whose in (workspace, second, workspace):
        saver.save(whose, run)
    assert saver.wait_until_saved(MINUTES)
    assert [len(saver.list(whose)) for whose in (workspace, second)] == [1, 1]
    assert saver.trouble(workspace, run.id) == ""


def test_forgotten_run_is_not_held_in_memory(saver: Saver, workspace: str, by_hand: Scheduler) -> None:
    run = by_hand.submit(CONFIG, blobs(), paused=True)
    saver.save(workspace, run)
    assert saver.wait_until_saved(MINUTES)
    run_id = run.id
    del run
    gc.collect()
    assert saver.runs(workspace) == []
    assert [one.id for one in saver.unfinished(workspace)] == [run_id]


def test_locked_database_is_reported_and_nothing_is_lost(tmp_path: Path, workspace: str, by_hand: Scheduler) -> None:
    path = tmp_path / "runs.db"
    saver = Saver(RunStore(f"sqlite:///{path}", patience=0.01), retry_seconds=0.01)
    assert saver.list(workspace) == ()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    run = to_the_end(by_hand.submit(CONFIG, blobs()))
    saver.save(workspace, run)
    assert not saver.wait_until_saved(0.2)
    assert "database of saved runs is busy" in saver.trouble(workspace, run.id)
    other.execute("ROLLBACK")
    other.close()
    assert saver.wait_until_saved(MINUTES)
    assert saver.trouble(workspace, run.id) == ""
    assert saver.store.load(workspace, run.id).network is not None
    saver.store.close()


def test_unreachable_database_is_tried_again_after_a_while(tmp_path: Path, workspace: str) -> None:
    folder = tmp_path / "file"
    folder.write_text("no folder")
    saver = Saver(RunStore(f"sqlite:///{folder}/runs.db"), retry_seconds=MINUTES)
    with pytest.raises(StoreError, match="cannot be") as first:
        saver.list(workspace)
    folder.unlink()
    for ask in (saver.unfinished, saver.take_removed):
        with pytest.raises(StoreError) as later:
            ask(workspace)
        assert later.value is first.value


def test_outage_that_ends_during_a_read(tmp_path: Path, workspace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    saver = Saver(RunStore(f"sqlite:///{tmp_path}/file/runs.db"), retry_seconds=MINUTES)
    with pytest.raises(StoreError):
        saver.list(workspace)
    now = time.monotonic

    def just_over() -> float:
        saver._outage = None
        return now()

    monkeypatch.setattr(time, "monotonic", just_over)
    with pytest.raises(StoreError):
        saver.list(workspace)


def test_run_whose_end_is_not_saved_yet_is_not_unfinished(tmp_path: Path, workspace: str, by_hand: Scheduler) -> None:
    path = tmp_path / "runs.db"
    saver = Saver(RunStore(f"sqlite:///{path}", patience=0.01), retry_seconds=MINUTES)
    run = by_hand.submit(CONFIG, blobs())
    saver.save(workspace, run)
    turns_until(run, 1)
    assert saver.wait_until_saved(MINUTES)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    to_the_end(run)
    wait_until(lambda: bool(saver.trouble(workspace, run.id)))
    other.execute("ROLLBACK")
    other.close()
    assert [one.status for one in saver.list(workspace)] == [Status.RUNNING]
    assert saver.unfinished(workspace) == ()
    with pytest.raises(RunNotFoundError):
        saver.resume(workspace, run.id, blobs(), by_hand)
    saver.store.close()


def test_run_taken_over_by_another_server_is_reported_until_its_end(
    saver: Saver, url: str, workspace: str, by_hand: Scheduler
) -> None:
    hung = Saver(RunStore(url, clock=an_hour_ago), retry_seconds=0.01)
    run = by_hand.submit(CONFIG, blobs())
    hung.save(workspace, run)
    turns_until(run, 1)
    assert hung.wait_until_saved(MINUTES)
    taken = saver.resume(workspace, run.id, blobs(), by_hand)
    for epoch in (2, 3):
        turns_until(run, epoch)
        assert hung.wait_until_saved(MINUTES)
        assert "Another server" in hung.trouble(workspace, run.id)
        assert hung.trouble(new_workspace(), run.id) == ""
    to_the_end(taken)
    hung.store.close()


def test_run_that_cannot_be_saved_is_reported(
    saver: Saver, workspace: str, by_hand: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    run = by_hand.submit(CONFIG, blobs())
    run.title = "x" * 201
    saver.save(workspace, run)
    turns_until(run, 1)
    assert saver.wait_until_saved(MINUTES)
    assert "cannot be saved" in saver.trouble(workspace, run.id)
    assert "title" in caplog.text


def test_late_events_of_a_replaced_run_are_ignored(saver: Saver, workspace: str, by_hand: Scheduler) -> None:
    stale, anew, other = (by_hand.submit(CONFIG, blobs(), paused=True) for _ in range(3))
    anew.id = stale.id
    for run in (stale, anew):
        saver.save(workspace, run)
    assert saver.wait_until_saved(MINUTES)
    del run, anew
    gc.collect()
    saver._has_active()
    by_hand.resume(stale)
    turns_until(stale, 1)
    saver.save(workspace, other)
    assert saver.wait_until_saved(MINUTES)
    assert [(one.id, one.epochs) for one in saver.list(workspace)] == [(other.id, 0), (stale.id, 0)]


def test_restored_run_shows_the_same(saver: Saver, workspace: str, by_hand: Scheduler) -> None:
    run = to_the_end(by_hand.submit(CONFIG, blobs()))
    saver.save(workspace, run)
    assert saver.wait_until_saved(MINUTES)
    back = Run.restored(saver.store.load(workspace, run.id), blobs())
    ours, theirs = back.snapshot, run.snapshot
    assert (ours.status, ours.epochs, ours.rates, ours.message) == (
        theirs.status, theirs.epochs, theirs.rates, theirs.message,
    )  # fmt: skip
    assert ours.started == theirs.started
    assert [p.loss for p in ours.points] == [p.loss for p in theirs.points]
    assert ours.seconds == theirs.busy_seconds
    assert back.fraction == 1.0
    assert ours.network is not None
    assert theirs.network is not None
    np.testing.assert_array_equal(
        ours.network.predict(blobs().test_images), theirs.network.predict(blobs().test_images)
    )


def test_left_run_is_saved_only_with_a_finished_epoch(
    saver: Saver, workspace: str, by_hand: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_UNWATCHED_SECONDS", "0")
    short, long, stopped = ids = [f"run-{number}" for number in range(3)]
    for run_id, epochs in zip(ids, (0, 1, 0), strict=True):
        is_open = threading.Event()
        is_open.set()
        run = by_hand.submit(CONFIG, blobs(), is_watched=is_open.is_set)
        run.id = run_id
        saver.save(workspace, run)
        turns_until(run, epochs)
        if run_id == stopped:
            by_hand.stop(run)
        else:
            is_open.clear()  # The tab is closed.
        to_the_end(run)
        assert run.snapshot.status is Status.STOPPED
        assert saver.wait_until_saved(MINUTES)
    assert sorted(one.id for one in saver.list(workspace)) == [long, stopped]
    with pytest.raises(RunNotFoundError):
        saver.store.restore(workspace, short)


def test_visit_of_a_workspace_is_recorded(saver: Saver, url: str, workspace: str, by_hand: Scheduler) -> None:
    saver.store = RunStore(url, clock=an_hour_ago)
    saver.save(workspace, to_the_end(by_hand.submit(CONFIG, blobs())))
    assert saver.wait_until_saved(MINUTES)
    saver.store = RunStore(url)
    saver.visit(workspace)
    wait_until(lambda: execute_sql(url, "SELECT seen - first > 3000 FROM playground_workspaces")[0][0])
