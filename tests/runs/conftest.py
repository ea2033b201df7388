"""Fixtures of the tests of runs and of the saver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mnist_core.runs.saver import Saver
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace

MINUTES = 300.0


@pytest.fixture
def workspace() -> str:
    return new_workspace()


@pytest.fixture
def saver(url: str) -> Iterator[Saver]:
    """A saver of a new database; at the end everything must be saved."""
    saver = Saver(RunStore(url), retry_seconds=0.01)
    yield saver
    assert saver.wait_until_saved(MINUTES)
    saver.store.close()
