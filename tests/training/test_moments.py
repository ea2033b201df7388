"""The kept moments of a run: which ones stay, and what they give back."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_core.errors import RunNotFoundError
from mnist_core.network.layers import Weights
from mnist_core.training import moments as moments_module
from mnist_core.training.moments import START, Moments, Place
from tests.stored_runs import random_arrays

SHAPES = [(20, 5), (5,)]
PARAMETERS = 20 * 5 + 5
BYTES = 2 * PARAMETERS
STEPS = 12


def weights(seed: int = 0) -> Weights:
    return random_arrays(SHAPES, seed)


def end_of(epoch: int) -> Place:
    return Place(epoch, STEPS)


def test_weights_come_back_as_float16_rounds_them() -> None:
    moments, kept = Moments(PARAMETERS), weights()
    moments.keep(START, kept)
    found = moments.weights(START)
    assert found is not None
    for one, other in zip(found, kept, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one, other.astype("e").astype("f"))


def test_unknown_moment() -> None:
    assert Moments(PARAMETERS).weights(end_of(3)) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e5])
def test_weights_that_float16_cannot_hold_are_not_kept(value: float) -> None:
    moments, (kernel, bias) = Moments(PARAMETERS), weights()
    moments.keep(START, (kernel, np.full_like(bias, value)))
    assert moments.places == ()


def test_a_long_run_stays_within_its_bytes() -> None:
    moments = Moments(PARAMETERS, most_bytes=8 * BYTES + 1)
    moments.keep(START, weights())
    for epoch in range(1, 101):
        moments.keep(end_of(epoch), weights(epoch))
        assert len(moments.places) == min(epoch + 1, 8)
        assert moments.places[0] == START
        assert moments.places[-1] == end_of(epoch)
    epochs = [place.epoch for place in moments.places[1:]]
    gaps = np.diff(epochs)
    assert (gaps[1:] >= gaps[:-1]).mean() > 0.7, epochs  # They lie closer at the start.
    np.testing.assert_array_equal(moments.weights(end_of(epochs[3]))[1], weights(epochs[3])[1].astype("e"))  # type: ignore[index]


def test_network_too_large_for_two_moments_keeps_none() -> None:
    moments = Moments(PARAMETERS, most_bytes=2 * BYTES - 1)
    moments.keep(START, weights())
    moments.keep(end_of(1), weights())
    assert moments.places == ()


def test_three_moments_within_the_first_epoch() -> None:
    moments = Moments(PARAMETERS)
    moments.keep(START, weights())
    for step in range(1, STEPS + 1):
        if moments.wants(Place(1, step), STEPS):
            moments.keep(Place(1, step), weights())
    assert [place.step for place in moments.places] == [0, 1, 3, 6]
    assert not moments.wants(Place(2, 5), STEPS)


@pytest.mark.parametrize(("parameters", "steps"), [(150_000, [1, 3, 6]), (400_000, [3]), (700_000, [])])
def test_large_networks_keep_fewer_moments_in_the_first_epoch(parameters: int, steps: list[int]) -> None:
    moments = Moments(parameters)
    for step in range(1, STEPS + 1):
        if moments.wants(Place(1, step), STEPS):
            moments.keep(Place(1, step), weights())
    assert [place.step for place in moments.places] == steps


def test_full_memory_leaves_out_moments_of_the_first_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    before = moments_module.held_bytes()
    others = Moments(PARAMETERS)
    others.keep(end_of(1), weights())
    assert moments_module.held_bytes() == before + BYTES
    monkeypatch.setattr(moments_module, "_MOST_HELD_BYTES", before + 2 * BYTES)
    moments = Moments(PARAMETERS)
    assert moments.wants(Place(1, 1), STEPS)
    others.keep(end_of(2), weights())
    assert not moments.wants(Place(1, 1), STEPS)
    others.forget([end_of(1), end_of(2)], lambda _: weights())
    assert moments.wants(Place(1, 1), STEPS)
    assert moments_module.held_bytes() == before


def test_start_is_made_when_it_is_needed() -> None:
    made = []
    moments = Moments(PARAMETERS)
    moments.keep_start(lambda: made.append(1) or weights(4))  # type: ignore[func-returns-value]
    assert moments.places == (START,)
    assert not made
    np.testing.assert_array_equal(moments.weights(START)[0], weights(4)[0].astype("e"))  # type: ignore[index]
    assert set(moments.to_save([])) == {START}
    moments.forget([START], lambda _: weights(5))
    np.testing.assert_array_equal(moments.weights(START)[0], weights(5)[0])  # type: ignore[index]
    assert len(made) == 2


def test_start_that_float16_cannot_hold_is_left_out() -> None:
    moments = Moments(PARAMETERS)
    moments.keep_start(lambda: (weights()[0] * 1e6, weights()[1]))
    moments.keep(end_of(1), weights())
    assert set(moments.to_save([])) == {end_of(1)}
    assert moments.places == (end_of(1),)


def test_moments_after_the_saved_epoch_wait() -> None:
    moments = Moments(PARAMETERS)
    for epoch in (1, 2):
        moments.keep(end_of(epoch), weights(epoch))
    assert set(moments.to_save([], 1)) == {end_of(1)}


def test_long_chunks_leave_moments_out() -> None:
    moments = Moments(PARAMETERS)
    moments.keep(START, weights())
    assert moments.wants(Place(1, 5), STEPS)
    moments.keep(Place(1, 5), weights())
    assert not moments.wants(Place(1, 5), STEPS)
    assert moments.wants(Place(1, 7), STEPS)


def test_saved_moments_are_loaded() -> None:
    moments, saved = Moments(PARAMETERS), weights(8)
    moments.keep(START, weights())
    moments.keep(end_of(1), weights(1))
    assert set(moments.to_save([])) == {START, end_of(1)}
    moments.forget([START], lambda place: saved if place == START else weights())
    assert moments.weights(START) is saved
    np.testing.assert_array_equal(moments.weights(end_of(1))[0], weights(1)[0].astype("e"))  # type: ignore[index]
    found = moments.to_save([START])
    assert found[START] is None
    assert found[end_of(1)] is not None


def test_moments_that_are_gone_are_not_saved_again() -> None:
    def gone(_place: Place) -> Weights:
        raise RunNotFoundError

    moments = Moments(PARAMETERS, [START, end_of(1)], gone)
    moments.keep(end_of(2), weights())
    assert set(moments.to_save([])) == {end_of(2)}
    with pytest.raises(RunNotFoundError):
        moments.weights(START)


def test_copy_ends_at_a_place_and_is_independent() -> None:
    moments = Moments(PARAMETERS)
    for place in (START, end_of(1), end_of(2)):
        moments.keep(place, weights(place.epoch))
    copy = moments.copy(end_of(1))
    moments.keep(end_of(3), weights())
    copy.keep(Place(2, 1), weights())
    assert copy.places == (START, end_of(1), Place(2, 1))
    assert moments.places == (START, end_of(1), end_of(2), end_of(3))
    assert copy.weights(end_of(1)) is not None
