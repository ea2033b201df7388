"""What a visitor has drawn and labelled, as one file: test sets, which networks learned from them, and examples."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import zlib
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.config import CLASSES, IMAGE_SIZE
from mnist_core.drawing.inflate import inflate
from mnist_core.drawing.test_set import LabelledDrawing
from mnist_core.errors import StoreError
from mnist_core.language import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

MAX_DRAWINGS = 500
"""So many drawings of each kind are kept, the last ones."""
_MAX_TEXT = 64 * 2**20  # bytes of the file when unpacked


@dataclass(frozen=True)
class Lesson:
    """What is known of a network that was taught drawings.

    Args:
        drawings: the `digest` of each drawing that it was trained on.
        right_before: those of them that the network it began with read right.
        accuracy_before: the test accuracy of that network, 0 to 1; None if it is not known.
    """

    drawings: frozenset[str]
    right_before: frozenset[str] = frozenset()
    accuracy_before: float | None = None


@dataclass(frozen=True, eq=False)
class OwnDrawings:
    """A visitor's labelled drawings.

    Args:
        tests: the drawings to test networks with, for all class names, the oldest first.
        lessons: what each taught network was taught, by its run's id.
        class_names: the names of the ten outputs for `examples`, see `sources.ten_names`; empty before there are any.
        examples: the drawings to make a data set of, the oldest first.
    """

    tests: tuple[LabelledDrawing, ...] = ()
    lessons: Mapping[str, Lesson] = field(default_factory=lambda: MappingProxyType({}))
    class_names: tuple[str, ...] = ()
    examples: tuple[LabelledDrawing, ...] = ()

    def with_older(self, older: OwnDrawings) -> OwnDrawings:
        """These drawings, after those that were made before them."""
        return OwnDrawings(
            (*older.tests, *self.tests)[-MAX_DRAWINGS:],
            MappingProxyType({**older.lessons, **self.lessons}),
            self.class_names or older.class_names,
            self.examples if self.class_names else older.examples,
        )


def digest(image: npt.NDArray[np.uint8]) -> str:
    """A name for the pixels of a drawing, 32 hexadecimal digits."""
    return hashlib.sha256(image.tobytes()).hexdigest()[:32]


def pack(own: OwnDrawings) -> bytes:
    """Return the drawings as compressed JSON; nothing if there are none. Strokes are rounded to a tenth of a pixel."""
    if not (own.tests or own.examples or own.class_names):
        return b""
    here = {digest(one.image) for one in own.tests}
    lessons = {
        run: [sorted(one.drawings & here), sorted(one.right_before & here), one.accuracy_before]
        for run, one in own.lessons.items()
        if one.drawings & here
    }
    raw = {
        "tests": [_pack_drawing(one) for one in own.tests],
        "lessons": lessons,
        "class_names": own.class_names,
        "examples": [_pack_drawing(one) for one in own.examples],
    }
    return zlib.compress(json.dumps(raw).encode())


def unpack(data: bytes) -> OwnDrawings:
    """Return the drawings that `pack` has written.

    Raises:
        StoreError: `data` is something else.
    """
    if not data:
        return OwnDrawings()
    try:
        raw = json.loads(inflate(data, _MAX_TEXT))
        return OwnDrawings(
            tuple(_unpack_drawing(one) for one in raw["tests"]),
            MappingProxyType({str(run): _unpack_lesson(*one) for run, one in raw["lessons"].items()}),
            tuple(map(str, raw["class_names"])),
            tuple(_unpack_drawing(one) for one in raw["examples"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        problem = Message("Your drawings were saved, but they cannot be read.")
        raise StoreError(problem, "Ask the person who runs this server.") from error


def _unpack_lesson(known: Any, right: Any, accuracy: Any) -> Lesson:
    return Lesson(frozenset(map(str, known)), frozenset(map(str, right)), None if accuracy is None else float(accuracy))


def _pack_drawing(one: LabelledDrawing) -> dict[str, Any]:
    return {
        "image": base64.b64encode(one.image.tobytes()).decode(),
        "label": one.label,
        "strokes": [np.round(stroke, 1).tolist() for stroke in one.strokes],
        "class_names": one.class_names,
    }


def _unpack_drawing(raw: Any) -> LabelledDrawing:
    image = np.frombuffer(base64.b64decode(raw["image"], validate=True), np.uint8).reshape(IMAGE_SIZE, IMAGE_SIZE)
    lines = tuple(np.array(stroke, np.float64).reshape(-1, 2) for stroke in raw["strokes"])
    names = tuple(map(str, raw["class_names"]))
    label = raw["label"]
    if not isinstance(label, int) or not 0 <= label < CLASSES or len(names) != CLASSES:
        raise ValueError("a label or its class names")
    return LabelledDrawing(image, label, lines, names)


def renamed(own: OwnDrawings, class_names: tuple[str, ...]) -> OwnDrawings:
    """Return the drawings with other class names for the examples; their labels stay."""
    examples = tuple(dataclasses.replace(one, class_names=class_names) for one in own.examples)
    return dataclasses.replace(own, class_names=class_names, examples=examples)
