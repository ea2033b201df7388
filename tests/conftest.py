"""Fixtures that all tests share."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from mnist_core.data import embedded
from mnist_core.runs.scheduler import Scheduler
from mnist_core.store.database import Database
from mnist_core.training import loop
from tests import mirror, outage, postgres, programs
from tests.small_files import PACKED

# These helpers contain assertions: a failure in them shows its values too.
pytest.register_assert_rewrite("tests.scheduled_runs", "tests.events", "tests.stored_runs")

# No time limits: a busy machine must not fail a test, and benchmarks measure speed.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest test first: as the last one it would keep one of two processes busy for minutes."""
    items.sort(key=lambda item: item.path.name != "test_recipes.py")


@pytest.fixture(scope="session", autouse=True)
def _embedded_digits_are_made_once() -> Iterator[None]:
    """They are the same at each call, read-only, and take a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded, "make", functools.cache(embedded.make))
        yield


@pytest.fixture(scope="session", autouse=True)
def _own_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Use one database for all page tests; each visitor has their own workspace in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", f"sqlite:///{tmp_path_factory.mktemp('database') / 'runs.db'}")
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
    """Chunks of one point, even on a fast computer."""
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 0.0)


@pytest.fixture
def good_mirror() -> Iterator[mirror.Mirror]:
    """A mirror that serves the small files correctly."""
    with mirror.running(PACKED) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    """A PostgreSQL server."""
    with postgres.running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new database; the test runs once for each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'runs.db'}"
    else:
        with request.getfixturevalue("postgres_server").new_schema() as url:
            yield url


@pytest.fixture
def away(request: pytest.FixtureRequest, url: str) -> Callable[[Database], contextlib.AbstractContextManager[None]]:
    """Takes the database at `url` away for a while: its server is stopped, or its folder is gone."""
    if url.startswith("sqlite"):
        return outage.without_folder
    server: postgres.Postgres = request.getfixturevalue("postgres_server")
    return lambda _database: server.away()


@pytest.fixture
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """The URLs of new databases, one of each kind. Use it for slow work that need not run twice."""
    found = [f"sqlite:///{tmp_path / 'runs.db'}"]
    with contextlib.ExitStack() as stack:
        if postgres.find_programs() or programs.in_ci():
            found.append(stack.enter_context(request.getfixturevalue("postgres_server").new_schema()))
        yield found
