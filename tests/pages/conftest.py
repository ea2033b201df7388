"""The app as a new visitor finds it."""

import dataclasses
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import RerunData, RerunException
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.testing.v1 import AppTest

from mnist_core.data import Dataset, datasets
from mnist_core.runs import run_cache, saver, scheduler
from pages.widgets.server import callbacks, garbage
from pages.widgets.state import data_sets
from tests.scheduled_runs import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def _stop_threads_at_the_end() -> Iterator[None]:
    """Stop all threads at the end: Python would abort if one still trains or compiles."""
    yield
    for thread in threading.enumerate():
        if thread.name == "warm-up":
            thread.join()
    _stop_all()


@pytest.fixture(scope="session", autouse=True)
def _no_collecting_thread() -> Iterator[None]:
    """Start no thread that collects garbage: while a page runs here, it would find a mock instead of the server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(garbage, "start_collecting", lambda is_full: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _components_are_looked_for_once() -> Iterator[None]:
    """Streamlit looks through all installed packages for each `AppTest`, which takes a third of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session", autouse=True)
def _finish_presses() -> None:
    """As a server does when it starts."""
    callbacks.finish()


@pytest.fixture
def embedded_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that uses the embedded digits."""
    monkeypatch.setenv("MNIST_DATASET", "embedded")
    monkeypatch.chdir(ROOT)
    data_sets.loading_data_set.clear("mnist")  # Another test may have loaded other images under this name.


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Data sets of 600 images to train on, for tests that do not ask how well."""
    load = datasets.load

    def load_few(name: str, directory: Any = None, progress: Any = None) -> Dataset:
        whole = load("embedded", directory, progress)
        assert whole.train_groups is not None
        few = (whole.train_images[:600], whole.train_labels[:600], whole.train_groups[:600])
        return dataclasses.replace(whole, name=name, train_images=few[0], train_labels=few[1], train_groups=few[2])

    monkeypatch.setattr(datasets, "load", load_few)
    data_sets.loading_data_set.clear()
    yield
    data_sets.loading_data_set.clear()


@pytest.fixture
def app(embedded_digits: None) -> AppTest:
    """A new visitor on the Train page of a server that uses the embedded digits."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.session_state["more-settings"] = True  # AppTest cannot open a popover.
    return app.run()


@pytest.fixture
def own_saver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A separate saver and database, of each kind for a test that uses `url`; at its end active runs are stopped."""
    has_url = "url" in request.fixturenames
    url = request.getfixturevalue("url") if has_url else f"sqlite:///{tmp_path / 'runs.db'}"
    monkeypatch.setenv("DATABASE_URL", url)
    saver._made.cache_clear()
    yield
    _stop_all()
    if has_url:  # A server has room for a hundred connections.
        saver.close_shared(60)
        saver.shared().store.close()
    saver._made.cache_clear()


@pytest.fixture
def no_shared_runs() -> Iterator[None]:
    """A server without runs of the Learn page. Active ones are stopped after the test."""
    run_cache.shared.cache_clear()
    yield
    for run in run_cache.shared().active():
        scheduler.shared().stop(run)
    wait_until(lambda: not run_cache.shared().active())


def _stop_all() -> None:
    runs = list(scheduler.shared()._runs)
    for run in runs:
        scheduler.shared().stop(run)
    # A run that does a single step counts as paused, although its program may still be compiling.
    wait_until(lambda: not any(run.snapshot.status.is_active for run in runs))


@pytest.fixture
def compare(app: AppTest) -> AppTest:
    """A new visitor on the Compare page, after the digits are loaded."""
    assert data_sets.loading_data_set("embedded").done.wait(300)
    return app.switch_page("pages/compare.py").run()


@pytest.fixture
def is_taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A press was taken. At its next use of the session state the script ends, as if the browser had asked again."""
    taken, interrupted = threading.Event(), threading.Event()

    def interrupt(self: ScriptRunner) -> None:
        if self._is_in_script_thread() and taken.is_set() and not interrupted.is_set():
            interrupted.set()
            raise RerunException(RerunData(widget_states=None))

    with monkeypatch.context() as patch:
        patch.setattr(ScriptRunner, "_maybe_handle_execution_control_request", interrupt)
        yield taken
    assert interrupted.is_set()
