"""Runs whose server is gone, and who takes them over; SQLite and PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from mnist_core.errors import RunNotFoundError, StoreError
from mnist_core.store import takeover
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from mnist_core.training import Status
from tests.samples import small
from tests.stored_runs import Clock, assert_same_state, save_run, state_after

PLAIN = small(epochs=10)
MINE, YOURS = new_workspace(), new_workspace()
DAY = 86_400.0


def test_run_is_unfinished_when_its_server_sends_no_heartbeat(url: str, clock: Clock) -> None:
    here, there = RunStore(url, "here", clock=clock), RunStore(url, "there", clock=clock)
    state = save_run(there, MINE, "one", 3, None)
    save_run(there, MINE, "ended", 3)
    assert here.unfinished(MINE, grace=60) == ()
    clock.forward(59)
    there.heartbeat()
    clock.forward(59)
    assert here.unfinished(MINE, grace=60) == ()
    with pytest.raises(RunNotFoundError):
        here.take_over(MINE, "one", grace=60)
    clock.forward(2)
    assert [run.id for run in here.unfinished(MINE, grace=60)] == ["one"]
    assert here.unfinished(YOURS, grace=60) == ()
    assert_same_state(here.take_over(MINE, "one", grace=60).state, state)


def test_run_of_a_server_that_has_signed_off_is_unfinished_at_once(url: str, clock: Clock) -> None:
    here, there = RunStore(url, "here", clock=clock), RunStore(url, "there", clock=clock)
    save_run(there, MINE, "one", 3, None)
    save_run(RunStore(url, "third", clock=clock), MINE, "other", 3, None)
    there.sign_off()
    assert [run.id for run in here.unfinished(MINE, grace=60)] == ["one"]


def test_runs_of_a_killed_process_of_this_computer_are_unfinished_at_once(url: str) -> None:
    script = (
        "import sys, time; from tests.store.test_takeover import *; "
        "save_run(RunStore(sys.argv[1]), sys.argv[2], 'one', 3, None); print('saved', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, url, MINE]
    here = RunStore(url)
    save_run(RunStore(url), MINE, "living", 3, None)
    save_run(RunStore(url, "elsewhere"), MINE, "elsewhere", 3, None)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"saved\n"
        here.forget_dead_servers()
        assert here.unfinished(MINE, grace=60) == ()
        other.kill()
        other.wait()
        here.forget_dead_servers()
    assert [run.id for run in here.unfinished(MINE, grace=60)] == ["one"]


def test_process_that_has_the_number_of_an_ended_one_is_another(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr(takeover, "_start_of", lambda _process: "12")
        save_run(RunStore(url), MINE, "one", 3, None)
    here = RunStore(url)
    here.forget_dead_servers()
    assert [run.id for run in here.unfinished(MINE, grace=60)] == ["one"]


def test_single_server_need_not_wait(url: str, clock: Clock) -> None:
    save_run(RunStore(url, "before", clock=clock), MINE, "one", 3, None)
    assert [run.id for run in RunStore(url, "after", clock=clock).unfinished(MINE, grace=0)] == ["one"]


def test_own_run_that_is_not_running_is_unfinished(url: str, clock: Clock) -> None:
    store = RunStore(url, "here", clock=clock)
    save_run(store, MINE, "held", 1, None)
    save_run(store, MINE, "forgotten", 1, None)
    assert [run.id for run in store.unfinished(MINE, running={"held"})] == ["forgotten"]
    with pytest.raises(RunNotFoundError):
        store.take_over(MINE, "held", running={"held"})
    assert store.take_over(MINE, "forgotten", running={"held"}).summary.status is Status.WAITING


@pytest.mark.parametrize(
    ("orders", "status"),
    [([True], Status.PAUSED), ([True, False], Status.WAITING), ([True, None], Status.WAITING)],
    ids=["paused", "resumed", "an epoch later"],
)
def test_paused_run_is_taken_over_paused(url: str, clock: Clock, orders: list[bool | None], status: Status) -> None:
    there, here = RunStore(url, "there", clock=clock), RunStore(url, "here", clock=clock)
    save_run(there, MINE, "one", 3, None)
    for is_paused in orders:
        if is_paused is None:
            there.save_epoch(MINE, "one", state_after(PLAIN, 4))
        else:
            there.save_pause(MINE, "one", is_paused)
    clock.forward(61)
    assert here.take_over(MINE, "one").summary.status is status
    with pytest.raises(StoreError, match="Another server"):
        there.save_pause(MINE, "one", True)


def test_deleted_run_is_not_unfinished(url: str, clock: Clock) -> None:
    store = RunStore(url, "here", clock=clock)
    save_run(store, MINE, "one", 1, None)
    store.delete(MINE, "one")
    assert store.unfinished(MINE, grace=0) == ()
    with pytest.raises(RunNotFoundError):
        store.take_over(MINE, "one", grace=0)


def test_replaced_server_cannot_overwrite(url: str, clock: Clock) -> None:
    here, there = RunStore(url, "here", clock=clock), RunStore(url, "there", clock=clock)
    save_run(there, MINE, "one", 3, None)
    clock.forward(61)
    here.take_over(MINE, "one")
    with pytest.raises(StoreError, match="Another server"):
        there.save_epoch(MINE, "one", state_after(PLAIN, 4))
    with pytest.raises(StoreError, match="Another server"):
        there.finish(MINE, "one", Status.FAILED)
    here.save_epoch(MINE, "one", state_after(PLAIN, 5))
    assert there.load(MINE, "one").summary.epochs == 5


def test_one_of_several_servers_takes_over(url: str, clock: Clock) -> None:
    save_run(RunStore(url, "gone", clock=clock), MINE, "one", 3, None)
    clock.forward(61)
    stores = [RunStore(url, f"server-{number}", clock=clock) for number in range(6)]
    together = threading.Barrier(len(stores))
    outcomes: list[object] = []

    def work(store: RunStore) -> None:
        together.wait()
        try:
            outcomes.append(store.take_over(MINE, "one").summary.id)
        except RunNotFoundError as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == sorted(["one", *[str(RunNotFoundError)] * 5])
