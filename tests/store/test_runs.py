"""Save, list, load and change runs; SQLite and PostgreSQL."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from mnist_core.errors import ConfigError, DataError, RunNotFoundError, StoreError, WorkspaceError
from mnist_core.network import TrainedNetwork
from mnist_core.store.records import library_versions
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from mnist_core.training import RateChanged, Status
from tests.samples import blobs, small
from tests.stored_runs import (
    Clock,
    after_statement,
    as_tuples,
    assert_same_arrays,
    assert_same_evaluation,
    assert_same_state,
    assert_unchanged,
    curve_points,
    random_evaluation,
    run_ids,
    save_run,
    state_after,
)

PLAIN = small(epochs=10)
ADAM = small(epochs=10, optimizer="adam", validation_fraction=0.25, early_stopping=3, seed=2**31 - 1)
MINE, YOURS = new_workspace(), new_workspace()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(url: str, clock: Clock) -> RunStore:
    return RunStore(url, "here", clock=clock)


def test_saved_run_is_loaded_unchanged(store: RunStore, clock: Clock) -> None:
    store.create(MINE, "one", ADAM, blobs(), number=7, title="Äpfel & <b>", versions=library_versions())
    began = clock.now
    clock.forward(60)
    state = state_after(ADAM, 4, best=True)
    store.save_epoch(MINE, "one", state, curve_points(6), 12.25)

    found = store.load(MINE, "one")
    assert found.config == ADAM
    assert_same_state(found.state, state)
    assert as_tuples(found.points) == as_tuples(curve_points(4))
    assert found.rates == state.rates
    assert (found.network, found.evaluation) == (None, None)
    assert found.versions == library_versions()
    assert found.versions["numpy"] == np.__version__
    summary = found.summary
    assert (summary.id, summary.number, summary.title) == ("one", 7, "Äpfel & <b>")
    assert (summary.status, summary.message, summary.notes) == (Status.RUNNING, "", "")
    assert (summary.created, summary.updated, summary.seconds, summary.epochs) == (began, began + 60, 12.25, 4)
    last = state.history[-1]
    assert (summary.loss, summary.accuracy) == (last.loss, last.accuracy)
    assert (summary.validation_loss, summary.validation_accuracy) == (last.validation_loss, last.validation_accuracy)
    assert (summary.test_loss, summary.test_accuracy) == (None, None)
    assert (summary.dataset, summary.provenance) == ("blobs", "made up by a test")
    assert summary.config == ADAM
    assert store.list(MINE) == (summary,)


def test_ended_run_is_loaded_with_network_and_evaluation(store: RunStore) -> None:
    state = save_run(store, MINE, "one", 3, None)
    evaluation = random_evaluation()
    rates = (*state.rates, RateChanged(4, 5, 0.07))
    store.finish(
        MINE, "one", Status.STOPPED, network=TrainedNetwork(PLAIN, state.weights), evaluation=evaluation,
        points=curve_points(4), rates=rates, seconds=99.5, message="Stopped.",
    )  # fmt: skip

    found = store.load(MINE, "one")
    assert (found.summary.status, found.summary.message, found.summary.seconds) == (Status.STOPPED, "Stopped.", 99.5)
    assert (found.summary.test_loss, found.summary.test_accuracy) == (evaluation.loss, evaluation.accuracy)
    assert_same_state(found.state, state)
    assert_same_evaluation(found.evaluation, evaluation)
    assert as_tuples(found.points) == as_tuples(curve_points(4))
    assert found.rates == rates
    assert found.network is not None
    assert found.network.config == PLAIN
    assert_same_arrays(found.network.weights, state.weights)


@pytest.mark.parametrize("which", ["last", "best", "newer"])
def test_ended_run_keeps_its_network_once_and_no_arrays_for_training(store: RunStore, which: str) -> None:
    """The network of the last or the best epoch is already saved; one from the middle of an epoch is not."""
    state = state_after(ADAM, 2, best=True)
    assert state.best_weights is not None
    weights = {"last": state.weights, "best": state.best_weights, "newer": state_after(ADAM, 3).weights}[which]
    store.create(MINE, "one", ADAM, blobs())
    store.save_epoch(MINE, "one", state)
    before = store.load(MINE, "one").summary.size
    store.finish(MINE, "one", Status.STOPPED, network=TrainedNetwork(ADAM, weights))

    found = store.load(MINE, "one")
    assert found.network is not None
    assert_same_arrays(found.network.weights, weights)
    assert found.state is not None
    assert (found.state.step, found.state.history, found.state.rates) == (state.step, state.history, state.rates)
    history = before - sum(array.nbytes for array in (*state.weights, *state.slots, *state.best_weights))
    assert found.summary.size == history + sum(array.nbytes for array in weights)


def test_run_that_ended_without_a_network_keeps_its_weights(store: RunStore) -> None:
    state = state_after(ADAM, 2)
    store.create(MINE, "one", ADAM, blobs())
    store.save_epoch(MINE, "one", state)
    store.finish(MINE, "one", Status.FAILED)
    found = store.load(MINE, "one")
    assert found.state is not None
    assert_same_arrays(found.state.weights, state.weights)
    assert found.state.slots == ()


def test_size_is_that_of_the_arrays(store: RunStore) -> None:
    state = save_run(store, MINE, "one", 1, None)
    size = store.list(MINE)[0].size
    whole = sum(array.nbytes for array in (*state.weights, *state.slots)) + 10 * 5 * 8
    assert whole < size < whole + 300  # The history is text.


def test_run_from_a_state_starts_there(store: RunStore) -> None:
    start = state_after(PLAIN, 0)
    store.create(MINE, "one", PLAIN, blobs(), start=start)
    assert_same_state(store.load(MINE, "one").state, start)
    store.create(MINE, "two", PLAIN, blobs(), start=state_after(PLAIN, 3))
    assert store.load(MINE, "two").summary.epochs == 3
    store.create(MINE, "three", PLAIN, blobs())
    assert store.load(MINE, "three").state is None


def test_network_names_the_data_set_it_was_trained_on(store: RunStore) -> None:
    config = small(dataset="mnist")
    save_run(store, MINE, "one", config=config)
    found = store.load(MINE, "one")
    assert found.config == config
    assert found.network is not None
    assert found.network.config.dataset == "blobs"


def test_resuming_with_other_data_is_refused(store: RunStore) -> None:
    save_run(store, MINE, "one")
    found = store.load(MINE, "one")
    found.check_dataset(blobs())
    with pytest.raises(DataError, match="other images"):
        found.check_dataset(blobs(seed=1))


def test_newest_run_comes_first(store: RunStore, clock: Clock) -> None:
    for name in ("b", "a", "c"):
        save_run(store, MINE, name)
        clock.forward(1)
    assert [run.id for run in store.list(MINE)] == ["c", "a", "b"]


def test_title_notes_and_pin_can_be_changed(store: RunStore) -> None:
    save_run(store, MINE, "one")
    store.rename(MINE, "one", "Best so far")
    store.note(MINE, "one", "Zweite Schicht\nhilft 🙂 ' OR 1=1 --")
    store.pin(MINE, "one")
    found = store.list(MINE)[0]
    assert (found.title, found.notes) == ("Best so far", "Zweite Schicht\nhilft 🙂 ' OR 1=1 --")
    assert found.is_pinned
    store.pin(MINE, "one", False)
    assert not store.list(MINE)[0].is_pinned


@pytest.mark.parametrize("title", ["x" * 201, "a\0b", "\ud800"])
def test_invalid_title_is_refused(store: RunStore, title: str) -> None:
    save_run(store, MINE, "one", title="as it was")
    with pytest.raises(ConfigError):
        store.rename(MINE, "one", title)
    with pytest.raises(ConfigError):
        store.create(MINE, "two", PLAIN, blobs(), title=title)
    assert [run.title for run in store.list(MINE)] == ["as it was"]


def test_id_is_used_once(store: RunStore) -> None:
    save_run(store, MINE, "one")
    before = store.load(MINE, "one")
    with pytest.raises(ConfigError, match="already used"):
        store.create(MINE, "one", PLAIN, blobs())
    assert_unchanged(before, store.load(MINE, "one"))
    for wrong in ("", "a b", "a\0", "x" * 65, "../x"):
        with pytest.raises(ConfigError):
            store.create(MINE, wrong, PLAIN, blobs())
        with pytest.raises(RunNotFoundError):
            store.load(MINE, wrong)


def test_state_of_another_network_is_refused_whole(store: RunStore) -> None:
    save_run(store, MINE, "one", 2, None)
    before = store.load(MINE, "one")
    other = state_after(small(layers=()), 3)
    with pytest.raises(StoreError, match="do not fit"):
        store.save_epoch(MINE, "one", other)
    broken = state_after(PLAIN, 3)
    broken.weights[0][3, 4] = np.nan
    with pytest.raises(StoreError, match="do not fit"):
        store.save_epoch(MINE, "one", broken)
    assert_unchanged(before, store.load(MINE, "one"))


def test_epoch_may_be_saved_twice_but_never_an_earlier_one(store: RunStore) -> None:
    state = save_run(store, MINE, "one", 3, None)
    store.save_epoch(MINE, "one", state)
    with pytest.raises(StoreError, match="later epoch"):
        store.save_epoch(MINE, "one", state_after(PLAIN, 2))
    assert_same_state(store.load(MINE, "one").state, state)
    # If an epoch could not be saved, such as the fourth, the next one replaces it.
    store.save_epoch(MINE, "one", state_after(PLAIN, 5))
    assert store.load(MINE, "one").summary.epochs == 5


def test_ended_run_stays_as_it_is(store: RunStore) -> None:
    save_run(store, MINE, "one", 3)
    before = store.load(MINE, "one")
    with pytest.raises(StoreError, match="already ended"):
        store.save_epoch(MINE, "one", state_after(PLAIN, 4))
    with pytest.raises(StoreError, match="already ended"):
        store.finish(MINE, "one", Status.FAILED)
    assert_unchanged(before, store.load(MINE, "one"))


@pytest.mark.parametrize("status", [Status.WAITING, Status.RUNNING, Status.PAUSED])
def test_active_status_is_not_an_end(store: RunStore, status: Status) -> None:
    save_run(store, MINE, "one", 1, None)
    with pytest.raises(ConfigError):
        store.finish(MINE, "one", status)


def test_deleted_run_can_be_brought_back_for_a_while(store: RunStore, clock: Clock) -> None:
    save_run(store, MINE, "one", 2)
    before = store.load(MINE, "one")
    store.delete(MINE, "one")
    assert store.list(MINE) == ()
    for attempt in (store.load, store.delete, store.pin):
        with pytest.raises(RunNotFoundError):
            attempt(MINE, "one")
    assert store.quotas.purge() == 0
    clock.forward(3_599)
    store.restore(MINE, "one")
    after = store.load(MINE, "one")
    assert_same_state(after.state, state_after(PLAIN, 2))
    assert after.summary.title == before.summary.title
    with pytest.raises(RunNotFoundError):
        store.restore(MINE, "one")

    store.delete(MINE, "one")
    clock.forward(3_600)
    with pytest.raises(RunNotFoundError):
        store.restore(MINE, "one")
    assert store.quotas.purge() == 1
    assert store.quotas.purge() == 0


# --- Workspaces ---

ATTEMPTS: dict[str, Callable[[RunStore, str, str], object]] = {
    "load": lambda store, token, run: store.load(token, run),
    "save": lambda store, token, run: store.save_epoch(token, run, state_after(PLAIN, 9)),
    "finish": lambda store, token, run: store.finish(token, run, Status.FAILED),
    "rename": lambda store, token, run: store.rename(token, run, "mine now"),
    "note": lambda store, token, run: store.note(token, run, "mine now"),
    "pin": lambda store, token, run: store.pin(token, run),
    "delete": lambda store, token, run: store.delete(token, run),
    "restore": lambda store, token, run: store.restore(token, run),
    "take over": lambda store, token, run: store.take_over(token, run, grace=0),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.parametrize("status", [None, Status.FINISHED])
def test_other_workspace_cannot_read_or_change_a_run(store: RunStore, attempt: str, status: Status | None) -> None:
    save_run(store, MINE, "one", 2, status)
    save_run(store, YOURS, "other")
    before = store.load(MINE, "one")
    with pytest.raises(RunNotFoundError) as there:
        ATTEMPTS[attempt](store, YOURS, "one")
    with pytest.raises(RunNotFoundError) as absent:
        ATTEMPTS[attempt](store, YOURS, "none")
    assert str(there.value) == str(absent.value)
    assert_unchanged(before, store.load(MINE, "one"))
    assert run_ids(store, YOURS) == ["other"]
    assert store.unfinished(YOURS, grace=0) == ()


@pytest.mark.parametrize("attempt", [*ATTEMPTS, "list", "unfinished", "create"])
def test_invalid_token_is_refused(store: RunStore, attempt: str) -> None:
    attempts: dict[str, Any] = ATTEMPTS | {
        "list": lambda store, token, run: store.list(token),
        "unfinished": lambda store, token, run: store.unfinished(token),
        "create": lambda store, token, run: store.create(token, run, PLAIN, blobs()),
    }
    for wrong in ("", "%", "' OR ''='"):
        with pytest.raises(WorkspaceError):
            attempts[attempt](store, wrong, "one")


def test_deleted_run_is_not_brought_back_by_another_workspace(store: RunStore) -> None:
    save_run(store, MINE, "one")
    store.delete(MINE, "one")
    with pytest.raises(RunNotFoundError):
        store.restore(YOURS, "one")
    assert run_ids(store, YOURS) == []
    store.restore(MINE, "one")


def test_same_id_in_two_workspaces_is_two_runs(store: RunStore) -> None:
    save_run(store, MINE, "one", 2)
    save_run(store, YOURS, "one", 5)
    store.rename(YOURS, "one", "yours")
    store.delete(MINE, "one")
    assert store.load(YOURS, "one").summary.epochs == 5
    assert run_ids(store, MINE) == []
    store.quotas.purge()
    store.restore(MINE, "one")
    assert_same_state(store.load(MINE, "one").state, state_after(PLAIN, 2))


def test_token_is_not_in_the_database(store: RunStore, url: str) -> None:
    save_run(store, MINE, "one", title="a", versions=library_versions())
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    metadata = sa.MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        rows = [row for table in metadata.tables.values() for row in connection.execute(sa.select(table))]
    values = [value for row in rows for value in row]
    assert any("made up by a test" in value for value in values if isinstance(value, str))
    assert not any(MINE in value for value in values if isinstance(value, str))
    secret = base64.urlsafe_b64decode(MINE + "==")
    assert not any(secret in value or MINE.encode() in value for value in values if isinstance(value, bytes))


# --- Threads ---


def test_many_threads_save_at_once(store: RunStore) -> None:
    failed: list[BaseException] = []
    together = threading.Barrier(8)

    def work(number: int) -> None:
        workspace = MINE if number % 2 else YOURS
        try:
            together.wait()
            store.create(workspace, f"run-{number}", PLAIN, blobs(), number=number)
            for epoch in range(1, 6):
                store.save_epoch(workspace, f"run-{number}", state_after(PLAIN, epoch), curve_points(epoch))
                assert_same_state(store.load(workspace, f"run-{number}").state, state_after(PLAIN, epoch))
                store.list(workspace)
                store.rename(workspace, f"run-{number}", f"epoch {epoch}")
            store.finish(workspace, f"run-{number}", Status.FINISHED)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert run_ids(store, MINE) == [f"run-{number}" for number in (1, 3, 5, 7)]
    assert {(run.title, run.status, run.epochs) for run in store.list(YOURS)} == {("epoch 5", Status.FINISHED, 5)}


def test_reader_never_sees_half_an_epoch(store: RunStore, url: str) -> None:
    other = RunStore(url, "here")
    save_run(store, MINE, "one", 1, None)
    with after_statement("playground_runs.versions", lambda: other.save_epoch(MINE, "one", state_after(PLAIN, 2))):
        found = store.load(MINE, "one")
    assert found.summary.epochs == 1
    assert_same_state(found.state, state_after(PLAIN, 1))
    assert_same_state(store.load(MINE, "one").state, state_after(PLAIN, 2))


def test_run_cannot_be_taken_over_while_it_is_being_saved(store: RunStore, url: str) -> None:
    other = RunStore(url, "there", patience=0.05)
    save_run(store, MINE, "one", 1, None)

    def take_over() -> None:
        with pytest.raises(StoreError, match="is busy"):
            other.take_over(MINE, "one", grace=-1)

    with after_statement("DELETE FROM playground_parts", take_over):
        store.save_epoch(MINE, "one", state_after(PLAIN, 2))
    assert_same_state(store.load(MINE, "one").state, state_after(PLAIN, 2))
