"""A run's state, curve and answers as plain bytes, checked when they are read.

Shapes follow from the run's config and are not written. Numbers are little-endian. Nothing is ever unpickled.
"""

from __future__ import annotations

import dataclasses
import json
import re
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.config import CLASSES, LEARNING_RATE, RunConfig
from mnist_core.errors import PlaygroundError, StoreError
from mnist_core.evaluation.metrics import evaluate_answers
from mnist_core.language import Message
from mnist_core.network.layers import Weights, weight_shapes
from mnist_core.network.optimizers import UPDATE_RULES
from mnist_core.training.events import EpochMetrics, Progress, RateChanged, TrainingState
from mnist_core.training.moments import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from mnist_core.evaluation import Evaluation

Parts = dict[str, bytes]
# The names of the parts in messages.
PARTS = {
    "weights": "weights",
    "slots": "optimizer's averages",
    "best": "best weights",
    "network": "network",
    "history": "history",
    "points": "curve",
    "rates": "learning rates",
    "answers": "answers",
    "labels": "answers",
}
MOMENT = "moment"
"""The name of a moment's part begins with it."""
_HALF, _FLOAT, _DOUBLE = np.dtype("<f2"), np.dtype("<f4"), np.dtype("<f8")
_POINT = 5  # numbers a point


def damaged(what: str) -> StoreError:
    """The error for a part of a saved run that differs from what was written."""
    return StoreError(
        Message("The run was saved, but its {what} cannot be read.", what=what), "Delete the run and train it again."
    )


def checksum(data: bytes) -> int:
    """CRC-32: it detects damage, not a deliberate change."""
    return zlib.crc32(data)


def slot_shapes(config: RunConfig) -> list[tuple[int, ...]]:
    """The shapes of the optimizer slots, those of a weight together."""
    return [shape for shape in weight_shapes(config.layers) for _ in range(UPDATE_RULES[config.optimizer].slots)]


def pack_state(config: RunConfig, state: TrainingState) -> Parts:
    """A state as parts, whole.

    Raises:
        StoreError: its arrays are not those of the config's network, so it could never be read back.
    """
    shapes = weight_shapes(config.layers)
    parts = {
        "weights": pack_arrays(state.weights, shapes),
        "slots": pack_arrays(state.slots, slot_shapes(config)),
        "history": _to_json(
            {
                "step": state.step,
                "epochs": [dataclasses.astuple(metrics) for metrics in state.history],
                "rates": [dataclasses.astuple(change) for change in state.rates],
            }
        ),
    }
    if state.best_weights is not None:
        parts["best"] = pack_arrays(state.best_weights, shapes)
    return parts


def unpack_state(config: RunConfig, parts: Parts, *, is_ended: bool = False) -> TrainingState | None:
    """The state that `pack_state` wrote; None if there is none. That of an ended run may lack arrays.

    Raises:
        StoreError: something in it is not as the config wants it.
    """
    if "history" not in parts and (is_ended or "weights" not in parts):
        return None
    shapes = weight_shapes(config.layers)
    raw = _from_json(parts.get("history", b""), "history")

    def arrays(name: str, shapes: list[tuple[int, ...]]) -> Weights:
        return () if is_ended and name not in parts else unpack_arrays(parts.get(name, b""), shapes, PARTS[name])

    try:
        step, epochs, rates = raw["step"], raw["epochs"], raw["rates"]
        history = tuple(_metrics(number, values) for number, values in enumerate(epochs, 1))
        state = TrainingState(
            arrays("weights", shapes),
            arrays("slots", slot_shapes(config)),
            _whole(step),
            history,
            arrays("best", shapes) if "best" in parts else None,
            tuple(map(_rate, rates)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise damaged("history") from error
    if len(history) > config.epochs or (
        not is_ended and config.early_stopping and history and state.best_weights is None
    ):
        raise damaged("history")
    return state


def pack_arrays(
    arrays: Sequence[npt.NDArray[np.float32]], shapes: list[tuple[int, ...]], number: np.dtype[Any] = _FLOAT
) -> bytes:
    """Finite arrays of these shapes, one after the other, as numbers of this type.

    Raises:
        StoreError: they are not.
    """
    if [array.shape for array in arrays] != shapes or not all(np.isfinite(array).all() for array in arrays):
        raise StoreError("The run's arrays do not fit its config, or are not finite.", "Save a state of the same run.")
    # A join takes the arrays' own memory, so that each byte is copied once.
    return b"".join(np.ascontiguousarray(array, number).data for array in arrays)


def unpack_arrays(data: bytes, shapes: list[tuple[int, ...]], what: str, number: np.dtype[Any] = _FLOAT) -> Weights:
    """The read-only float32 arrays that `pack_arrays` wrote.

    Raises:
        StoreError: there is more or less than the shapes want, or a number is not finite.
    """
    sizes = [int(np.prod(shape)) for shape in shapes]
    if len(data) != sum(sizes) * number.itemsize:
        raise damaged(what)
    numbers = np.frombuffer(data, number).astype(_FLOAT, copy=False)
    if not np.isfinite(numbers).all():
        raise damaged(what)
    pieces = np.split(numbers, np.cumsum(sizes)[:-1]) if sizes else []
    return tuple(piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True))


def moment_name(place: Place) -> str:
    """The name of the part with the moment at a place."""
    return f"{MOMENT}{place.epoch}.{place.step}"


def moment_places(names: Iterable[str]) -> tuple[Place, ...]:
    """The places of the moments among the names of parts, in no order."""
    found = (re.fullmatch(rf"{MOMENT}(\d+)\.(\d+)", name) for name in names)
    return tuple(Place(int(match[1]), int(match[2])) for match in found if match)


def pack_moment(config: RunConfig, weights: Weights) -> bytes:
    """The weights of a moment, as float16."""
    return pack_arrays(weights, weight_shapes(config.layers), _HALF)


def unpack_moment(config: RunConfig, data: bytes) -> Weights:
    """The weights that `pack_moment` wrote, float32.

    Raises:
        StoreError: they are not those of the config's network.
    """
    return unpack_arrays(data, weight_shapes(config.layers), MOMENT, _HALF)


def pack_points(points: Sequence[Progress]) -> bytes:
    """The live curve: five float64 a point."""
    rows = [(point.epoch, point.step, point.loss, point.accuracy, point.samples_per_second) for point in points]
    return np.array(rows, _DOUBLE).tobytes()


def unpack_points(data: bytes) -> tuple[Progress, ...]:
    """The points that `pack_points` wrote, without positions.

    Raises:
        StoreError: they are not points.
    """
    if len(data) % (_POINT * _DOUBLE.itemsize):
        raise damaged("curve")
    rows = np.frombuffer(data, _DOUBLE).reshape(-1, _POINT)
    counted = rows[:, :2]
    if not np.isfinite(rows).all() or (counted < 1).any() or (counted != np.floor(counted)).any():
        raise damaged("curve")
    return tuple(
        Progress(int(epoch), int(step), loss, accuracy, speed, None)
        for epoch, step, loss, accuracy, speed in rows.tolist()
    )


def pack_rates(rates: Sequence[RateChanged]) -> bytes:
    """The changes of the learning rate as JSON."""
    return _to_json([dataclasses.astuple(change) for change in rates])


def unpack_rates(data: bytes) -> tuple[RateChanged, ...]:
    """The changes that `pack_rates` wrote.

    Raises:
        StoreError: they are not such changes.
    """
    try:
        return tuple(map(_rate, _from_json(data, "learning rates")))
    except (TypeError, ValueError) as error:
        raise damaged("learning rates") from error


def pack_evaluation(evaluation: Evaluation) -> Parts:
    """The answers, (n, 10) float32, and the labels, (n,) uint8; all else follows from these."""
    return {
        "answers": evaluation.probabilities.astype(_FLOAT, copy=False).tobytes(),
        "labels": evaluation.labels.astype(np.uint8).tobytes(),
    }


def unpack_evaluation(config: RunConfig, parts: Parts) -> Evaluation | None:
    """The evaluation that `pack_evaluation` wrote, recomputed from the answers; None if there is none.

    Raises:
        StoreError: they are not probabilities, or not one row for each label.
    """
    if "answers" not in parts:
        return None
    labels = np.frombuffer(parts.get("labels", b""), np.uint8)
    if not len(labels) or labels.max() >= CLASSES or len(parts["answers"]) != len(labels) * CLASSES * _FLOAT.itemsize:
        raise damaged("answers")
    answers = np.frombuffer(parts["answers"], _FLOAT).reshape(-1, CLASSES)
    try:
        return evaluate_answers(answers, labels, config.loss)
    except PlaygroundError as error:
        raise damaged("answers") from error


def _to_json(value: object) -> bytes:
    # Python writes the shortest text that is read back as the same float, bit for bit.
    return json.dumps(value).encode()


def _from_json(data: bytes | str, what: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged(what) from error


def _metrics(number: int, values: Any) -> EpochMetrics:
    epoch, *figures = values
    if epoch != number:
        raise ValueError(epoch)
    loss, accuracy, validation_loss, validation_accuracy, rate = figures
    return EpochMetrics(
        number,
        _real(loss),
        _real(accuracy),
        None if validation_loss is None else _real(validation_loss),
        None if validation_accuracy is None else _real(validation_accuracy),
        _learning_rate(rate),
    )


def _rate(values: Any) -> RateChanged:
    epoch, step, rate = values
    return RateChanged(_whole(epoch), _whole(step), _learning_rate(rate))


def _learning_rate(value: object) -> float:
    try:
        LEARNING_RATE.check("learning_rate", value)
    except PlaygroundError as error:
        raise ValueError(value) from error
    return _real(value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(value)
    return value


def _real(value: object) -> float:
    # JSON distinguishes int and float. Keep the type of the value: do not convert it.
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(value)
    return value
