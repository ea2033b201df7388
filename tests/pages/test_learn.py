"""The Learn page without a browser: courses, answers, the check, the tutorials' figures and the fault lab."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core import training
from mnist_core.errors import TrainingError
from mnist_core.lessons import articles, check, faults
from mnist_core.lessons.course import RIGHT
from mnist_core.lessons.courses import COURSES, find_step, step_of
from mnist_core.lessons.glossary import GLOSSARY
from mnist_core.runs import run_cache, saver, scheduler
from mnist_core.runs.classical_run import ClassicalRun
from mnist_core.runs.network_run import Run
from mnist_core.store.runs import RunStore
from mnist_core.training import Status
from pages.widgets.common import live_frame, replays
from pages.widgets.learn import lessons, published
from pages.widgets.state import data_sets, keys, own_work
from tests.pages.conftest import ROOT
from tests.pages.visitor import button_labels, new_session, press
from tests.scheduled_runs import wait_for_status, wait_until

pytestmark = pytest.mark.usefixtures("no_shared_runs")


@pytest.fixture
def learn(app: AppTest) -> AppTest:
    """A new visitor on the Learn page."""
    return app.switch_page("pages/learn.py").run()


@pytest.fixture
def another(learn: AppTest) -> AppTest:
    """Another visitor of the same server, also on the Learn page."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().switch_page("pages/learn.py").run()


def workspace_store() -> RunStore:
    assert saver.shared().wait_until_saved(30)
    return saver.shared().store


def view(app: AppTest, name: str) -> AppTest:
    app.session_state["learn-view"] = name
    return app.run()


def course(app: AppTest, key: str) -> AppTest:
    app.session_state["course"] = key
    return app.run()


def go_to(app: AppTest, step: str) -> AppTest:
    """Follow a link to a step."""
    app.query_params["step"] = step
    return app.run()


def heading_of(step: str) -> str:
    found = find_step(step)
    assert found is not None
    return f"{found[1] + 1}. {step_of(step).title}"


def why_of(step: str) -> str:
    question = step_of(step).question
    assert question is not None
    return question.why


def answer(app: AppTest, choice: int = RIGHT) -> AppTest:
    return app.radio[0].set_value(choice).run()


def run_until(app: AppTest, words: str) -> None:
    """Poll as the browser does, until the page shows these words."""

    def is_shown() -> bool:
        app.run()
        return any(words in box.value for box in (*app.success, *app.info, *app.warning, *app.markdown))

    wait_until(is_shown)


def test_every_activity_is_used() -> None:
    named = {step.activity for course in COURSES.values() for step in course.steps} - {"", "check"}
    assert named == set(lessons.ACTIVITIES)


SHARED_VIEWS = ("file", "one_image", "tensor", "matrices")
"""Activities that show views of other pages."""


def alternative_texts(app: AppTest) -> list[str]:
    """The alternative texts of charts and images."""
    charts = [chart.proto.alt for chart in app.get("vega_lite_chart")]
    return charts + [picture.alt for image in app.get("image") for picture in image.proto.imgs]


@pytest.mark.parametrize("key", COURSES)
def test_explanation_after_the_answer(learn: AppTest, key: str) -> None:
    course(learn, key)
    steps = COURSES[key].steps
    for number, step in enumerate(steps):
        assert not learn.exception
        assert learn.subheader[0].value == f"{number + 1}. {step.title}"
        assert "".join(learn.query_params["step"]) == step.key
        assert not learn.success
        if step.question is not None:
            # Nothing is shown before the answer.
            assert not alternative_texts(learn)
            assert "Start" not in button_labels(learn)
            answer(learn)
            if step.has_runs:
                assert "Start" in button_labels(learn)
                assert not learn.success
            else:
                assert step.question.why in learn.success[0].value
                if step.activity not in SHARED_VIEWS:
                    assert all(len(text) > 10 for text in alternative_texts(learn))
        if number + 1 < len(steps):
            press(learn, "Next")
    assert not learn.exception
    answers = learn.session_state["own-work-noted"]
    asked = {step.key for step in steps if step.question is not None}
    assert answers.answers.value.first == dict.fromkeys(asked, RIGHT)
    # Steps with runs stay open until the visitor has seen the runs.
    assert answers.answers.value.seen == {step.key for step in steps if step.question is not None and not step.has_runs}


def test_wrong_answer(learn: AppTest) -> None:
    question = COURSES["how"].steps[0].question
    assert question is not None
    for place, wrong in enumerate(question.wrong, 1):
        answer(learn, place)
        assert not learn.success
        assert learn.warning[0].value.startswith(f"**Not quite.** {wrong.reply}")
        assert f"The right answer: {question.right}." in learn.warning[0].value
        assert question.why in learn.warning[0].value


def test_right_answer(learn: AppTest) -> None:
    answer(learn)
    assert learn.success[0].value.startswith("**Right!**")


def test_choices_in_the_visitors_order(learn: AppTest) -> None:
    question = COURSES["how"].steps[0].question
    assert question is not None
    order = question.shuffled(learn.session_state["workspace"])
    assert learn.radio[0].options == [question.choices[place] for place in order]


def test_first_answer_counts(learn: AppTest) -> None:
    for choice in (1, RIGHT):
        answer(learn, choice)
    assert learn.session_state["own-work-noted"].answers.value.first == {"examples": 1}
    assert learn.selectbox(key="contents-how").options[0].startswith("✗ 1.")


def test_later_answer_is_not_saved(learn: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(learn, 1)
    saved: list[str] = []
    monkeypatch.setattr(own_work, "save", lambda name, _: saved.append(name))
    answer(learn, RIGHT)
    assert saved == []
    press(learn, "Next")
    answer(learn, RIGHT)
    assert set(saved) == {"answers"}


def test_minutes_in_the_menu(learn: AppTest) -> None:
    options = learn.selectbox(key="contents-how").options
    assert all(
        option.endswith(f" ({step.minutes} min)") for option, step in zip(options, COURSES["how"].steps, strict=True)
    )


def test_words_of_a_step(learn: AppTest) -> None:
    go_to(learn, "neuron")
    shown = next(text.value for text in learn.markdown if "**bias**: " in text.value)
    assert "**weight**: " in shown
    assert "**pooling**" not in shown


def test_glossary(app: AppTest) -> None:
    app.query_params["view"] = "glossary"
    app.switch_page("pages/learn.py").run()
    assert len(app.markdown[-1].value.splitlines()) == 2 + len(GLOSSARY)
    app.text_input(key="glossary-search").set_value("Epoch").run()
    assert "| **epoch** |" in app.markdown[-1].value
    assert len(app.markdown[-1].value.splitlines()) < 10
    app.text_input(key="glossary-search").set_value("xyz").run()
    assert "No such word" in app.caption[-1].value


def test_end_of_a_course(learn: AppTest) -> None:
    steps = COURSES["published"].steps
    for number, step in enumerate(steps):
        go_to(learn, step.key)
        answer(learn, 1 if number == 0 else RIGHT)
        if "Start" in button_labels(learn):
            press(learn, "Start")
        run_until(learn, why_of(step.key))
    done = learn.success[-1].value
    assert f"right in {len(steps) - 1} of {len(steps)} steps" in done
    assert all(sentence in done for sentence in COURSES["published"].known)
    table = next(text.value for text in learn.markdown if "Your first answer" in text.value)
    question = steps[0].question
    assert question is not None
    assert f"| {question.wrong[0].text} | {question.right} |" in table
    press(learn, "Next: the fault lab")
    assert learn.session_state["learn-view"] == "Fault lab"


def test_way_to_the_next_course(learn: AppTest) -> None:
    go_to(learn, "check")
    for key in check.ITEMS:
        learn.radio(key=f"check-after-{key}").set_value(RIGHT)
    learn.run()
    press(learn, "Hand in")
    assert "Still open: step 1, 2, 3, 4, 5, 6, 7, 8." in learn.info[-1].value
    press(learn, f"Next: {COURSES['better'].name}")
    assert learn.subheader[0].value == f"1. {COURSES['better'].steps[0].title}"


def test_check_before_and_after(own_saver: None, learn: AppTest) -> None:
    press(learn, "First check what you know already")
    assert learn.query_params["view"] == "check"
    answers = [1, *[RIGHT] * (len(check.ITEMS) - 1)]
    for key, place in zip(check.ITEMS, answers, strict=True):
        assert learn.button[0].disabled
        learn.radio(key=f"check-before-{key}").set_value(place).run()
    shown = " ".join(text.value for text in (*learn.markdown, *learn.success, *learn.info))
    assert not any(item.why in shown for item in check.ITEMS.values())
    press(learn, "Hand in")
    assert "saved" in learn.success[0].value
    assert not learn.metric
    assert not learn.radio
    press(learn, "Take it again now")
    for key in check.ITEMS:
        learn.radio(key=f"check-after-{key}").set_value(RIGHT).run()
    press(learn, "Hand in")
    assert [(one.label, one.value) for one in learn.metric] == [
        ("Before the course", "9 of 10"),
        ("After the course", "10 of 10"),
    ]
    assert len(learn.expander) == len(check.ITEMS)
    assert not learn.radio
    counts = workspace_store().checks.counts()
    first = next(iter(check.ITEMS))
    assert counts["before", first, 1] == 1
    assert counts["after", first, RIGHT] == 1
    assert sum(counts.values()) == 2 * len(check.ITEMS)

    again = new_session(learn, "pages/learn.py", view="check")
    assert len(again.metric) == 2


def test_check_that_another_tab_handed_in(own_saver: None, learn: AppTest) -> None:
    press(learn, "First check what you know already")
    for key in check.ITEMS:
        learn.radio(key=f"check-before-{key}").set_value(RIGHT).run()
    other = new_session(learn, "pages/learn.py", view="check")
    for key in check.ITEMS:
        other.radio(key=f"check-before-{key}").set_value(1).run()
    press(other, "Hand in")
    press(learn, "Hand in")
    assert not learn.exception
    assert sum(workspace_store().checks.counts().values()) == len(check.ITEMS)


def test_step_in_the_address(app: AppTest) -> None:
    app.query_params["step"] = "loss"
    app.switch_page("pages/learn.py").run()
    assert app.subheader[0].value == heading_of("loss")
    press(app, "Next")
    assert "".join(app.query_params["step"]) == "overfitting"


def test_step_of_an_earlier_version_in_the_address(app: AppTest) -> None:
    app.query_params["course"], app.query_params["step"] = "morgan", "7"
    app.switch_page("pages/learn.py").run()
    assert app.subheader[0].value == heading_of("loss")
    assert "".join(app.query_params["step"]) == "loss"
    assert "course" not in app.query_params


def test_way_back_in_the_browser(learn: AppTest) -> None:
    press(learn, "Next")
    press(learn, "Next")
    # Back sends the page's earlier address.
    go_to(learn, "numbers")
    assert learn.subheader[0].value == heading_of("numbers")
    go_to(learn, "examples")
    assert learn.subheader[0].value == heading_of("examples")


def test_way_back_to_another_view(learn: AppTest) -> None:
    view(learn, "Fault lab")
    assert "step" not in learn.query_params
    del learn.query_params["lab"]
    go_to(learn, "numbers")
    assert learn.session_state["learn-view"] == "Courses"
    assert learn.subheader[0].value == heading_of("numbers")


@pytest.mark.parametrize("step", ["0", "11", "x", "²", "x" * 500])
def test_unknown_step_in_the_address(app: AppTest, step: str) -> None:
    app.query_params["step"] = step
    app.switch_page("pages/learn.py").run()
    assert not app.exception
    assert "no such step" in app.warning[0].value
    assert app.subheader[0].value.startswith("1. ")


def test_explanation_after_the_runs(learn: AppTest) -> None:
    go_to(learn, "published")
    step = step_of("published")
    answer(learn)
    press(learn, "Start")
    run_until(learn, why_of("published"))
    dataset = data_sets.loading_data_set("embedded").dataset
    assert dataset is not None
    config = dataclasses.replace(step.trials[0].config, dataset="embedded")
    run = run_cache.shared().find_network(config, dataset)
    assert run is not None
    assert run.snapshot.evaluation is not None
    assert any(f"{run.snapshot.evaluation.accuracy:.2%}" in text.value for text in learn.markdown)
    # Settings that all runs share have no column, to save space on a phone.
    assert any("| Run | Test | Training |" in text.value for text in learn.markdown)
    assert any("It learns 7,960 weights and biases." in caption.value for caption in learn.caption)


def test_costs_in_multiplications(learn: AppTest) -> None:
    go_to(learn, "neurons")
    answer(learn)
    press(learn, "Start")
    run_until(learn, why_of("neurons"))
    table = next(text.value for text in learn.markdown if "| Multiplications |" in text.value)
    wide = next(line for line in table.splitlines() if line.startswith("| 512 neurons |"))
    assert wide.endswith(f"| {785 * 512 + 513 * 10:,} | {784 * 512 + 512 * 10:,} |")
    assert len(learn.get("image")) == 1


def test_place_after_another_page(learn: AppTest) -> None:
    answer(learn, 1)
    press(learn, "Next")
    learn.switch_page("pages/draw.py").run()
    learn.switch_page("pages/learn.py").run()
    assert learn.subheader[0].value == heading_of("numbers")
    press(learn, "Back")
    assert learn.radio[0].value == 1


def test_answers_after_a_reload(learn: AppTest) -> None:
    answer(learn, 2)
    own_work._all.clear()  # Another server, or this one after a restart.
    again = new_session(learn, "pages/learn.py")
    assert again.subheader[0].value == heading_of("numbers")
    press(again, "Back")
    assert again.radio[0].value == 2
    assert again.warning[0].value.startswith("**Not quite.**")


def test_step_opens_its_network_in_train(learn: AppTest) -> None:
    go_to(learn, "optimizer")
    press(learn, "Open this network in Train")
    learn.switch_page("pages/train.py").run()
    config = step_of("optimizer").config
    assert config is not None
    assert learn.session_state["draft"].to_query() == {**config.to_query(), "dataset": "embedded"}


def test_step_without_a_network(learn: AppTest) -> None:
    go_to(learn, "mushrooms")
    assert "Open this network in Train" not in button_labels(learn)


def test_published_and_own_figures(learn: AppTest) -> None:
    view(learn, published.VIEW)
    assert not learn.exception
    assert any("MNIST" in box.value for box in learn.info)
    learn.selectbox(key="article-choice").select("torres").run()
    table = next(text.value for text in learn.markdown if "Printed" in text.value)
    assert "| training loss, epoch 1 | 2.1822 | - |" in table
    press(learn, "Start")
    wait_until(lambda: "See its mistakes" in button_labels(learn.run()))
    table = next(text.value for text in learn.markdown if "Printed" in text.value)
    row = next(line for line in table.splitlines() if line.startswith("| training loss, epoch 1 |"))
    assert row.split("|")[2].strip() == "2.1822"
    assert 1 < float(row.split("|")[3]) < 4
    assert any("0.9018" in text.value for text in learn.markdown)


@pytest.mark.parametrize("key", published.EXAMINED)
def test_course_step_about_a_mistake(learn: AppTest, key: str) -> None:
    view(learn, published.VIEW)
    learn.selectbox(key="article-choice").select(key).run()
    press(learn, "Try it in the course")
    assert not learn.exception
    assert learn.subheader[0].value == heading_of(published.EXAMINED[key])


def open_forest(app: AppTest) -> None:
    go_to(app, "forest")
    answer(app)


def start_forest(app: AppTest) -> ClassicalRun:
    open_forest(app)
    app.button(key="start-models").click()
    app.run()
    run: ClassicalRun = app.session_state["watched-runs-noted"]["forest"]
    wait_until(lambda: bool(run.snapshot.points))
    return run


def test_stopped_forest_keeps_its_result(learn: AppTest) -> None:
    run = start_forest(learn)
    learn.run()
    learn.button(key="stop-forest").click()
    learn.run()
    wait_for_status(run, Status.STOPPED)
    wait_until(lambda: not run_cache.shared().active())
    learn.run()
    assert run.snapshot.evaluation is not None
    assert any(f"{run.snapshot.evaluation.accuracy:.2%}" in text.value for text in learn.markdown)


def test_run_with_a_second_viewer_continues(learn: AppTest, another: AppTest) -> None:
    run = start_forest(learn)
    open_forest(another)
    learn.run()
    learn.button(key="stop-forest").click()
    learn.run()
    assert not run.is_stopping
    assert any("Others are watching it too" in caption.value for caption in learn.caption)
    another.button(key="stop-forest").click()
    another.run()
    wait_for_status(run, Status.STOPPED)


def test_refusal_by_a_full_server(learn: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MEMORY_MB", "1")
    view(learn, published.VIEW)
    press(learn, "Start")
    assert [("MB" in box.value) for box in learn.error] == [True]
    press(learn, "Run all 5 recipes")
    assert [("MB" in box.value) for box in learn.error] == [True]
    monkeypatch.delenv("MNIST_MEMORY_MB")
    press(learn, "Start")
    assert not learn.error


def test_failure_is_shown_at_its_article_only(learn: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Iterator[training.Event]:
        yield training.Started(1, 1, 1)
        raise TrainingError("The loss is no number.", "Lower the learning rate.")

    monkeypatch.setattr(training, "train", broken)
    view(learn, published.VIEW)
    press(learn, "Start")
    run = learn.session_state["watched-runs-noted"][articles.ARTICLES["kite"].config, ""]
    wait_for_status(run, Status.FAILED)
    learn.run()
    assert "The loss is no number." in learn.error[0].value
    learn.selectbox(key="article-choice").select("torres").run()
    assert not learn.error


def loss_axis(app: AppTest) -> float:
    chart = next(chart for chart in app.get("vega_lite_chart") if '"title": "loss"' in chart.proto.spec)
    table = pa.ipc.open_stream(chart.proto.data.data).read_all()
    return float(max(table["drawn"].to_pylist()))


def test_loss_axis_of_a_run_with_rising_loss(learn: AppTest) -> None:
    run = start_case(learn, "sorted")
    losses = [point.loss for point in run.snapshot.points]
    assert max(losses) > 10 * losses[0]
    assert loss_axis(learn) >= max(losses)


def test_naive_bayes_on_the_evaluate_page(learn: AppTest) -> None:
    open_forest(learn)
    learn.button(key="start-models").click()
    learn.run()
    bayes = learn.session_state["watched-runs-noted"]["bayes"]
    wait_for_status(bayes, Status.FINISHED)
    learn.run()
    learn.button(key=f"mistakes-{bayes.id}").click()
    learn.run()
    learn.switch_page("pages/evaluate.py").run()
    assert not learn.exception
    assert learn.metric[0].label == "Test accuracy"
    assert "Naive Bayes" in str(learn.selectbox(key="run-choice").options)


def start_case(app: AppTest, key: str) -> Run:
    """Choose the case with this fault in the menu and start it."""
    view(app, "Fault lab")
    app.selectbox(key="lab-contents").select(faults.NUMBERED.index(key) + 1).run()
    if "Start" in button_labels(app):
        press(app, "Start")
    return wait_for_case(app)


def wait_for_case(app: AppTest) -> Run:
    run: Run = app.session_state["lab-run-noted"][1]
    wait_for_status(run, Status.FINISHED)
    app.run()
    return run


def answer_case(app: AppTest, number: int, key: str) -> None:
    app.radio(key=f"lab-choice-{number}").set_value(key).run()


def test_wrong_answer_and_hints_in_a_case(learn: AppTest) -> None:
    run = start_case(learn, "dead")
    assert not learn.exception
    assert run.snapshot.evaluation is not None
    assert np.count_nonzero(run.snapshot.evaluation.confusion.sum(axis=0)) == 1
    number, fault = faults.NUMBERED.index("dead") + 1, faults.FAULTS["dead"]
    shown = " ".join(box.value for box in (*learn.markdown, *learn.caption, *learn.info))
    assert fault.name not in shown
    answer_case(learn, number, "low")
    assert faults.FAULTS["low"].symptom in learn.warning[0].value
    for hints, hint in enumerate(fault.hints, 1):
        press(learn, "A hint")
        assert [box.value for box in learn.info] == list(fault.hints[:hints])
        assert hint in learn.info[-1].value
    answer_case(learn, number, "dead")
    assert fault.explanation in learn.info[0].value
    assert fault.cure in learn.info[0].value
    assert button_labels(learn) == ["Replay", "Next case"]


def test_first_answer_to_a_case_counts(learn: AppTest) -> None:
    start_case(learn, "dead")
    number = faults.NUMBERED.index("dead") + 1
    for key in ("low", "dead"):
        answer_case(learn, number, key)
        assert "First answer right: 0 of 1" in [caption.value for caption in learn.caption]
    start_case(learn, "low")
    answer_case(learn, faults.NUMBERED.index("low") + 1, "low")
    assert "First answer right: 1 of 2" in [caption.value for caption in learn.caption]
    assert "Right!" in learn.success[0].value


def test_case_that_is_given_up(learn: AppTest) -> None:
    start_case(learn, "nothing")
    press(learn, "Show the answer")
    assert faults.FAULTS["nothing"].explanation in learn.info[0].value
    assert "First answer right: 0 of 1" in [caption.value for caption in learn.caption]
    press(learn, "Next case")
    wait_for_case(learn)
    number = faults.NUMBERED.index("nothing") + 2
    assert learn.session_state["lab-case-noted"] == number
    assert learn.query_params["lab"] == str(number)


def test_summary_after_the_last_case(learn: AppTest) -> None:
    view(learn, "Fault lab")
    press(learn, "Start")
    missed = {2: "high", 5: ""}
    for number, key in enumerate(faults.NUMBERED, 1):
        wait_for_case(learn)
        if missed.get(number):
            answer_case(learn, number, missed[number])
        if number in missed:
            press(learn, "Show the answer")
        else:
            answer_case(learn, number, key)
        press(learn, "See your result" if number == 9 else "Next case")
    assert not learn.exception
    assert "7 of 9" in learn.subheader[0].value
    lines = next(text.value for text in learn.markdown if "What to do" in text.value).splitlines()[2:]
    assert len(lines) == 9
    for number, (key, line) in enumerate(zip(faults.NUMBERED, lines, strict=True), 1):
        fault, given = faults.FAULTS[key], missed.get(number, "right")
        assert line.startswith(f"| {number} | {fault.name} |")
        assert line.endswith(f"{fault.cure} |")
        assert (faults.FAULTS[given].name if given in faults.FAULTS else given or "none") in line
    assert "lab" not in learn.query_params
    assert button_labels(learn) == ["Look at case 2 again", "Look at case 5 again", "Start over"]
    press(learn, "Start over")
    assert any("First answer right: 0 of 0" in caption.value for caption in learn.caption)


def test_summary_after_another_tab_started_over(learn: AppTest) -> None:
    view(learn, "Fault lab")
    every = faults.Answers(dict(enumerate(faults.NUMBERED, 1)), frozenset(range(1, 10)))
    answers = learn.session_state["own-work-noted"].answers
    answers.value = answers.value.with_faults(every)
    learn.session_state["lab-case-noted"] = 0
    learn.run()
    assert "9 of 9" in learn.subheader[0].value
    answers.value = answers.value.with_faults(faults.Answers())
    learn.run()
    assert not learn.exception
    assert learn.selectbox(key="lab-contents").value == 1


def test_next_person_finds_no_answers(learn: AppTest) -> None:
    answer(learn, 2)
    press(learn, "Next")
    workspace_of_another = "AAAAAAAAAAAAAAAAAAAAAA"
    for name in [name for name in keys._of_workspace if name in learn.session_state]:
        del learn.session_state[name]
    learn.session_state["workspace"] = workspace_of_another
    learn.run()
    press(learn, "Back")
    assert learn.radio[0].value is None


def test_first_open_step_when_the_workspace_comes_late(learn: AppTest) -> None:
    """The browser hands in its workspace, and so the answers, a moment after the first page."""
    own = own_work.OwnWork()
    own.answers.value = own.answers.value.answered("examples", 0).with_seen("examples")
    own.answers.is_loaded = True
    assert learn.subheader[0].value == heading_of("examples")
    for name in [name for name in keys._of_workspace if name in learn.session_state]:
        del learn.session_state[name]
    learn.session_state["own-work-noted"] = own
    learn.run()
    assert learn.subheader[0].value == heading_of("numbers")


def test_linked_step_when_the_workspace_comes_late(learn: AppTest) -> None:
    go_to(learn, "sure")
    for name in [name for name in keys._of_workspace if name in learn.session_state]:
        del learn.session_state[name]
    learn.run()
    assert learn.subheader[0].value == heading_of("sure")


def test_case_in_the_address(app: AppTest) -> None:
    app.query_params["lab"] = "4"
    app.switch_page("pages/learn.py").run()
    assert app.selectbox(key="lab-contents").value == 4
    assert app.query_params["lab"] == "4"
    press(app, "Start")
    wait_for_case(app)
    view(app, "Courses")
    assert "lab" not in app.query_params


def test_answers_in_the_lab_after_a_reload(learn: AppTest, clock: Clock) -> None:
    start_case(learn, "dead")
    number = faults.NUMBERED.index("dead") + 1
    for key in ("low", "dead"):
        answer_case(learn, number, key)
    start_case(learn, "low")
    answer_case(learn, 1, "low")
    start_case(learn, "high")
    answer_case(learn, 4, "nothing")

    own_work._all.clear()  # Another server, or this one after a restart.
    again = new_session(learn, "pages/learn.py", lab="6")
    press(again, "Skip")
    again.run()
    options = again.selectbox(key="lab-contents").options
    assert [option.removeprefix("Case ") for option in options if option[-1] in "✓✗"] == [
        "1 of 9 ✓",
        "4 of 9 ✗",
        "6 of 9 ✗",
    ]
    assert "First answer right: 1 of 3" in [caption.value for caption in again.caption]
    assert faults.FAULTS["dead"].explanation in again.info[0].value
    # A second answer to an open case does not change the score.
    again.selectbox(key="lab-contents").select(4).run()
    press(again, "Skip")
    again.run()
    answer_case(again, 4, "high")
    assert "First answer right: 1 of 3" in [caption.value for caption in again.caption]


def test_unknown_case_in_the_address(app: AppTest) -> None:
    app.query_params["lab"] = "12"
    app.switch_page("pages/learn.py").run()
    assert not app.exception
    assert "no such case" in app.warning[0].value
    assert app.selectbox(key="lab-contents").value == 1


def test_thinned_curve_keeps_its_first_point(learn: AppTest) -> None:
    run = start_case(learn, "raw")
    points = run.snapshot.points
    losses = [loss for _, loss, _, images in live_frame.curve_rows(run.snapshot, 10) if images == "training"]
    assert len(losses) <= 11 < len(points)
    assert losses[0] == points[-1].loss
    assert losses[-1] == points[0].loss == max(losses)


def test_stop_between_two_runs_of_a_series(learn: AppTest) -> None:
    go_to(learn, "few-neurons")
    answer(learn)
    learn.session_state["awaited-trials-noted"] = step_of("few-neurons").trials
    learn.run()
    assert "Stop" in button_labels(learn)
    assert not any("Others are watching" in caption.value for caption in learn.caption)
    press(learn, "Stop")
    wait_until(lambda: not run_cache.shared().active())
    learn.run()
    assert "Start" in button_labels(learn)


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of replays, for visitors whose browser allows motion."""
    clock = Clock()
    monkeypatch.setattr(replays, "clock", clock)
    monkeypatch.setattr(replays, "_PREFERENCE", lambda **_: SimpleNamespace(is_reduced=False))
    return clock


def open_five_epochs(app: AppTest) -> None:
    """Open and answer the step that has a single run."""
    go_to(app, "published")
    answer(app, 1)


def last_epoch(app: AppTest) -> float:
    """The last epoch of the curves on the page."""
    chart = next(chart for chart in app.get("vega_lite_chart") if '"title": "loss"' in chart.proto.spec)
    table = pa.ipc.open_stream(chart.proto.data.data).read_all()
    return float(max(table["epoch"].to_pylist()))


def test_replay_for_a_later_visitor(learn: AppTest, another: AppTest, clock: Clock) -> None:
    open_five_epochs(learn)
    press(learn, "Start")
    run_until(learn, why_of("published"))
    assert "Skip" not in button_labels(learn)
    runs = set(scheduler.shared()._runs)

    open_five_epochs(another)
    clock.now += replays.SECONDS / 2
    another.run()
    assert 1 < last_epoch(another) <= 2.5
    assert not another.warning
    assert not any("Accuracy on the" in caption.value for caption in another.caption)
    clock.now += replays.SECONDS / 2
    another.run()
    assert last_epoch(another) == 5
    assert all(len(text) > 10 for text in alternative_texts(another))
    assert why_of("published") in another.warning[0].value
    assert any("Accuracy on the" in caption.value for caption in another.caption)
    assert set(scheduler.shared()._runs) <= runs

    press(another, "Replay")
    clock.now += replays.SECONDS / 4
    another.run()
    assert last_epoch(another) <= 1.25
    press(another, "Skip")
    another.run()
    assert last_epoch(another) == 5


def test_replay_ends_during_another_step(learn: AppTest, another: AppTest, clock: Clock) -> None:
    open_five_epochs(learn)
    press(learn, "Start")
    run_until(learn, why_of("published"))
    open_five_epochs(another)
    assert "Skip" in button_labels(another)
    press(another, "Back")
    assert "Skip" not in button_labels(another)
    clock.now += replays.SECONDS
    press(another, "Next")
    assert last_epoch(another) == 5


def test_no_replay_after_a_reload(learn: AppTest, clock: Clock) -> None:
    open_five_epochs(learn)
    press(learn, "Start")
    run_until(learn, why_of("published"))
    again = new_session(learn, "pages/learn.py", step="published")
    assert again.subheader[0].value == heading_of("published")
    assert last_epoch(again) == 5
    assert "Replay" in button_labels(again)
