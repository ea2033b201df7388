"""What the live panel draws, as bytes: `scene` once for a run, and a `frame` for each of its snapshots.

A frame costs about 2 ms, and all visitors who watch the same run get the same one. The browser does the drawing.
"""

from __future__ import annotations

import json
import struct
import threading
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.charts import training as training_charts
from mnist_core.charts.training import Point
from mnist_core.evaluation import explanation
from mnist_core.network import TrainedNetwork
from mnist_core.network.layers import initial_weights
from mnist_core.training import loop

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from mnist_core.network.layers import Weights
    from mnist_core.runs.network_run import Run
    from mnist_core.runs.snapshot import Snapshot

SAMPLES = 12
"""How many test images the panel shows with their answers."""
# At most this many points a curve; a phone cannot show more.
_MOST_POINTS = 240
_ALIGNMENT = 4
_MOST_STEPS = 2**15 - 1


def pack(header: Mapping[str, Any], **arrays: npt.NDArray[Any]) -> bytes:
    """A JSON object and some arrays as bytes, little-endian: the length of the header, the header, the arrays.

    Args:
        header: must not have the key "arrays", which describes them: for each name its type, shape and first byte.
        arrays: float32, int16 or uint8.
    """
    described, body = {}, b""
    for name, array in arrays.items():
        described[name] = (array.dtype.name, array.shape, len(body))
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        body += data + bytes(-len(data) % _ALIGNMENT)
    text = json.dumps({**header, "arrays": described}, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return struct.pack("<I", len(text)) + text + body


_lock = threading.Lock()
_scenes: weakref.WeakKeyDictionary[Run, tuple[bytes, float]] = weakref.WeakKeyDictionary()
# Only a weak reference to the snapshot: it holds the weights and slots of a run in training.
_frames: weakref.WeakKeyDictionary[Run, tuple[weakref.ref[Snapshot], bytes]] = weakref.WeakKeyDictionary()


def scene(run: Run) -> bytes:
    """What does not change during a run: the twelve test images and the first layer at the start. It is cached."""
    return _scene_and_step(run)[0]


def _scene_and_step(run: Run) -> tuple[bytes, float]:
    """The scene, and the unit of the pictures of the first layer.

    The unit is the same in all frames, so what does not change is drawn the same. A weight may grow to eight times the
    largest one at the start; larger ones are drawn as that.
    """
    with _lock:
        found = _scenes.get(run)
    if found is None:
        start = run.start.weights if run.start else initial_weights(run.config)
        step = float(np.abs(start[0]).max()) * 8 / _MOST_STEPS or 1.0
        header = {
            "run": run.id,
            "epochs": run.config.epochs,
            "validates": bool(run.config.validation_fraction),
            "names": list(run.dataset.class_names),
        }
        images, labels = run.split.test_images[:SAMPLES], run.split.test_labels[:SAMPLES].astype(np.uint8)
        found = pack(header, images=images, labels=labels, pictures=_steps_of(start, step)), step
        with _lock:
            _scenes[run] = found
    return found


def frame(run: Run, shot: Snapshot) -> bytes:
    """The curves, the first layer and the answers in a snapshot of a run. The newest one is cached."""
    with _lock:
        found = _frames.get(run)
    if found is not None and found[0]() is shot:
        return found[1]
    made = _frame(run, shot)
    with _lock:
        _frames[run] = (weakref.ref(shot), made)
    return made


def _frame(run: Run, shot: Snapshot) -> bytes:
    points = curve_points(shot, _MOST_POINTS)
    training = [point for point in points if point.images == training_charts.TRAINING]
    validation = [point for point in points if point.images == training_charts.VALIDATION]
    is_over = not shot.status.is_active
    header: dict[str, Any] = {
        "run": run.id,
        "isActive": shot.status.is_active,
        "ends": {name: training_charts.ends(name, points, is_over) for name in ("accuracy", "loss")},
    }
    arrays: dict[str, npt.NDArray[Any]] = {"training": _curve(training), "validation": _curve(validation)}
    weights = shot.weights
    if weights is not None:
        arrays["pictures"] = _steps_of(weights, _scene_and_step(run)[1])
        probabilities = TrainedNetwork(run.config, weights).predict(run.split.test_images[:SAMPLES])
        arrays["answers"] = probabilities.argmax(axis=1).astype(np.uint8)
        arrays["chances"] = probabilities.max(axis=1).astype(np.float32)
    return pack(header, **arrays)


def _curve(points: list[Point]) -> npt.NDArray[np.float32]:
    """(n, 3): epoch, accuracy and loss, by epoch. A value that is not known is NaN."""
    rows = sorted((p.epoch, np.nan if p.accuracy is None else p.accuracy, p.loss) for p in points)
    return np.array(rows, np.float32).reshape(-1, 3)


def _steps_of(weights: Weights, step: float) -> npt.NDArray[np.int16]:
    """(k, h, w): the first units of the first layer, in steps. Weights that are no longer numbers are 0."""
    units = explanation.first_layer_weights(weights) / step
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
