"""A classical model that learns in the background, in turns with the networks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.config import check_choice
from mnist_core.evaluation.metrics import evaluate_answers
from mnist_core.language import Message
from mnist_core.runs.job import Job, JobSnapshot
from mnist_core.training import Status, classical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mnist_core.data import Dataset, Split
    from mnist_core.training.classical import Answers, Piece, Pixels

# Memory of a model without the pixels: measured on MNIST, 60 MB at most.
_WORK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class ClassicalPoint:
    """A point of the live curve.

    Args:
        done: trees, rounds or images so far.
        accuracy: on the test images, or, for nearest neighbours, on those classified so far; 0 to 1.
    """

    done: int
    accuracy: float


@dataclass(frozen=True, eq=False)
class ClassicalSnapshot(JobSnapshot):
    """What a page shows of a classical model's run. The other fields are those of `JobSnapshot`.

    Args:
        counted: what the points count, such as "trees".
        whole: how many there will be at the end; 0 before the first turn.
        fraction: the part of the work that is done, 0 to 1.
        work_seconds: time of its own turns, without waiting for others, in which `seconds` counts. Making ready comes
            before both.
    """

    points: tuple[ClassicalPoint, ...] = ()
    counted: str = ""
    whole: int = 0
    fraction: float = 0.0
    work_seconds: float = 0.0


class ClassicalRun(Job):
    """One run of a classical model. At the end only its evaluation remains.

    Args:
        kind: a key of `classical.KINDS`.
        dataset: the data it learns from.
        split: a key of `config.SPLITS`.
        is_watched: see `Job`.

    Raises:
        ConfigError: there is no such kind or split.
    """

    memory_remedy = Message("Wait until other runs have ended, or train a small network.")
    _snapshot: ClassicalSnapshot

    def __init__(
        self,
        kind: str,
        dataset: Dataset,
        split: str = "official",
        is_watched: Callable[[], bool] | None = None,
    ) -> None:
        check_choice("kind", kind, classical.KINDS)
        super().__init__(dataset, is_watched)
        self.kind = kind
        self.title = classical.KINDS[kind]
        self.split_name = split
        # Hold the pixels from the start, so that later runs share them.
        self._pixels: Pixels | None = classical.pixels(dataset, split)
        self._split = self._pixels.parts
        self._promised_bytes = _WORK_BYTES + (self._pixels.nbytes if self._pixels.claim() else 0)
        self._pieces: Iterator[Piece] | None = None
        self._answers: Answers | None = None
        self._snapshot = ClassicalSnapshot(counted=classical.COUNTED[kind])
        self._ready_at = 0.0

    def __repr__(self) -> str:
        return f"ClassicalRun({self.kind!r} on {self.dataset.name})"

    @property
    def snapshot(self) -> ClassicalSnapshot:
        """The newest snapshot."""
        return self._snapshot

    @property
    def split(self) -> Split:
        """The images for training and test."""
        return self._split

    @property
    def fraction(self) -> float:
        """The part of the work that is done, 0 to 1."""
        return self._snapshot.fraction

    @property
    def promised_bytes(self) -> int:
        """An estimate of the bytes that it needs. The shared pixels count for the first run only."""
        return self._promised_bytes

    def _advance(self, seconds: float, chunk_seconds: float | None) -> None:
        del chunk_seconds  # Its pieces have a fixed length.
        if self._pieces is None:
            self._pieces = classical.learn(self.kind, self.dataset, self.split_name)
        began = piece_began = time.monotonic()
        is_over = False
        while not is_over:
            piece = next(self._pieces)
            now = time.monotonic()
            self._take(piece, now, now - piece_began)
            is_whole = piece.done == piece.whole
            if is_whole:
                self._end(Status.FINISHED, "")
            # Do another piece only if most of it fits: a run that takes longer now waits longer for its next turn.
            is_over = is_whole or self._stop_wanted or now - began + (now - piece_began) / 2 > seconds
            piece_began = now

    def _take(self, piece: Piece, now: float, work_seconds: float) -> None:
        if not piece.done:
            self._ready_at = now
            self._publish(whole=piece.whole)
            return
        self._answers = piece.answers
        right = piece.answers.argmax(axis=1) == self._split.test_labels[: len(piece.answers)]
        self._publish(
            status=Status.RUNNING,
            points=(*self._snapshot.points, ClassicalPoint(piece.done, float(right.mean()))),
            whole=piece.whole,
            fraction=piece.done / piece.whole,
            seconds=now - self._ready_at,
            work_seconds=self._snapshot.work_seconds + work_seconds,
        )

    def _end_stopped(self, message: str) -> None:
        shot = self._snapshot
        if self._answers is None:
            what = Message("Stopped before it learned anything.")
        else:
            done = shot.points[-1].done
            what = Message(
                "Stopped after {done:,} of {whole:,} {counted}.", done=done, whole=shot.whole, counted=shot.counted
            )
            if len(self._answers) < len(self._split.test_labels):
                self._answers = None
                what = Message("{what} Its accuracy is known only after all test images.", what=what)
        self._end(Status.STOPPED, Message("{message} {what}", message=message, what=what) if message else what)

    def _end(self, status: Status, message: str) -> None:
        answers = self._answers
        self._let_go()
        evaluation = None if answers is None else evaluate_answers(answers, self._split.test_labels)
        self._publish(status=status, evaluation=evaluation, message=message)

    def _fail(self, message: str) -> None:
        self._let_go()
        self._publish(status=Status.FAILED, message=message)

    def _let_go(self) -> None:
        self._pieces = self._pixels = self._answers = None
