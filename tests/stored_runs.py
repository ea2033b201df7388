"""Generated runs to save in a store, and checks that they are loaded unchanged."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from mnist_core.config import RunConfig
from mnist_core.evaluation import Evaluation
from mnist_core.evaluation.metrics import evaluate_answers
from mnist_core.network import TrainedNetwork
from mnist_core.network.layers import weight_shapes
from mnist_core.store.records import StoredRun
from mnist_core.store.runs import RunStore
from mnist_core.training import EpochMetrics, Progress, RateChanged, Status, TrainingState, engine
from tests.samples import blobs, small


class Clock:
    """A clock that the test moves by hand."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


def random_arrays(shapes: Any, seed: int) -> tuple[Any, ...]:
    random = np.random.default_rng(seed)
    return tuple(random.normal(size=shape).astype(np.float32) for shape in shapes)


def state_after(config: RunConfig, epochs: int, best: bool = False) -> TrainingState:
    """Return a state with all optional parts, and numbers that an imprecise format would round."""
    shapes = weight_shapes(config.layers)
    slots = [slot.shape for slot in engine.initial_slots(config)]
    third = 1 / 3
    return TrainingState(
        random_arrays(shapes, 10 * epochs),
        random_arrays(slots, 10 * epochs + 1),
        10 * epochs,
        tuple(
            EpochMetrics(i, third / i, 1 - third / i, None, None, 0.1)
            if not config.validation_fraction
            else EpochMetrics(i, third / i, 1 - third / i, 2 * third / i, 5e-324, 0.1)
            for i in range(1, epochs + 1)
        ),
        random_arrays(shapes, 10 * epochs + 2) if best else None,
        (RateChanged(1, 3, 0.1 + 0.2),) if epochs else (),
    )


def curve_points(epochs: int) -> tuple[Progress, ...]:
    return tuple(
        Progress(epoch, step, 1 / (epoch + step), step / 30, 1e5 / 3, None)
        for epoch in range(1, epochs + 1)
        for step in range(1, 11)
    )


def as_tuples(points: Iterable[Progress]) -> list[tuple[object, ...]]:
    """Return points as tuples, which can be compared."""
    return [dataclasses.astuple(point) for point in points]


def random_evaluation(count: int = 90) -> Evaluation:
    answers = np.random.default_rng(5).dirichlet(np.ones(10), count).astype(np.float32)
    return evaluate_answers(answers, blobs().test_labels[:count])


def save_run(
    store: RunStore, workspace: str, run_id: str, epochs: int = 1, status: Status | None = Status.FINISHED, **of: Any
) -> TrainingState:
    """Save a run of `epochs` epochs that ended with `status`; None leaves it active.

    With `validation_accuracy`, that is what it has after each of them.
    """
    config, accuracy = of.pop("config", small(epochs=10)), of.pop("validation_accuracy", None)
    store.create(workspace, run_id, config, blobs(), **of)
    state = state_after(config, epochs)
    if accuracy is not None:
        history = tuple(dataclasses.replace(one, validation_accuracy=accuracy) for one in state.history)
        state = dataclasses.replace(state, history=history)
    store.save_epoch(workspace, run_id, state, curve_points(epochs), 1.5)
    if status is not None:
        store.finish(workspace, run_id, status, network=TrainedNetwork(config, state.weights))
    return state


def run_ids(store: RunStore, workspace: str) -> list[str]:
    return sorted(run.id for run in store.list(workspace))


def assert_same_arrays(ours: Any, theirs: Any) -> None:
    assert [array.dtype for array in ours] == [array.dtype for array in theirs]
    assert [array.shape for array in ours] == [array.shape for array in theirs]
    assert [array.tobytes() for array in ours] == [array.tobytes() for array in theirs]


def assert_same_state(ours: TrainingState | None, theirs: TrainingState) -> None:
    assert ours is not None
    assert_same_arrays(ours.weights, theirs.weights)
    assert_same_arrays(ours.slots, theirs.slots)
    assert (ours.best_weights is None) == (theirs.best_weights is None)
    assert_same_arrays(ours.best_weights or (), theirs.best_weights or ())
    assert (ours.step, ours.history, ours.rates) == (theirs.step, theirs.history, theirs.rates)


def assert_same_evaluation(ours: Evaluation | None, theirs: Evaluation) -> None:
    assert ours is not None
    assert (ours.loss, ours.accuracy, ours.per_class) == (theirs.loss, theirs.accuracy, theirs.per_class)
    for name in ("confusion", "probabilities", "labels", "predicted", "mistakes"):
        assert_same_arrays([getattr(ours, name)], [getattr(theirs, name)])


def assert_unchanged(before: StoredRun, after: StoredRun) -> None:
    assert after.summary == before.summary
    assert before.state is not None
    assert_same_state(after.state, before.state)


@contextlib.contextmanager
def after_statement(of: str, work: Callable[[], None]) -> Iterator[None]:
    """Call `work` once, right after the first SQL statement that contains `of`."""
    waiting = [work]

    def look(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if of in statement and waiting:
            waiting.pop()()

    sa.event.listen(Engine, "after_cursor_execute", look)
    try:
        yield
    finally:
        sa.event.remove(Engine, "after_cursor_execute", look)
    assert not waiting


def execute_sql(url: str, statement: str, **values: object) -> list[Any]:
    """Execute an SQL statement directly, without the store; return its rows."""
    engine_ = sa.create_engine(url, poolclass=sa.NullPool)
    with engine_.begin() as connection:
        result = connection.execute(sa.text(statement), values)
        return list(result) if result.returns_rows else []
