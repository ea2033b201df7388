"""The plans that run as they are."""

from __future__ import annotations

import pytest

from mnist_core.classes import Draw, Look, Train, config_of, from_json, question_of, to_json
from mnist_core.classes.plan import Ask
from mnist_core.classes.ready_plans import READY_PLANS
from mnist_core.network import step_flops


@pytest.mark.parametrize("key", READY_PLANS)
def test_plan_is_one(key: str) -> None:
    plan = READY_PLANS[key].tasks
    assert from_json(to_json(plan)) == plan
    assert all(question_of(task).right == 0 for task in plan if isinstance(task, Ask))
    assert any(isinstance(task, Train) for task in plan)
    assert any(isinstance(task, Draw) for task in plan)
    assert plan[-1] == Look("end", "summary")


@pytest.mark.parametrize("key", READY_PLANS)
def test_goal_can_be_reached_by_what_is_free(key: str) -> None:
    """A goal for parameters needs free layers, and is above what a network without a hidden layer has."""
    for task in READY_PLANS[key].tasks:
        if isinstance(task, Train) and task.parameters is not None:
            assert "layers" in task.free
            assert task.parameters > 784 * 10 + 10


@pytest.mark.parametrize("key", READY_PLANS)
def test_network_is_small_enough_for_thirty_at_once(key: str) -> None:
    for task in READY_PLANS[key].tasks:
        if isinstance(task, Train):
            config = config_of(task)
            steps = config.epochs * 48_000 / config.batch_size
            # Multiplications of a whole run: less than a tenth of Morgan's 512 units for ten epochs.
            assert steps * step_flops(config) < 0.1 * 10 * 60_000 * 2 * 3 * (784 * 512 + 512 * 10)
