"""Where a misconception arises, the page links to the step that tries it out."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from mnist_core.lessons.misconceptions import MISCONCEPTIONS
from mnist_core.runs import saver
from tests.pages.visitor import train_briefly


def links(app: AppTest) -> set[str]:
    """The steps that links on the page lead to."""
    found = [link.proto for link in app.get("page_link")]
    return {link.query_string.removeprefix("step=") for link in found}


def step_of(key: str) -> str:
    return MISCONCEPTIONS[key].step


def test_draw_page(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    assert links(app) == {step_of("sure")}


def test_table_of_runs(own_saver: None, app: AppTest) -> None:
    train_briefly(app)
    assert saver.shared().wait_until_saved(60)
    app.switch_page("pages/compare.py").run()
    assert step_of("wears-out") in links(app)


def test_run_that_reads_all_of_its_training_images(app: AppTest) -> None:
    assert links(app) == set()
    run = train_briefly(app)
    last = run.snapshot.epochs[-1].accuracy
    assert (step_of("perfect") in links(app)) == (last >= 0.995)
