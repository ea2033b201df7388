"""Kept moments in the database; SQLite and PostgreSQL."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_core.errors import RunNotFoundError, StoreError
from mnist_core.network.layers import Weights, weight_shapes
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from mnist_core.training import Status
from mnist_core.training.moments import START, Place
from tests.samples import blobs, small
from tests.stored_runs import Clock, execute_sql, random_arrays, run_ids, save_run, state_after

MINE = new_workspace()
CONFIG = small(epochs=10)
SHAPES = weight_shapes(CONFIG.layers)
BYTES = 2 * sum(int(np.prod(shape)) for shape in SHAPES)
FIRST, SECOND = Place(1, 10), Place(2, 10)


def weights(seed: int) -> Weights:
    rounded = (array.astype(np.float16).astype(np.float32) for array in random_arrays(SHAPES, seed))
    return tuple(rounded)


def save_moments(store: RunStore, run_id: str) -> None:
    """Save a run of two epochs with moments at the start and after each epoch."""
    store.create(MINE, run_id, CONFIG, blobs())
    store.save_epoch(MINE, run_id, state_after(CONFIG, 1), moments={START: weights(0), FIRST: weights(1)})
    store.save_epoch(MINE, run_id, state_after(CONFIG, 2), moments={START: None, FIRST: None, SECOND: weights(2)})
    store.finish(MINE, run_id, Status.FINISHED)


def assert_same(one: Weights | None, other: Weights) -> None:
    assert one is not None
    for ours, theirs in zip(one, other, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_array_equal(ours, theirs)


def test_moments_come_back_one_by_one(url: str) -> None:
    store = RunStore(url)
    save_moments(store, "a")
    found = store.load(MINE, "a").moments
    assert found.places == (START, FIRST, SECOND)
    for seed, place in enumerate(found.places):
        assert_same(found.weights(place), weights(seed))
        assert_same(store.load_moment(MINE, "a", place), weights(seed))
    assert found.weights(Place(1, 3)) is None


def test_moments_that_leave_are_removed(url: str) -> None:
    store = RunStore(url)
    store.create(MINE, "a", CONFIG, blobs())
    store.save_epoch(MINE, "a", state_after(CONFIG, 1), moments={START: weights(0), FIRST: weights(1)})
    store.save_epoch(MINE, "a", state_after(CONFIG, 2), moments={START: None, SECOND: weights(2)})
    assert store.load(MINE, "a").moments.places == (START, SECOND)
    store.save_epoch(MINE, "a", state_after(CONFIG, 3))
    assert store.load(MINE, "a").moments.places == (START, SECOND)


def test_size_of_a_run_counts_its_moments(url: str) -> None:
    store = RunStore(url)
    save_run(store, MINE, "plain", epochs=2, config=CONFIG)
    store.create(MINE, "rich", CONFIG, blobs())
    with_moments = {START: weights(0), FIRST: weights(1)}
    store.save_epoch(MINE, "rich", state_after(CONFIG, 2), moments=with_moments)
    before = {one.id: one.size for one in store.list(MINE)}
    store.save_epoch(MINE, "rich", state_after(CONFIG, 2), moments={})
    after = {one.id: one.size for one in store.list(MINE)}
    assert before["rich"] - after["rich"] == 2 * BYTES


def test_shared_run_has_its_moments(url: str) -> None:
    store = RunStore(url)
    save_moments(store, "a")
    found = store.shares.load(store.shares.share(MINE, "a")).moments
    assert found.places == (START, FIRST, SECOND)
    assert_same(found.weights(FIRST), weights(1))


def test_moments_of_a_deleted_run_are_not_found(url: str) -> None:
    store = RunStore(url)
    save_moments(store, "a")
    found = store.load(MINE, "a").moments
    store.delete(MINE, "a")
    with pytest.raises(RunNotFoundError):
        found.weights(FIRST)
    store.restore(MINE, "a")
    assert_same(found.weights(FIRST), weights(1))
    with pytest.raises(RunNotFoundError):
        store.load_moment(new_workspace(), "a", FIRST)


def test_damaged_moment_damages_nothing_else(url: str) -> None:
    store = RunStore(url)
    save_moments(store, "a")
    execute_sql(url, "UPDATE playground_parts SET data = :data WHERE name = :name", data=b"12", name="moment1.10")
    found = store.load(MINE, "a")
    with pytest.raises(StoreError, match="its moments cannot be read"):
        found.moments.weights(FIRST)
    assert_same(found.moments.weights(SECOND), weights(2))


@pytest.mark.parametrize("limit", ["workspace", "all"])
def test_moments_of_old_runs_leave_before_runs_do(url: str, clock: Clock, limit: str) -> None:
    before = RunStore(url, clock=clock)
    for name in ("deleted", "pinned", "old", "new"):
        save_moments(before, name)
        clock.forward(60)
    before.pin(MINE, "pinned")
    before.delete(MINE, "deleted")
    size = before.load(MINE, "new").summary.size
    most = {"max_bytes" if limit == "workspace" else "max_total_bytes": 4 * size - BYTES}
    store = RunStore(url, clock=clock, **most)  # type: ignore[arg-type]
    save_moments(store, "a")  # In the place of the deleted run, and some moments of the old one.
    assert set(run_ids(store, MINE)) == {"pinned", "old", "new", "a"}
    places = {name: store.load(MINE, name).moments.places for name in ("pinned", "old", "new", "a")}
    assert {name for name, found in places.items() if not found} == {"old"}
    assert store.load(MINE, "old").summary.size == size - 3 * BYTES
    with pytest.raises(RunNotFoundError):
        store.restore(MINE, "deleted")
    for name in ("b", "c", "d"):
        clock.forward(60)
        save_moments(store, name)
    assert set(run_ids(store, MINE)) == {"pinned", "new", "a", "b", "c", "d"}
    assert store.load(MINE, "pinned").moments.places == (START, FIRST, SECOND)
