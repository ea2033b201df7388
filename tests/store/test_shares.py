"""Share runs by a link: what it opens, and when it opens nothing; SQLite and PostgreSQL."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import secrets
import threading

import pytest

from mnist_core.errors import RunNotFoundError, ShareNotFoundError, StoreError, WorkspaceError
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace, share_token
from mnist_core.training import Status
from tests.stored_runs import (
    Clock,
    after_statement,
    assert_same_arrays,
    assert_same_state,
    execute_sql,
    run_ids,
    save_run,
)

MINE, YOURS = new_workspace(), new_workspace()


@pytest.fixture
def store(url: str, clock: Clock) -> RunStore:
    return RunStore(url, "here", clock=clock)


def is_closed(store: RunStore, token: str) -> bool:
    """Whether a link opens nothing. The error is always the same."""
    try:
        store.shares.load(token)
    except ShareNotFoundError as error:
        assert str(error) == str(ShareNotFoundError())
        with pytest.raises(ShareNotFoundError):
            store.shares.check(token)
        return True
    store.shares.check(token)
    return False


def test_link_opens_the_run_without_its_owners_notes(store: RunStore) -> None:
    state = save_run(store, MINE, "one", 3, title="Wide")
    store.note(MINE, "one", "Only for me.")
    store.pin(MINE, "one")
    token = store.shares.share(MINE, "one")

    found, own = store.shares.load(token), store.load(MINE, "one")
    assert found.summary == dataclasses.replace(own.summary, notes="", is_pinned=False)
    assert own.summary.notes == "Only for me."
    assert found.config == own.config
    assert_same_state(found.state, state)
    assert found.network is not None
    assert_same_arrays(found.network.weights, state.weights)


def test_only_what_is_shared_can_be_opened(store: RunStore) -> None:
    save_run(store, MINE, "one")
    save_run(store, MINE, "two")
    assert not store.shares.is_shared(MINE, "one")
    assert is_closed(store, share_token(MINE, "one"))
    store.shares.share(MINE, "one")
    assert store.shares.is_shared(MINE, "one")
    assert not store.shares.is_shared(MINE, "two")
    assert is_closed(store, share_token(MINE, "two"))


def test_link_is_always_the_same(store: RunStore) -> None:
    save_run(store, MINE, "one")
    token = store.shares.share(MINE, "one")
    assert store.shares.share(MINE, "one") == token
    store.shares.unshare(MINE, "one")
    assert store.shares.share(MINE, "one") == token
    assert len(base64.urlsafe_b64decode(token + "==")) == 16


def test_tokens_of_runs_and_workspaces_differ() -> None:
    tokens = {share_token(workspace, run) for workspace in (MINE, YOURS) for run in ("one", "two", "")}
    assert len(tokens | {MINE, YOURS}) == 8


def test_stopped_sharing_closes_the_link(store: RunStore) -> None:
    save_run(store, MINE, "one")
    token = store.shares.share(MINE, "one")
    store.shares.unshare(MINE, "one")
    store.shares.unshare(MINE, "one")
    assert not store.shares.is_shared(MINE, "one")
    assert is_closed(store, token)
    assert run_ids(store, MINE) == ["one"]


def test_other_workspace_cannot_share_or_stop_sharing(store: RunStore) -> None:
    save_run(store, MINE, "one")
    with pytest.raises(RunNotFoundError):
        store.shares.share(YOURS, "one")
    token = store.shares.share(MINE, "one")
    store.shares.unshare(YOURS, "one")
    assert not store.shares.is_shared(YOURS, "one")
    assert not is_closed(store, token)


def test_shared_run_is_only_in_its_owners_list(store: RunStore) -> None:
    save_run(store, MINE, "one")
    save_run(store, YOURS, "one", 2)
    token = store.shares.share(MINE, "one")
    assert store.shares.load(token).summary.epochs == 1
    assert store.list(YOURS)[0].epochs == 2
    with pytest.raises(WorkspaceError):
        store.list(token + "A")
    # A token has the form of a workspace's token, but opens no workspace.
    assert store.list(token) == ()
    with pytest.raises(RunNotFoundError):
        store.load(token, "one")
    with pytest.raises(RunNotFoundError):
        store.delete(token, "one")


@pytest.mark.parametrize(
    "token", ["", "A", "A" * 21, "A" * 23, "A" * 22, "ä" * 22, "A" * 21 + "=", "' OR 1=1 --", "\0" * 22, "A" * 100_000]
)
def test_guessed_token(store: RunStore, token: str) -> None:
    save_run(store, MINE, "one")
    store.shares.share(MINE, "one")
    assert is_closed(store, token)


def test_token_in_the_database_opens_nothing(store: RunStore, url: str) -> None:
    save_run(store, MINE, "one")
    token = store.shares.share(MINE, "one")
    ((workspace, run, key),) = execute_sql(url, "SELECT workspace, run, token FROM playground_shares")
    assert run == "one"
    assert key == hashlib.sha256(base64.urlsafe_b64decode(token + "==")).hexdigest()
    for text in (key, workspace, key[:22], secrets.token_urlsafe(16)):
        assert is_closed(store, text)


@pytest.mark.parametrize("run_id", ["", "none", "a b", "\0", "\ud800", "x" * 65])
def test_unknown_run_cannot_be_shared(store: RunStore, run_id: str) -> None:
    with pytest.raises(RunNotFoundError):
        store.shares.share(MINE, run_id)


def test_active_run_cannot_be_shared(store: RunStore) -> None:
    save_run(store, MINE, "one", status=None)
    with pytest.raises(StoreError, match="still training"):
        store.shares.share(MINE, "one")
    store.finish(MINE, "one", Status.STOPPED)
    assert not is_closed(store, store.shares.share(MINE, "one"))


def test_deleted_run_opens_nothing_until_it_is_restored(store: RunStore) -> None:
    save_run(store, MINE, "one")
    token = store.shares.share(MINE, "one")
    store.delete(MINE, "one")
    assert is_closed(store, token)
    with pytest.raises(RunNotFoundError):
        store.shares.share(MINE, "one")
    store.restore(MINE, "one")
    assert not is_closed(store, token)


def test_deleted_run_can_be_stopped_from_being_shared(store: RunStore) -> None:
    save_run(store, MINE, "one")
    token = store.shares.share(MINE, "one")
    store.delete(MINE, "one")
    store.shares.unshare(MINE, "one")
    store.restore(MINE, "one")
    assert is_closed(store, token)


def test_purged_run_removes_its_share(store: RunStore, url: str, clock: Clock) -> None:
    """A new run with the same id is not shared."""
    save_run(store, MINE, "one")
    save_run(store, YOURS, "one")
    token, other = store.shares.share(MINE, "one"), store.shares.share(YOURS, "one")
    store.delete(MINE, "one")
    clock.forward(3_601)
    assert store.quotas.purge() == 1
    assert execute_sql(url, "SELECT count(*) FROM playground_shares") == [(1,)]
    save_run(store, MINE, "one", 2)
    assert is_closed(store, token)
    assert not is_closed(store, other)


def test_run_removed_by_a_quota_removes_its_share(url: str, clock: Clock) -> None:
    store = RunStore(url, "here", clock=clock, max_runs=1)
    save_run(store, MINE, "one")
    token = store.shares.share(MINE, "one")
    clock.forward(1)
    save_run(store, MINE, "two")
    assert is_closed(store, token)
    assert execute_sql(url, "SELECT count(*) FROM playground_shares") == [(0,)]


def test_several_threads_share_one_run(store: RunStore) -> None:
    save_run(store, MINE, "one")
    together, tokens = threading.Barrier(6), []

    def share() -> None:
        together.wait()
        tokens.append(store.shares.share(MINE, "one"))

    threads = [threading.Thread(target=share) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 6
    assert len(set(tokens)) == 1


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_run_removed_while_it_is_being_shared(store: RunStore, url: str, clock: Clock) -> None:
    """The second thread waits for the first, so no share remains without a run."""
    save_run(store, MINE, "one")
    clock.forward(91 * 86_400)
    other = RunStore(url, "there", clock=clock)
    purging = threading.Thread(target=other.quotas.purge)
    with after_statement("FOR UPDATE", purging.start):
        store.shares.share(MINE, "one")
    purging.join()
    assert run_ids(store, MINE) == []
    assert execute_sql(url, "SELECT count(*) FROM playground_shares") == [(0,)]
