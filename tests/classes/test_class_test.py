"""What the networks of a class read in its drawings. The networks here give one answer to everything."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from mnist_core.classes.class_test import MAX_CLASSES, ClassTest, ClassTests
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.drawing import test_set
from mnist_core.errors import StoreError
from mnist_core.evaluation import shipped
from mnist_core.network import TrainedNetwork
from mnist_core.network.layers import weight_shapes
from mnist_core.store.class_records import OPEN, Board
from mnist_core.store.handed_in import ClassRun, SavedDrawing
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from mnist_core.training import Status
from tests.samples import blobs
from tests.scheduled_runs import wait_until
from tests.stored_runs import Clock, curve_points, state_after

CONFIG = RunConfig(
    layers=(LayerConfig(units=4),), epochs=10, dataset="embedded", validation_fraction=0.2, split="official"
)


class Lesson:
    """A class that has trained networks and now draws."""

    def __init__(self, path: Path) -> None:
        self.clock = Clock()
        self.store = RunStore(f"sqlite:///{path / 'runs.db'}", clock=self.clock)
        self.teacher = new_workspace()
        self.now = self.store.classes.create(self.teacher, "", "[]", "n1")
        self.pupils: list[str] = []
        self.tests = ClassTests(self.store.classes, clock=self.clock)
        self._move("n1")

    def _move(self, task: str) -> None:
        self.now = self.store.classes.move(self.teacher, self.now.id, self.now.revision, task=task, phase=OPEN)

    def join(self, *answers: int) -> None:
        """A pupil whose networks give these answers."""
        own = new_workspace()
        self.store.classes.join(self.now.id, own, lambda taken: f"pupil {len(taken)}")
        self.pupils.append(own)
        for number, answer in enumerate(answers):
            state = state_after(CONFIG, 2)
            self.store.create(own, f"run-{number}", CONFIG, blobs())
            self.store.save_epoch(own, f"run-{number}", state, curve_points(2), 1.0)
            weights = [np.zeros(shape, np.float32) for shape in weight_shapes(CONFIG.layers)]
            weights[-1][answer] = 1.0  # The bias of the output.
            self.store.finish(own, f"run-{number}", Status.FINISHED, network=TrainedNetwork(CONFIG, tuple(weights)))
            self.clock.forward(1)
            self.store.classes.hand_in_run(self.now.id, own, "n1", own, f"run-{number}")

    def draw(self, seat: int, *labels: int, first: int = 0) -> None:
        if self.now.task == "n1":
            self._move("d1")
        for n, label in enumerate(labels, first):
            image = np.full((28, 28), 20 * label + n, np.uint8)
            saved = SavedDrawing(n, label, False, 0.0, test_set.pack(image, (), 8_192))
            self.clock.forward(1)
            self.store.classes.hand_in_drawing(self.now.id, self.pupils[seat - 1], "d1", saved)

    @property
    def board(self) -> Board:
        return self.store.classes.board(self.now.id)

    def test(self) -> ClassTest:
        """The test after all networks have read."""

        def done() -> bool:
            return self.tests.test(self.board).waiting == 0

        self.clock.forward(60)
        wait_until(done)
        return self.tests.test(self.board)


@pytest.fixture
def lesson(tmp_path: Path) -> Lesson:
    return Lesson(tmp_path)


def test_every_network_reads_every_drawing(lesson: Lesson) -> None:
    lesson.join(4)
    lesson.join(9, 7)
    lesson.draw(1, 4, 9)
    lesson.draw(2, 4, 9)
    found = lesson.test()
    assert [(one.seat, one.n, one.drawing.label) for one in found.drawings] == [
        (1, 0, 4), (1, 1, 9), (2, 0, 4), (2, 1, 9)
    ]  # fmt: skip
    assert [one.seat for one in found.networks] == [1, 2, 2]
    assert found.answers.tolist() == [[4] * 4, [9] * 4, [7] * 4]
    assert found.scores.tolist() == [0.5, 0.5, 0.0]
    assert found.misread.tolist() == [2, 2, 2, 2]
    assert found.hardest == [0, 1, 2, 3]
    assert found.best == [0, 1]
    assert not found.is_built_in


def _read_by_all(lesson: Lesson, image: npt.NDArray[np.uint8]) -> ClassTest:
    wait_until(lambda: lesson.tests.read(lesson.board, image).waiting == 0)
    return lesson.tests.read(lesson.board, image)


def test_every_network_reads_an_image_of_the_teacher(lesson: Lesson) -> None:
    lesson.join(4)
    lesson.join(9, 7)
    for ink in (20, 40):  # Another image of the same task is read anew.
        image = np.full((28, 28), ink, np.uint8)
        lesson.clock.forward(60)
        found = _read_by_all(lesson, image)
        assert found.answers.tolist() == [[4], [9], [7]]
        assert np.array_equal(found.drawings[0].drawing.image, image)
        assert not found.is_built_in


def test_hardest_drawings_come_first(lesson: Lesson) -> None:
    lesson.join(4)
    lesson.join(4)
    lesson.join(9)
    lesson.draw(1, 4, 9, 7)
    found = lesson.test()
    assert found.misread.tolist() == [1, 2, 3]
    assert found.hardest == [2, 1, 0]


def test_smallest_of_the_networks_that_read_best_comes_first(lesson: Lesson) -> None:
    lesson.join(9)
    lesson.join(4)
    lesson.draw(1, 4, 4, 9)
    found = lesson.test()
    assert found.best == [1]
    both = dataclasses.replace(found, answers=found.answers[[1, 1]])
    large = dataclasses.replace(found.networks[0], parameters=found.networks[1].parameters + 1)
    assert dataclasses.replace(both, networks=(large, found.networks[1])).best == [1, 0]


def test_networks_read_only_what_is_new(lesson: Lesson, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    predict = TrainedNetwork.predict

    def counted(self: TrainedNetwork, images: np.ndarray) -> np.ndarray:
        read.append(len(images))
        return predict(self, images)

    monkeypatch.setattr(TrainedNetwork, "predict", counted)
    lesson.join(4)
    lesson.draw(1, 4, 9)
    assert lesson.test().misread.tolist() == [0, 1]
    lesson.draw(1, 7, first=2)
    assert lesson.test().misread.tolist() == [0, 1, 1]
    assert read == [2, 1]
    # Another drawing in the place of the first one, and one that the teacher takes out.
    lesson.draw(1, 5)
    lesson.store.classes.hide_drawing(lesson.teacher, lesson.now.id, "d1", 1, 1)
    found = lesson.test()
    assert [(one.n, one.drawing.label) for one in found.drawings] == [(2, 7), (0, 5)]
    assert [one.is_hidden for one in lesson.tests.drawings(lesson.board)] == [True, False, False]
    assert found.misread.tolist() == [1, 1]
    assert read == [2, 1, 1]


def test_class_without_networks_has_the_built_in_one(lesson: Lesson) -> None:
    lesson.join()
    lesson.draw(1, 3)
    found = lesson.test()
    image = found.drawings[0].drawing.image
    assert found.is_built_in
    assert found.answers.tolist() == [[int(shipped().network.predict(image[np.newaxis]).argmax())]]


def test_without_drawings(lesson: Lesson) -> None:
    lesson.join(4)
    lesson.draw(1)
    found = lesson.test()
    assert (found.drawings, found.misread.tolist(), found.hardest, found.best) == ((), [], [], [])
    assert np.isnan(found.scores).all()


def test_deleted_network_does_not_read(lesson: Lesson) -> None:
    lesson.join(4, 9)
    lesson.draw(1, 4)
    lesson.tests._classes.ended_runs(lesson.now.id)
    wait = lesson.store.classes.ended_runs(lesson.now.id)
    lesson.store.delete(lesson.pupils[0], "run-0")
    # As if it was deleted just after the class was looked at.
    lesson.store.classes.ended_runs = lambda class_id: wait  # type: ignore[method-assign]
    found = lesson.test()
    assert found.answers.tolist() == [[9]]


def away(*_: object) -> None:
    raise StoreError("The database does not answer.", "Wait.")


def test_database_that_is_away_is_asked_again(
    lesson: Lesson, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lesson.join(4)
    lesson.draw(1, 4)
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(lesson.store.classes, "network", away)
        assert lesson.tests.test(lesson.board).waiting == 1
        wait_until(lambda: "cannot be loaded" in caplog.text)
        assert lesson.tests.test(lesson.board).waiting == 1
    assert lesson.test().answers.tolist() == [[4]]


def test_last_test_stays_while_the_database_is_away(lesson: Lesson, monkeypatch: pytest.MonkeyPatch) -> None:
    lesson.join(4)
    lesson.draw(1, 4)
    before, board = lesson.test(), lesson.board
    lesson.draw(1, 9, first=1)
    later = lesson.board
    lesson.clock.forward(60)
    for name in ("drawings", "ended_runs", "network"):
        monkeypatch.setattr(lesson.store.classes, name, away)
    assert lesson.tests.test(board).answers.tolist() == before.answers.tolist()
    assert len(lesson.tests.test(later).drawings) == 1


def test_damaged_network_does_not_stop_the_others(
    lesson: Lesson, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lesson.join(4, 9)
    lesson.draw(1, 4)
    load = lesson.store.classes.network

    def damaged(one: ClassRun) -> TrainedNetwork:
        if one.run.run == "run-0":
            raise StoreError("A part of it is damaged.", "Delete it.")
        return load(one)

    monkeypatch.setattr(lesson.store.classes, "network", damaged)
    with caplog.at_level(logging.WARNING):
        wait_until(lambda: lesson.tests.test(lesson.board).answers.tolist() == [[9]])
        for count in (2, 3):
            lesson.clock.forward(60)
            lesson.tests.test(lesson.board)
            wait_until(lambda count=count: caplog.text.count("cannot be loaded") == count)  # type: ignore[misc]
    wait_until(lambda: lesson.tests.test(lesson.board).waiting == 0)


def test_outage_strikes_no_network_off(lesson: Lesson, monkeypatch: pytest.MonkeyPatch) -> None:
    lesson.join(4)
    lesson.draw(1, 4)
    lesson.tests.test(dataclasses.replace(lesson.board, drawings={}))
    room = lesson.tests._room(lesson.board)
    with monkeypatch.context() as patch:
        for name in ("network", "ended_runs"):
            patch.setattr(lesson.store.classes, name, away)
        for _ in range(5):
            lesson.clock.forward(60)
            lesson.tests.test(lesson.board)
            wait_until(lambda: not room.is_working)
    assert not room.failures
    assert lesson.test().answers.tolist() == [[4]]


def test_deleted_drawing_is_not_kept_in_memory(lesson: Lesson) -> None:
    lesson.join(4)
    lesson.draw(1, 4, 9)
    assert lesson.test().misread.tolist() == [0, 1]
    lesson.store.classes.take_back_drawing(lesson.now.id, lesson.pupils[0], "d1", 0)
    assert lesson.test().misread.tolist() == [1]
    room = lesson.tests._room(lesson.board)
    assert [int(one.image.max()) for one in room.drawings] == [0, 181]


def test_drawings_that_nobody_asks_for_are_forgotten(lesson: Lesson) -> None:
    lesson.join(4)
    lesson.draw(1, 4)
    lesson.test()
    lesson.clock.forward(601)
    now = dataclasses.replace(lesson.now, id="a" * 32)
    lesson.tests.drawings(dataclasses.replace(lesson.board, now=now, drawings={}))
    assert list(lesson.tests._rooms) == [("a" * 32, "d1")]


def test_damaged_drawing_is_left_out(lesson: Lesson, caplog: pytest.LogCaptureFixture) -> None:
    lesson.join(4)
    lesson.draw(1, 4)
    saved = SavedDrawing(1, 9, False, 0.0, b"damaged")
    lesson.store.classes.hand_in_drawing(lesson.now.id, lesson.pupils[0], "d1", saved)
    lesson.draw(1, 7, first=2)
    with caplog.at_level(logging.ERROR):
        assert [one.drawing.label for one in lesson.test().drawings] == [4, 7]
    assert caplog.text.count("A drawing of a class cannot be read") == 1


def test_newest_networks_read_if_there_are_many(lesson: Lesson, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_core.classes.class_test.MAX_NETWORKS", 2)
    lesson.join(1, 2)
    lesson.join(3)
    lesson.draw(1, 4)
    assert lesson.test().answers.tolist() == [[2], [3]]


def forget_by_others(lesson: Lesson) -> None:
    for number in range(MAX_CLASSES):
        now = dataclasses.replace(lesson.now, id=f"{number:032x}")
        lesson.tests.drawings(dataclasses.replace(lesson.board, now=now, drawings={}))


@pytest.mark.parametrize("forget", [forget_by_others, lambda lesson: lesson.tests.forget(lesson.now.id)])
def test_forgotten_drawings_are_read_again(lesson: Lesson, forget: Callable[[Lesson], None]) -> None:
    lesson.join(4)
    lesson.draw(1, 4)
    before = lesson.test()
    forget(lesson)
    assert (lesson.now.id, "d1") not in lesson.tests._rooms
    assert lesson.test().answers.tolist() == before.answers.tolist()
