"""The app as a new visitor finds it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.runs import saver, scheduler
from pages.widgets.state import data_sets
from tests.scheduled_runs import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def _nothing_under_way_at_the_end() -> Iterator[None]:
    """A thread that trains or compiles while Python ends would end it with an abort."""
    yield
    for thread in threading.enumerate():
        if thread.name == "warm-up":
            thread.join()
    _stop_all()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A new visitor on the Train page of a server that uses the embedded digits."""
    monkeypatch.setenv("MNIST_DATASET", "embedded")
    monkeypatch.chdir(ROOT)
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


@pytest.fixture
def own_saver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A keeper of this test's own, with a database of its own; what the test leaves under way is stopped."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'runs.db'}")
    saver._made.cache_clear()
    yield
    _stop_all()
    saver._made.cache_clear()


def _stop_all() -> None:
    runs = list(scheduler.shared()._runs)
    for run in runs:
        scheduler.shared().stop(run)
    # One that does a single step counts as paused, though it may be compiled at this moment.
    wait_until(lambda: not any(run.snapshot.status.is_active for run in runs))


@pytest.fixture
def compare(app: AppTest) -> AppTest:
    """A new visitor on the Compare page, when the digits are there."""
    assert data_sets.loading_data_set("embedded").done.wait(300)
    return app.switch_page("pages/compare.py").run()
