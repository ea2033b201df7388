"""A class in the database of a server, whose pages a test looks at."""

from __future__ import annotations

from collections.abc import Sequence

from mnist_core.classes import Ask, Draw, Task, Train, config_for, to_json, wanted
from mnist_core.data import datasets
from mnist_core.drawing import test_set
from mnist_core.network import TrainedNetwork
from mnist_core.store.class_records import MAX_DRAWING_BYTES, OPEN, READY, Class, seat_token, wall_token
from mnist_core.store.handed_in import SavedDrawing
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from tests.stored_runs import save_run

NAMES = ("curious octopus", "patient dolphin", "amber cheetah")
ACCURACIES = (0.961, 0.957, 0.948)


class Lesson:
    """A class that the test leads by the server's own database. Three students have handed in everything.

    In the first round of each vote they choose three different answers, in the second one all choose the right one.
    """

    def __init__(self, store: RunStore, plan: Sequence[Task]) -> None:
        self._store, self._plan = store, tuple(plan)
        self._classes, self._teacher = store.classes, new_workspace()
        self.now: Class = self._classes.create(self._teacher, "", to_json(self._plan), plan[0].id)
        self._students, names = [new_workspace() for _name in NAMES], iter(NAMES)
        self.networks: list[TrainedNetwork] = []
        for student in self._students:
            self._classes.join(self.now.id, seat_token(student), lambda _taken: next(names))
        for at, task in enumerate(self._plan):
            if isinstance(task, Ask):
                self._vote(at, task)
            elif isinstance(task, Train):
                self._train(at, task)
            elif isinstance(task, Draw):
                self._draw(at, task)
        self.move(0, READY)

    @property
    def wall_token(self) -> str:
        """It opens the wall."""
        return wall_token(self._teacher, self.now.id)

    def move(self, at: int, phase: str, round_: int = 1, paused: bool = False) -> None:
        """Move as the teacher does."""
        changes = {"at": at, "task": self._plan[at].id, "phase": phase, "round": round_, "paused": paused}
        self.now = self._classes.move(self._teacher, self.now.id, self.now.revision, **changes)

    def _vote(self, at: int, task: Ask) -> None:
        for round_ in (1, 2):
            self.move(at, OPEN, round_)
            for place, student in enumerate(self._students):
                choice = place if round_ == 1 else 0
                self._classes.vote(self.now.id, seat_token(student), task.id, round_, choice)

    def _train(self, at: int, task: Train) -> None:
        self.move(at, OPEN)
        for seat, (student, accuracy) in enumerate(zip(self._students, ACCURACIES, strict=True), 1):
            run, own, config = f"{task.id}-{seat}", seat_token(student), config_for(task, seat)
            state = save_run(self._store, student, run, 3, config=config, validation_accuracy=accuracy)
            self.networks.append(TrainedNetwork(config, state.weights))
            self._classes.guess(self.now.id, own, task.id, accuracy)
            self._classes.hand_in_run(self.now.id, own, task.id, student, run)

    def _draw(self, at: int, task: Draw) -> None:
        self.move(at, OPEN)
        dataset = datasets.load("embedded")
        for n, label in enumerate(wanted(task)):
            image = dataset.test_images[dataset.test_labels == label][0]
            drawing = SavedDrawing(n, label, False, 0.0, test_set.pack(image, (), MAX_DRAWING_BYTES))
            for student in self._students:
                self._classes.hand_in_drawing(self.now.id, seat_token(student), task.id, drawing)
