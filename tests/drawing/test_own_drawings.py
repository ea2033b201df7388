"""A visitor's drawings as a file: written and read back, and refused when damaged."""

from __future__ import annotations

import dataclasses
import json
import zlib
from types import MappingProxyType

import numpy as np
import pytest

from mnist_core.data.sources import DIGITS, ten_names
from mnist_core.drawing import own_drawings
from mnist_core.drawing.own_drawings import Lesson, OwnDrawings, digest
from mnist_core.drawing.test_set import LabelledDrawing
from mnist_core.errors import StoreError

NAMES = ten_names(["heart", "star"])
IMAGES = np.random.default_rng(5).integers(0, 256, (4, 28, 28), np.uint8)
LINES = (np.array([[1.25, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0]]))


def some() -> OwnDrawings:
    tests = (LabelledDrawing(IMAGES[0], 7, LINES), LabelledDrawing(IMAGES[1], 1, (), NAMES))
    known = frozenset([digest(IMAGES[0]), digest(IMAGES[3])])
    lessons = MappingProxyType({"a-run": Lesson(known, known, 0.75)})
    return OwnDrawings(tests, lessons, NAMES, (LabelledDrawing(IMAGES[2], 0, LINES, NAMES),))


def test_drawings_are_read_back() -> None:
    again = own_drawings.unpack(own_drawings.pack(some()))
    for before, after in zip((*some().tests, *some().examples), (*again.tests, *again.examples), strict=True):
        np.testing.assert_array_equal(before.image, after.image)
        assert (before.label, before.class_names) == (after.label, after.class_names)
        assert len(before.strokes) == len(after.strokes)
        for one, other in zip(before.strokes, after.strokes, strict=True):
            np.testing.assert_allclose(one, other, atol=0.05)
    assert again.class_names == NAMES
    # The drawing of the last image is no longer there, so nothing need be known of it.
    kept = frozenset([digest(IMAGES[0])])
    assert again.lessons == {"a-run": Lesson(kept, kept, 0.75)}


def test_no_drawings_are_no_file() -> None:
    assert own_drawings.pack(OwnDrawings()) == b""
    assert own_drawings.unpack(b"").tests == ()


def test_older_drawings_come_first() -> None:
    older = OwnDrawings((LabelledDrawing(IMAGES[3], 3),), MappingProxyType({"old": Lesson(frozenset("x"))}))
    both = some().with_older(older)
    assert [one.label for one in both.tests] == [3, 7, 1]
    assert set(both.lessons) == {"a-run", "old"}
    assert len(both.examples) == 1
    assert len(dataclasses.replace(OwnDrawings(), tests=both.tests).with_older(some()).examples) == 1


def test_new_class_names_keep_the_labels() -> None:
    names = ten_names(["heart", "star", "cat"])
    (one,) = own_drawings.renamed(some(), names).examples
    assert (one.label, one.class_names) == (0, names)


@pytest.mark.parametrize(
    "change",
    [{"image": "!"}, {"image": "AAAA"}, {"label": 10}, {"label": "1"}, {"label": None}, {"strokes": [[1]]},
     {"strokes": 5}, {"class_names": ["a"]}],
)  # fmt: skip
def test_damaged_drawing_is_refused(change: dict[str, object]) -> None:
    raw = json.loads(zlib.decompress(own_drawings.pack(some())))
    raw["tests"][0] |= change
    with pytest.raises(StoreError, match="cannot be read"):
        own_drawings.unpack(zlib.compress(json.dumps(raw).encode()))


@pytest.mark.parametrize(
    "data", [b"ink", zlib.compress(b"ink"), zlib.compress(b"[]"), own_drawings.pack(some())[:-4], zlib.compress(b"{}")]
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        own_drawings.unpack(data)


def test_file_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_drawings, "_MAX_TEXT", 1_000)
    with pytest.raises(StoreError, match="cannot be read"):
        own_drawings.unpack(own_drawings.pack(some()))


def test_default_names_are_digits() -> None:
    assert some().tests[0].class_names == DIGITS
