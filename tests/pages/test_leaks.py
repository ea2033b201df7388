"""What visitors leave in the server's memory, found by counting objects. At full length: `benchmarks.visitors`."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.drawing import strokes
from mnist_core.runs import run_cache, saver
from pages.widgets.state import data_sets, warmup
from tests.pages.conftest import ROOT
from tests.pages.visitor import answers, button_labels, draw, train_briefly
from tests.scheduled_runs import wait_until

OURS = ("mnist_core.", "pages.", "streamlit.runtime.state.session_state.")
MINUTES = 300.0

pytestmark = pytest.mark.usefixtures("own_saver")


@pytest.fixture(autouse=True)
def warm_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MNIST_DATASET", "embedded")
    monkeypatch.chdir(ROOT)
    run_cache.shared.cache_clear()
    new_visitor()
    warmup.start_warmup().join(MINUTES)  # Python cannot list all objects while another thread makes a tuple.
    assert data_sets.loading_data_set("embedded").done.wait(MINUTES)
    yield
    run_cache.shared.cache_clear()


def new_visitor(page: str = "") -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    if page:
        app.switch_page(page).run()
    assert not app.exception
    return app


def counted() -> Counter[str]:
    gc.collect()
    saver.shared()._has_active()  # The saver forgets runs that are gone at its next heartbeat.
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in map(type, gc.get_objects()))
    return Counter(name for name in names if name.startswith(OURS))


def growth(act: Callable[[], None], before: int = 2, more: int = 3) -> dict[str, int]:
    """How many objects more there are after `more` times than before; the first times fill caches."""
    for _ in range(before):
        act()
    first = counted()
    for _ in range(more):
        act()
    return {kind: count - first[kind] for kind, count in counted().items() if count > first[kind]}


def test_visitors_who_train_and_leave() -> None:
    def visit() -> None:
        app = new_visitor()
        train_briefly(app)
        assert saver.shared().wait_until_saved(MINUTES)

    assert growth(visit) == {}


def test_strokes_on_the_canvas() -> None:
    app = new_visitor("pages/draw.py")
    places = iter(np.linspace(0.3, 0.7, 100))

    def stroke() -> None:
        x = next(places)
        draw(app, strokes.render((np.array([[x, 0.15], [x, 0.85]]),), 20))
        assert answers(app)

    assert growth(stroke, 10, 30) == {}


def test_rounds_of_an_experiment() -> None:
    def play() -> None:
        run_cache.shared.cache_clear()
        app = new_visitor("pages/learn.py")
        app.query_params["step"] = "forest"
        app.run()
        app.radio[0].set_value(0).run()
        app.button(key="start-models").click().run()
        wait_until(lambda: not run_cache.shared().active())
        assert "See its mistakes" in button_labels(app.run())

    assert growth(play, 1, 1) == {}
