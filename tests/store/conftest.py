"""Fixtures of the tests of the store."""

import pytest

from tests.stored_runs import Clock


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves by hand."""
    return Clock()
