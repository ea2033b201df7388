"""Fixtures that all tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from mnist_core.runs.scheduler import Scheduler
from mnist_core.training import loop
from tests import mirror, postgres, programs
from tests.small_files import PACKED

# Helpers that assert, so that a failure there shows its values too.
pytest.register_assert_rewrite("tests.scheduled_runs", "tests.events", "tests.stored_runs")

# A busy machine is no reason to fail: speed is measured in benchmarks.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def _own_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What pages keep goes into a database of the tests' own; each visitor has a workspace in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", f"sqlite:///{tmp_path_factory.mktemp('kept') / 'runs.db'}")
        yield


@pytest.fixture
def scheduler() -> Scheduler:
    """A scheduler with real workers."""
    return Scheduler()


@pytest.fixture
def by_hand() -> Scheduler:
    """A scheduler whose turns the test takes itself."""
    return Scheduler(workers=0)


@pytest.fixture
def one_point_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of one point, however fast the computer is."""
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 0.0)


@pytest.fixture
def good_mirror() -> Iterator[mirror.Mirror]:
    """A mirror that serves the small files as they should be."""
    with mirror.running(PACKED) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    """A PostgreSQL server."""
    with postgres.running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a new database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'runs.db'}"
    return str(request.getfixturevalue("postgres_server").new_schema())


@pytest.fixture
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """The addresses of new databases, one of each kind: for a test that would otherwise do slow work twice."""
    found = [f"sqlite:///{tmp_path / 'runs.db'}"]
    if postgres.find_programs() or programs.in_ci():
        found.append(request.getfixturevalue("postgres_server").new_schema())
    return found
