"""What the live panel draws, as bytes: scenes once for a run, and a frame for each of its snapshots.

A frame costs about 2 ms, and all visitors who watch the same run get the same one. The browser does the drawing.
"""

from __future__ import annotations

import base64
import json
import logging
import math
import struct
import threading
import time
import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.charts import training as training_charts
from mnist_core.charts.training import Point
from mnist_core.config import IMAGE_SIZE
from mnist_core.data import splits
from mnist_core.data.sources import classes_of
from mnist_core.errors import PlaygroundError
from mnist_core.evaluation import explanation, seeds
from mnist_core.language import current
from mnist_core.language import gettext as _
from mnist_core.network import backend
from mnist_core.network.layers import initial_kernel, initial_weights
from mnist_core.runs import scheduler
from mnist_core.training import Status, insight, loop
from mnist_core.training.moments import Place
from pages.widgets.common import live_network, run_text
from pages.widgets.server import frame_route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset, Split
    from mnist_core.network.layers import Weights
    from mnist_core.runs.network_run import Run
    from mnist_core.runs.snapshot import Snapshot
    from mnist_core.training.engine import Position

    _Pictures = tuple[dict[str, Any], dict[str, npt.NDArray[Any]], tuple[npt.NDArray[np.float32], ...]]

logger = logging.getLogger(__name__)

SAMPLES = 12
"""How many test images the panel shows with their answers."""
# At most this many points a curve; a phone cannot show more.
_MOST_POINTS = 240
_ALIGNMENT = 4
_MOST_STEPS = 2**15 - 1
# How long a browser waits between two frames, and how many a second a server sends at most; then browsers wait longer.
_REST_SECONDS, _MOST_FRAMES = 0.2, 100
# With more runs, the first layer and the answers are not in each frame: they cost more than the curves.
_MOST_PICTURES = 15
# How many networks in editors are remembered for each data set; a scene has 50 kB.
_MOST_UNTRAINED = 64
_BLOCK = 250  # Test images that are read at once when looking for a mistake.


def pack(header: Mapping[str, Any], **arrays: npt.NDArray[Any]) -> bytes:
    """A JSON object and some arrays as bytes, little-endian: the length of the header, the header, the arrays.

    Args:
        header: must not have the key "arrays", which describes them: for each name its type, shape and first byte.
        arrays: float32, int16, int8 or uint8.
    """
    return _Part({}, **arrays).with_header(header)


class _Part:
    """A header and arrays that are packed once, and sent with more header each time."""

    def __init__(self, header: Mapping[str, Any], **arrays: npt.NDArray[Any]) -> None:
        described, body = {}, b""
        for name, array in arrays.items():
            described[name] = (array.dtype.name, array.shape, len(body))
            data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
            body += data + bytes(-len(data) % _ALIGNMENT)
        self._header, self._body = {**header, "arrays": described}, body

    def with_header(self, more: Mapping[str, Any]) -> bytes:
        text = json.dumps({**more, **self._header}, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-len(text) % _ALIGNMENT)
        return struct.pack("<I", len(text)) + text + self._body


class LiveRun:
    """What the live panel shows of a run. It is a `frame_route.Source`.

    Args:
        run: it is not kept alive.
        trouble: returns why the run cannot be saved at the moment; empty if it can.

    Attributes:
        address: where the browser asks for frames.
        images: what the twelve test images need before the first frame.
        network: what the picture of the network needs, with the first layer at the start.
    """

    def __init__(self, run: Run, trouble: Callable[[], str]) -> None:
        self._run = weakref.ref(run)
        self._trouble = trouble
        self._lock = threading.Lock()
        self._version = 0
        # Only a weak reference to the snapshot: it holds the weights and slots of a run in training.
        self._shown: weakref.ref[Snapshot] | None = None
        self._shown_page = ""
        self._others: tuple[weakref.ref[Run], ...] = ()
        self._shown_others: list[tuple[int, bool]] = []
        self._pictures_at = -math.inf
        self._part = _Part({})
        self._points: list[Point] = []
        self._descriptions: dict[str, dict[str, str]] = {}  # By language, of the points.
        self._sampled: tuple[int, tuple[npt.NDArray[np.float32], ...]] | None = None
        self._weights_moved: dict[str, Any] = {}
        kernel = run.start.weights[0] if run.start else initial_kernel(run.config)
        self._step = _step_of(kernel)
        self.address = frame_route.offer(self)
        self.images, self.network = _scenes(run.config, run.dataset, run.split, kernel, self.address)

    def join(self, group: Sequence[Run]) -> None:
        """Draw the mean of these runs, of one network with different seeds; they are not kept alive."""
        self._others = tuple(weakref.ref(one) for one in group if one is not self._run())

    def page(self, run: Run) -> str:
        """What the page outside the panel shows of the state of the run, or of the group."""
        active = [one for one in self._group(run) if one.snapshot.status.is_active]
        return (
            f"{run.snapshot.status.is_active} {len(active)} {[one.is_pause_wanted for one in active]} "
            f"{run.snapshot.message} {self._trouble()}"
        )

    def _group(self, run: Run) -> list[Run]:
        return [run, *(other for one in self._others if (other := one()) is not None)]

    def curves(
        self,
        run: Run,
        page: str | None = None,
        previous: Run | None = None,
        moment: Place | None = None,
        is_large: bool = False,
        drawing: npt.NDArray[np.uint8] | None = None,
    ) -> bytes:
        """What the curves need before the first frame.

        With it goes what the page outside the panel shows: the panel asks for the page again when a frame differs.

        Args:
            run: the run.
            page: what `page` said before the page was drawn; None for what it says now.
            previous: a run whose training curve is drawn in the background.
            moment: the moment to show at first; None for the newest one.
            is_large: whether the lines are thick, with their names at their ends.
            drawing: the visitor's last drawing, (28, 28); None for none.
        """
        page = self.page(run) if page is None else page
        curve = _training_curve(previous.snapshot) if previous is not None else []
        return _curves(run.config, self.address, page, curve, moment, is_large, drawing)

    def unit(self, layer: int, number: int, place: tuple[int, int] | None = None) -> bytes | None:
        """The weights of a unit, see `live_network.weights_of_unit`, now or at a kept moment.

        None if there is no such unit, no such moment, or no run.
        """
        run, network = self._network(place)
        return None if run is None or network is None else _unit(run.config, network, layer, number)

    def moment(self, place: tuple[int, int]) -> bytes | None:
        """The first layer and the network at a kept moment, as in `frame`; None without such a moment or a run."""
        run = self._run()
        weights = None if run is None else _weights_at(run, place)
        if run is None or weights is None:
            return None
        header, arrays, _kernels = _pictures(run, weights, self._step)
        return pack(header, **arrays)

    def image(self, which: int | bytes, place: tuple[int, int] | None = None) -> bytes | None:
        """What one image does inside the network, now or at a kept moment, see `frame_route.Source`."""
        run, network = self._network(place)
        return None if run is None or network is None else _one_image(run.config, network, run.split, which)

    def mistake(self, after: int, place: tuple[int, int] | None = None) -> bytes | None:
        """The next misread test image, now or at a kept moment, see `frame_route.Source`."""
        run, network = self._network(place)
        return None if run is None or network is None else _mistake(run.config, network, run.split, after)

    def _network(self, place: tuple[int, int] | None) -> tuple[Run | None, Position | Weights | None]:
        """The run, and its network now or at a kept moment; None for what is not there."""
        run = self._run()
        if run is None or place is not None:
            return run, None if run is None or place is None else _weights_at(run, place)
        network = _newest(run.snapshot)
        if network is None:
            network = run.start.weights if run.start else initial_weights(run.config)
        return run, network

    def is_newer(self, after: int) -> bool:
        """Whether the run is not as it was in the frame of version `after`."""
        run = self._run()
        if run is None or after != self._version or self._shown is None:
            return True
        # A paused run can be continued or stopped by another tab, which changes no more than the page's state.
        is_other = self._shown() is not run.snapshot or _places(self._group(run)) != self._shown_others
        return is_other or self.page(run) != self._shown_page

    def frame(self, after: int = 0) -> bytes | None:
        """The progress, and, if it is newer than version `after`: the curves, the first layer and the answers."""
        run = self._run()
        if run is None:
            return None
        group = self._group(run)
        # First: a run may end at any moment, and a browser that reads "not active" beside an old page asks no more.
        is_active = any(one.snapshot.status.is_active for one in group)
        shot, page = run.snapshot, self.page(run)
        places = _places(group)
        # A new server has no TensorFlow yet, while the run trains on another computer. The curves need not wait for it.
        can_look_inside = backend.is_loaded() or not shot.status.is_active
        with self._lock:
            is_shown = self._shown is not None and self._shown() is shot and places == self._shown_others
            if not is_shown:
                self._part = self._changes(run, shot, group, can_look_inside)
                self._shown, self._shown_others = weakref.ref(shot) if can_look_inside else None, places
            if not is_shown or page != self._shown_page:
                self._shown_page = page
                self._version += 1
            part, version = self._part, self._version
            is_newer = version > after
            descriptions = self._described() if is_newer else None
        header = {
            "version": version,
            "page": page,
            "isActive": is_active,
            "restSeconds": max(_REST_SECONDS, scheduler.shared().watched_runs / _MOST_FRAMES),
            "progress": sum(one.fraction for one in group) / len(group),
            "text": run_text.progress_text(run, shot) if len(group) == 1 else run_text.group_text(group),
            "rates": run_text.rates_text(shot),
            "spoken": run_text.spoken_text(run, shot) if len(group) == 1 else run_text.spoken_group_text(group),
        }
        if descriptions:
            header["descriptions"] = descriptions
        return (part if is_newer else _Part({})).with_header(header)

    def _described(self) -> dict[str, str]:
        """What the curves show, in words of the visitor's language; once for all who speak it."""
        language = current()
        if language not in self._descriptions and self._points:
            texts = {name: training_charts.description(name, self._points) for name in ("accuracy", "loss")}
            self._descriptions[language] = texts
        return self._descriptions.get(language, {})

    def _changes(self, run: Run, shot: Snapshot, group: Sequence[Run], can_look_inside: bool) -> _Part:
        """The curves of a snapshot of a run, and of the group's mean.

        The first layer and the answers too, unless they were sent just before or cannot be computed yet.
        """
        now = time.monotonic()
        is_soon = now - self._pictures_at < scheduler.shared().watched_runs / _MOST_PICTURES
        pictures: dict[str, Any] = {}
        arrays: dict[str, npt.NDArray[Any]] = {}
        if can_look_inside and not (shot.status is Status.RUNNING and is_soon):
            pictures, arrays, kernels = _pictures(run, _newest(shot), self._step)
            pictures |= self._weight_changes(shot, kernels)
            self._pictures_at = now if arrays else -math.inf
        shots = [shot, *(one.snapshot for one in group[1:])]
        curves = [curve_points(one, _MOST_POINTS, f"{i}") for i, one in enumerate(shots)]
        points, all_points = curves[0], [point for curve in curves for point in curve]
        self._points, self._descriptions = points, {}
        training, validation = _curves_of(points)
        if len(group) > 1:
            arrays |= bands(curves)
        is_over = not any(one.snapshot.status.is_active for one in group)
        header = {
            "ends": {name: training_charts.ends(name, all_points, is_over) for name in ("accuracy", "loss")},
            "seeds": len(group),
            "moments": run.past_moments,
            "steps": shot.started.steps_per_epoch if shot.started else 1,
            **pictures,
        }
        return _Part(header, training=training, validation=validation, **arrays)

    def _weight_changes(self, shot: Snapshot, kernels: Sequence[npt.NDArray[np.float32]]) -> dict[str, Any]:
        """How much the weights of each layer have changed since the last picture, and in how many batches."""
        # The first points of a run on a cluster come before its first weights.
        if not shot.points or shot.started is None or not kernels:
            return {}
        last = shot.points[-1]
        done, weights = (last.epoch - 1) * shot.started.steps_per_epoch + last.step, insight.sampled_weights(kernels)
        before, self._sampled = self._sampled, (done, weights)
        if before is not None and done > before[0]:
            self._weights_moved = {"changes": insight.relative_changes(before[1], weights), "batches": done - before[0]}
        return self._weights_moved


class Untrained:
    """What the live panel shows of a network in the editor, before it is trained. It is a `frame_route.Source`.

    Args:
        config: the network, and what it would learn from.
        dataset: the data that the config names; it is not kept alive.

    Attributes:
        images, network: as in `LiveRun`.
    """

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        split = splits.split_for(dataset, config)
        self._config = config
        self._dataset = weakref.ref(dataset)
        self._images = split.test_images[:SAMPLES].copy()
        self._answers: _Part | None = None
        self._address = frame_route.offer(self)
        self.images, self.network = _scenes(config, dataset, split, initial_kernel(config), self._address)

    def curves(self, is_large: bool = False, drawing: npt.NDArray[np.uint8] | None = None) -> bytes:
        """What the curves need, as in `LiveRun.curves`."""
        return _curves(self._config, self._address, "", [], None, is_large, drawing)

    def is_newer(self, after: int) -> bool:
        """Whether there are answers, or can be: not before TensorFlow is here."""
        return not after and backend.is_loaded()

    def frame(self, after: int) -> bytes:
        """The answers to the test images. Without TensorFlow, a frame that says to ask again."""
        del after
        header = {"page": "", "restSeconds": _REST_SECONDS, "progress": 0.0, "rates": "", "spoken": ""}
        if not backend.is_loaded():
            return _Part({}).with_header({**header, "version": 0, "isActive": True, "text": ""})
        if self._answers is None:
            pictures, arrays, _kernels = _inside(self._config, initial_weights(self._config), self._images)
            self._answers = _Part(pictures, **arrays)
        text = _("Not trained yet: its answers are guesses, about 1 in 10 is right. Press Train.")
        return self._answers.with_header({**header, "version": 1, "isActive": False, "text": text})

    def moment(self, place: tuple[int, int]) -> None:
        """None: there are no moments before a run."""

    def image(self, which: int | bytes, place: tuple[int, int] | None = None) -> bytes | None:
        """What one image does inside the random network, as in `LiveRun.image`."""
        del place
        dataset = self._dataset()
        if dataset is None or not backend.is_loaded():
            return None
        split = splits.split_for(dataset, self._config)
        return _one_image(self._config, initial_weights(self._config), split, which)

    def mistake(self, after: int, place: tuple[int, int] | None = None) -> bytes | None:
        """The next misread test image, as in `LiveRun.mistake`."""
        del place
        dataset = self._dataset()
        if dataset is None or not backend.is_loaded():
            return None
        return _mistake(self._config, initial_weights(self._config), splits.split_for(dataset, self._config), after)

    def unit(self, layer: int, number: int, place: tuple[int, int] | None = None) -> bytes | None:
        """The random weights of a unit, as in `LiveRun.unit`."""
        del place
        return _unit(self._config, initial_weights(self._config), layer, number)


_lock = threading.Lock()
_untrained: weakref.WeakKeyDictionary[Dataset, OrderedDict[object, Untrained]] = weakref.WeakKeyDictionary()
_live: weakref.WeakKeyDictionary[Run, LiveRun] = weakref.WeakKeyDictionary()


def live_run(run: Run, trouble: Callable[[], str]) -> LiveRun:
    """What the live panel shows of a run, the same for all who watch it; see `LiveRun`."""
    with _lock:
        found = _live.get(run)
        if found is None:
            found = _live[run] = LiveRun(run, trouble)
        return found


def untrained(config: RunConfig, dataset: Dataset) -> Untrained:
    """What the live panel shows of a network before it is trained, the same for all who have it in the editor."""
    # What is shown depends on these alone. With the same address, a change of the learning rate draws nothing again.
    key = config.layers, config.seed, config.pixels, config.split, config.epochs, config.validation_fraction
    with _lock:
        known = _untrained.setdefault(dataset, OrderedDict())
        found = known.pop(key, None) or Untrained(config, dataset)
        known[key] = found
        if len(known) > _MOST_UNTRAINED:
            known.popitem(last=False)  # The browser that still shows it asks for the page again.
        return found


def _newest(shot: Snapshot) -> Position | Weights | None:
    """The final network of a run, or the newest one, which is not copied from the run's tensors."""
    return shot.network.weights if shot.network else shot.position or shot.weights


def _weights_at(run: Run, place: tuple[int, int]) -> Weights | None:
    """The weights of a run at a kept moment; None if it is not there, or cannot be read."""
    try:
        return run.moments.weights(Place(*place))
    except PlaygroundError as error:
        logger.warning("A moment of run %s: %s", run.id, error)
        return None


def _pictures(run: Run, network: Position | Weights | None, step: float) -> _Pictures:
    """The first layer, and the network with its answers to the test images, as a header and arrays; and its kernels.

    All are empty without a network. Of the first kernel, there are the first units only.
    """
    if network is None:
        return {}, {}, ()
    images = run.split.test_images[:SAMPLES]
    kernel = network[0] if isinstance(network, tuple) else insight.first_kernel(network, explanation.MOST_UNITS)
    header, arrays, others = _inside(run.config, network, images)
    first = kernel[..., : explanation.MOST_UNITS]
    return header, {"pictures": _steps_of(kernel, step), **arrays}, (first, *others)


def _inside(config: RunConfig, network: Position | Weights, images: npt.NDArray[np.uint8]) -> _Pictures:
    inside = insight.inside(config, network, images)
    header, arrays = live_network.parts(config, inside)
    return header, {"probabilities": inside.probabilities, **arrays}, inside.kernels


def _unit(config: RunConfig, network: Position | Weights, layer: int, number: int) -> bytes | None:
    weights = live_network.weights_of_unit(config, network, layer, number)
    return None if weights is None else pack({}, weights=weights)


def _one_image(config: RunConfig, network: Position | Weights, split: Split, which: int | bytes) -> bytes | None:
    """What an image does inside a network, packed; its label and index are -1 if it is no test image."""
    if isinstance(which, int):
        if which >= len(split.test_images):
            return None
        image, label, index = split.test_images[which], int(split.test_labels[which]), which
    else:
        if len(which) != IMAGE_SIZE**2:
            return None
        image, label, index = np.frombuffer(which, np.uint8).reshape(IMAGE_SIZE, IMAGE_SIZE), -1, -1
    header, arrays, _kernels = _inside(config, network, image[np.newaxis])
    del header["stuck"]  # Of one image, that would say nothing.
    return pack({**header, "label": label, "index": index}, image=image[np.newaxis], **arrays)


def _mistake(config: RunConfig, network: Position | Weights, split: Split, after: int) -> bytes | None:
    """The next misread test image after an index, as `_one_image`; after the last comes the first."""
    count = len(split.test_images)
    start = (after + 1) % count
    order = np.roll(np.arange(count), -start)
    for first in range(0, count, _BLOCK):
        block = order[first : first + _BLOCK]
        answers = insight.inside(config, network, split.test_images[block]).probabilities.argmax(axis=1)
        wrong = np.flatnonzero(answers != split.test_labels[block])
        if len(wrong):
            return _one_image(config, network, split, int(block[wrong[0]]))
    return pack({"index": -1, "label": -1})


def _scenes(
    config: RunConfig, dataset: Dataset, split: Split, kernel: npt.NDArray[np.float32], address: str
) -> tuple[bytes, bytes]:
    """What the test images and the picture of a network need; `kernel` is the first layer at the start."""
    header = {
        "address": address,
        "names": list(dataset.class_names),
        "classes": len(classes_of(dataset.class_names)),
    }
    images, labels = split.test_images[:SAMPLES], split.test_labels[:SAMPLES].astype(np.uint8)
    pictures = _steps_of(kernel, _step_of(kernel))
    layers = {"layers": live_network.columns(config)}
    return (
        pack(header, images=images, labels=labels),
        pack({**header, **layers}, images=images, labels=labels, pictures=pictures),
    )


def _curves(
    config: RunConfig,
    address: str,
    page: str,
    previous: list[list[float | None]],
    moment: Place | None,
    is_large: bool,
    drawing: npt.NDArray[np.uint8] | None,
) -> bytes:
    drawn = "" if drawing is None else base64.urlsafe_b64encode(drawing.tobytes()).decode()
    header = {"address": address, "page": page, "previous": previous, "moment": moment, "isLarge": is_large}
    header["drawing"] = drawn
    return pack({**header, "epochs": config.epochs, "validates": bool(config.validation_fraction)})


def _step_of(kernel: npt.NDArray[np.float32]) -> float:
    """The unit of the pictures of the first layer, from the weights at the start.

    It is the same in all frames, so what does not change is drawn the same. A weight may grow to eight times the
    largest one at the start; larger ones are drawn as that.
    """
    return float(np.abs(kernel).max()) * 8 / _MOST_STEPS or 1.0


def _places(group: Sequence[Run]) -> list[tuple[int, bool]]:
    """How far the other runs of a group are."""
    return [(len(one.snapshot.points), one.snapshot.status.is_active) for one in group[1:]]


def _curves_of(points: list[Point]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The curves on training and on validation images, as `_curve`."""
    training = [point for point in points if point.images == training_charts.TRAINING]
    validation = [point for point in points if point.images == training_charts.VALIDATION]
    return _curve(training), _curve(validation)


def bands(curves: Sequence[list[Point]]) -> dict[str, npt.NDArray[Any]]:
    """The mean, the lowest and the highest of the curves of several runs, for accuracy and loss: (n, 7).

    See `seeds.band`. "trainingBand" is of training images, "validationBand" of validation images.
    """
    training, validation = zip(*map(_curves_of, curves), strict=True)
    found = {"trainingBand": training, "validationBand": validation}
    return {name: seeds.band(of, _MOST_POINTS).astype(np.float32) for name, of in found.items()}


def _curve(points: list[Point]) -> npt.NDArray[np.float32]:
    """(n, 3): epoch, accuracy and loss, by epoch. A value that is not known is NaN."""
    rows = sorted((p.epoch, np.nan if p.accuracy is None else p.accuracy, p.loss) for p in points)
    return np.array(rows, np.float32).reshape(-1, 3)


def _training_curve(shot: Snapshot) -> list[list[float | None]]:
    """Epoch, accuracy and loss on training images, by epoch. What is not known, or no number, is None."""
    points = [point for point in curve_points(shot, _MOST_POINTS) if point.images == training_charts.TRAINING]
    rows = _curve(points).astype(np.float64).round(4).tolist()
    return [[value if math.isfinite(value) else None for value in row] for row in rows]


def _steps_of(kernel: npt.NDArray[np.float32], step: float) -> npt.NDArray[np.int16]:
    """(k, h, w): the first units of the first layer, in steps. Weights that are no longer numbers are 0."""
    units = explanation.first_layer_weights((kernel,)) / step
    steps: npt.NDArray[np.int16] = np.rint(np.clip(np.nan_to_num(units), -_MOST_STEPS, _MOST_STEPS)).astype(np.int16)
    return steps


def curve_rows(shot: Snapshot, most: int) -> list[tuple[float, float, float | None, str]]:
    """A run's curve as rows of epoch, loss, accuracy and "training" or "validation".

    At most `most` rows are "training", see `loop.thinned`.
    """
    per_epoch = shot.started.steps_per_epoch if shot.started else 1
    rows: list[tuple[float, float, float | None, str]] = [
        ((point.epoch - 1) + point.step / per_epoch, point.loss, point.accuracy, "training")
        for point in reversed(loop.thinned(shot.points, most))
    ]
    rows += [
        (metrics.epoch, metrics.validation_loss, metrics.validation_accuracy, "validation")
        for metrics in shot.epochs
        if metrics.validation_loss is not None
    ]
    return rows


def curve_points(shot: Snapshot, most: int, run: str = "") -> list[Point]:
    """The rows of `curve_rows` as points of the charts, with the run's name."""
    names = {"training": training_charts.TRAINING, "validation": training_charts.VALIDATION}
    return [
        Point(epoch, epoch, accuracy, loss, names[images], run)
        for epoch, loss, accuracy, images in curve_rows(shot, most)
    ]
