"""Each visitor reads the pages in their own language; what is saved, shared or exported stays English."""

from __future__ import annotations

import json

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnist_core.export import keras_script, report
from mnist_core.language import gettext as _
from mnist_core.language import messages, speaking
from mnist_core.lessons import faults
from mnist_core.lessons.courses import COURSES
from mnist_core.training import Status
from pages.widgets.state import saved_runs, visitor_language
from tests.pages import visitor
from tests.pages.marked_texts import Marked, unmarked
from tests.pages.own_runs import SOFTMAX, WIDE, digits, train_runs
from tests.scheduled_runs import wait_for_status

FOLDED = (
    *("own", "own-drawn", "why", "way", "doctor", "alike", "home", "share", "code", "recovery", "share-run", "by-keys"),
    "more-settings",
)


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each text is marked."""
    translations = Marked()
    monkeypatch.setattr(messages, "translations", lambda language: translations)


def unfolded(app: AppTest, page: str, **query: str) -> AppTest:
    """A page with everything unfolded, in a new session."""
    digits()
    new = visitor.new_session(app, f"pages/{page}.py", **query)
    for name in FOLDED:
        new.session_state[name] = True
    return new.run()


@pytest.mark.usefixtures("marked", "own_saver")
@pytest.mark.parametrize("page", ["train", "evaluate", "draw", "compare", "data", "classroom"])
def test_every_text_of_a_page_goes_through_gettext(app: AppTest, page: str) -> None:
    train_runs(app, SOFTMAX, WIDE)
    shown = unfolded(app, page)
    assert not shown.exception
    assert unmarked(shown) == []


@pytest.mark.usefixtures("marked", "own_saver")
def test_every_text_about_a_drawing_goes_through_gettext(app: AppTest) -> None:
    train_runs(app, WIDE)
    drawing = np.full((200, 200, 4), 255, np.uint8)
    drawing[20:40, 30:34, :3] = drawing[25:28, 60:90, :3] = 120  # Small, faint, off the centre, two pieces.
    drawing[150, 150, :3] = 200
    shown = visitor.draw(unfolded(app, "draw"), drawing)
    assert not shown.exception
    assert unmarked(shown) == []


@pytest.mark.usefixtures("marked", "own_saver", "no_shared_runs")
@pytest.mark.parametrize("course", list(COURSES))
def test_every_text_of_a_course_goes_through_gettext(app: AppTest, course: str) -> None:
    shown = unfolded(app, "learn")
    for step in COURSES[course].steps:
        shown.query_params["step"] = step.key
        shown.run()
        if step.question is not None:
            shown.radio(key=f"answer-{step.key}").set_value(1).run()
        assert not shown.exception
        assert unmarked(shown) == [], step.key


@pytest.mark.usefixtures("marked", "own_saver", "no_shared_runs")
@pytest.mark.parametrize("view", ["tutorials", "check", "glossary"])
def test_every_text_of_a_view_goes_through_gettext(app: AppTest, view: str) -> None:
    assert unmarked(unfolded(app, "learn", view=view)) == []


@pytest.mark.usefixtures("marked", "own_saver", "no_shared_runs")
def test_every_text_of_a_case_goes_through_gettext(app: AppTest) -> None:
    number = faults.NUMBERED.index("dead") + 1
    shown = unfolded(app, "learn", lab=str(number))
    assert unmarked(shown) == []
    visitor.press(shown, "⟦Start⟧")
    wait_for_status(shown.session_state["lab-run-noted"][1], Status.FINISHED)
    shown.run()
    for answer in ("low", "dead"):
        shown.radio(key=f"lab-choice-{number}").set_value(answer).run()
        if answer == "low":
            visitor.press(shown, "⟦A hint⟧")
        assert not shown.exception
        assert unmarked(shown) == [], answer


@pytest.mark.usefixtures("marked")
def test_text_that_is_not_translated_is_found() -> None:
    def page() -> None:
        import streamlit as st

        from mnist_core.language import gettext as _

        st.title(_("Draw a digit"))
        st.button("Clear all", help=_("Clear"))
        st.selectbox(_("Network"), ["first one", "ReLU"])
        st.markdown(f"**{_('Network')}** and")

    assert unmarked(AppTest.from_function(page).run()) == ["Clear all", "first one", "**⟦Network⟧** and"]


def title(app: AppTest) -> str:
    return str(app.title[0].value)


def in_language(language: str, text: str) -> str:
    with speaking(language):
        return _(text)


TITLE = "Build a network, watch it learn"


@pytest.mark.parametrize("language", ["de", "es"])
def test_language_in_the_address(app: AppTest, language: str) -> None:
    shown = visitor.new_session(app, language=language)
    assert title(shown) == in_language(language, TITLE) != TITLE
    assert shown.selectbox(key="language").value == language


def test_unknown_language_in_the_address_is_english(app: AppTest) -> None:
    assert title(visitor.new_session(app, language="xx")) == TITLE


def test_language_of_the_browser(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(st.context), "locale", property(lambda _self: "de-AT"))
    assert title(visitor.new_session(app)) == in_language("de", TITLE)


def test_choice_of_an_earlier_visit_goes_before_the_browser(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(st.context), "locale", property(lambda _self: "de-AT"))
    monkeypatch.setattr(type(st.context), "cookies", property(lambda _self: {visitor_language.COOKIE: "es"}))
    assert title(visitor.new_session(app)) == in_language("es", TITLE)


def test_choice_in_the_menu_stays_on_other_pages(app: AppTest) -> None:
    shown = visitor.new_session(app, language="de")
    with speaking("de"):  # AppTest formats choices in this thread.
        shown.selectbox(key="language").set_value("es").run()
    assert title(shown) == in_language("es", TITLE)
    assert shown.query_params["language"] == "es"
    with speaking("es"):
        assert title(shown.switch_page("pages/draw.py").run()) == in_language("es", "Draw a digit")


@pytest.mark.usefixtures("own_saver")
def test_saved_title_is_english_and_shown_translated(app: AppTest) -> None:
    (run,) = train_runs(app, WIDE)
    saved_runs.store().rename(app.session_state["workspace"], run.id, "Built-in network")
    with speaking("es"):
        new = visitor.new_session(app, language="es").switch_page("pages/evaluate.py").run()
    shown = in_language("es", "Built-in network")
    assert any(shown in option for option in new.selectbox(key="run-choice").options)


@pytest.mark.usefixtures("own_saver")
def test_exports_are_english(app: AppTest) -> None:
    (run,) = train_runs(app, WIDE)
    english = report.report("A", run.config, run.dataset, run.snapshot)
    script = keras_script.keras_script(run.config)
    with speaking("de"):
        assert report.report("A", run.config, run.dataset, run.snapshot) == english
        assert keras_script.keras_script(run.config) == script
        assert report.history_csv(run.snapshot.epochs) == report.history_csv(run.snapshot.epochs)


def _chart() -> None:
    from mnist_core.charts.answers import answer_bars
    from mnist_core.language import speaking
    from pages.widgets.common import vega_chart

    for language in ("en", "de"):
        with speaking(language):
            vega_chart.vega_chart(
                {**answer_bars(), "config": {"bar": {"size": 9}}, "data": {"values": []}}, alt=language
            )


def test_charts_write_numbers_in_the_language_of_the_page() -> None:
    english, german = AppTest.from_function(_chart).run().get("vega_lite_chart")
    configs = [json.loads(chart.proto.spec)["config"] for chart in (english, german)]
    assert [one["locale"]["number"]["percent"] for one in configs] == ["%", "\xa0%"]
    assert [one["locale"]["number"]["decimal"] for one in configs] == [".", ","]
    assert [one["bar"] for one in configs] == [{"size": 9}] * 2
