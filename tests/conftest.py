"""What all tests share."""

import pytest
from hypothesis import settings

# Helpers that assert, so that a failure there shows its values too.
pytest.register_assert_rewrite("tests.turns", "tests.events")

# A busy machine is no reason to fail: speed is measured in benchmarks.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
