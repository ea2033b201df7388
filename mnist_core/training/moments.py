"""The kept moments of a run: its weights at the start, a few times in the first epoch, and after each epoch.

With them pages go back in time. They are rounded to float16, which halves their bytes. For the networks of the
presets, that changes at most 5 of the answers to MNIST's 10,000 test images, and no probability by 0.001.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mnist_core.errors import RunNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    import numpy.typing as npt

    from mnist_core.network.layers import Weights

MOST_BYTES = 8 * 2**20
"""How much the moments of one run may take."""
# When to keep a moment within the first epoch, where a network learns fastest, in epochs. They are in memory until the
# epoch is saved, in thirty runs of a class at once: those of large networks are fewer, the first ones in this list.
_EARLY = (1 / 4, 1 / 12, 1 / 2)
_MOST_EARLY_BYTES = 2**20
# How much all runs of a server may hold in memory before they leave out moments of the first epoch.
_MOST_HELD_BYTES = 32 * 2**20
_LARGEST = float(np.finfo(np.float16).max)


class Place(NamedTuple):
    """A place on the curve of a run.

    Args:
        epoch: counted from 1.
        step: steps done in it; 0 at its start.
    """

    epoch: int
    step: int


START = Place(1, 0)


class Moments:
    """The kept moments of one run, by place. Any thread may use it.

    If there are too many, some leave, so that they lie closer at the start, where more changes. The first and the last
    one stay.

    Args:
        parameters: how many weights the network has.
        saved: the places of the moments that `load` gives.
        load: returns the weights of a saved moment, or raises a `PlaygroundError`.
        most_bytes: how much they may take, in memory and saved.
    """

    def __init__(
        self,
        parameters: int,
        saved: Iterable[Place] = (),
        load: Callable[[Place], Weights] | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._parameters = parameters
        self._places = tuple(sorted(saved))
        self._load = load
        self._most_bytes = most_bytes
        self._make_start: Callable[[], Weights] | None = None
        self._held: dict[Place, tuple[npt.NDArray[np.float16], ...]] = {}  # Those that are not saved yet.
        self._lock = threading.Lock()
        with _alive_lock:
            _alive.add(self)

    @property
    def places(self) -> tuple[Place, ...]:
        """Where there are moments, in the order of time."""
        return self._places

    def wants(self, place: Place, steps_per_epoch: int) -> bool:
        """Whether a place within the first epoch is far enough from the moments before it to be kept."""
        if place.epoch > 1 or place.step >= steps_per_epoch:
            return False
        last = max((one.step for one in self._places if one.epoch == 1), default=0)
        count = _MOST_EARLY_BYTES // self._bytes
        is_far = any(last < early * steps_per_epoch <= place.step for early in _EARLY[:count])
        return is_far and held_bytes() + self._bytes <= _MOST_HELD_BYTES

    @property
    def _bytes(self) -> int:
        """How much a moment takes."""
        return self._parameters * np.dtype(np.float16).itemsize

    def keep_start(self, make: Callable[[], Weights]) -> None:
        """Keep the weights at the start. They are made when they are needed, and not held until then."""
        with self._lock:
            self._make_start = make
            self._add(START)

    def keep(self, place: Place, weights: Weights) -> None:
        """Keep the weights of a moment; not if they are too large for float16, or together for `most_bytes`."""
        if not _fits(weights):
            return
        rounded = tuple(array.astype(np.float16) for array in weights)
        with self._lock:
            self._held[place] = rounded
            self._add(place)

    def _add(self, place: Place) -> None:
        places, most = sorted({*self._places, place}), self._most_bytes // self._bytes
        while len(places) > max(most, 2):
            places.remove(_least_needed(places))
        self._places = tuple(places if most >= 2 else ())
        self._held = {one: self._held[one] for one in self._places if one in self._held}

    def weights(self, place: Place) -> Weights | None:
        """The weights of a moment, float32; None if there is no such moment.

        Raises:
            PlaygroundError: they are saved, and cannot be read.
        """
        with self._lock:
            held, make = self._held.get(place), self._make_start if place == START else None
        if held is None and make is not None and place in self._places:
            start = make()
            if not _fits(start):  # Of a network from elsewhere.
                with self._lock:
                    self._places = tuple(one for one in self._places if one != START)
                return None
            held = tuple(array.astype(np.float16) for array in start)
        if held is not None:
            return tuple(array.astype(np.float32) for array in held)
        if place not in self._places or self._load is None:
            return None
        return self._load(place)

    def rounded(self, place: Place) -> tuple[npt.NDArray[np.float16], ...] | None:
        """The weights of a moment that is in memory, float16; None for another one."""
        with self._lock:
            return self._held.get(place)

    def to_save(self, saved: Collection[Place], epochs: int | None = None) -> Mapping[Place, Weights | None]:
        """For each moment its weights, float32, or None if its place is among those `saved`.

        Without moments that were saved where they have been removed since.

        Args:
            saved: places.
            epochs: leave out what comes after so many epochs; None for nothing.

        Raises:
            StoreError: one cannot be read.
        """
        found: dict[Place, Weights | None] = {}
        for place in self._places:
            if epochs is not None and place.epoch > epochs:
                continue
            try:
                weights = None if place in saved else self.weights(place)
            except RunNotFoundError:
                continue
            if weights is not None or place in saved:
                found[place] = weights
        return found

    def forget(self, saved: Iterable[Place], load: Callable[[Place], Weights]) -> None:
        """Free the memory of the moments that `load` gives from now on."""
        with self._lock:
            self._load = load
            for place in saved:
                self._held.pop(place, None)
                if place == START:
                    self._make_start = None  # It may hold the weights.

    def copy(self, until: Place | None = None) -> Moments:
        """The same moments, or those up to a place, for another run."""
        with self._lock:
            places = [place for place in self._places if until is None or place <= until]
            one = Moments(self._parameters, places, self._load, self._most_bytes)
            one._make_start = self._make_start
            one._held = {place: self._held[place] for place in places if place in self._held}
        return one


def _fits(weights: Weights) -> bool:
    """Whether float16 can hold all of them."""
    return all(np.all(np.abs(array) <= _LARGEST) for array in weights)


_alive: weakref.WeakSet[Moments] = weakref.WeakSet()
_alive_lock = threading.Lock()


def held_bytes() -> int:
    """How much the moments of all runs take in memory."""
    with _alive_lock:
        return sum(len(one._held) * one._bytes for one in _alive)


def _least_needed(places: list[Place]) -> Place:
    """The inner place that leaves the smallest gap, as a share of its end."""
    steps = max(place.step for place in places) or 1
    times = [place.epoch - 1 + place.step / steps for place in places]
    gaps = [(after - before) / after for before, after in zip(times, times[2:], strict=False)]
    return places[1 + gaps.index(min(gaps))]
