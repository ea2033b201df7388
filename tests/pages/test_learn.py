"""The Learn page without a browser: courses, progress, published figures, questions and the fault lab."""

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
from mnist_core.lessons import articles, faults
from mnist_core.lessons.courses import COURSES
from mnist_core.lessons.experiments import EXPERIMENTS
from mnist_core.runs import run_cache, scheduler
from mnist_core.runs.classical_run import ClassicalRun
from mnist_core.runs.network_run import Run
from mnist_core.training import Status
from mnist_core.training.classical import KINDS
from pages.widgets.common import live_frame
from pages.widgets.learn import lessons, published, replays
from pages.widgets.state import data_sets
from tests.pages.conftest import ROOT
from tests.pages.visitor import button_labels, press
from tests.scheduled_runs import wait_for_status, wait_until


@pytest.fixture(autouse=True)
def no_runs() -> Iterator[None]:
    """A server without runs. Active runs are stopped after the test."""
    run_cache.shared.cache_clear()
    yield
    for run in run_cache.shared().active():
        scheduler.shared().stop(run)
        wait_until(lambda run=run: not run.snapshot.status.is_active)  # type: ignore[misc]


@pytest.fixture
def learn(app: AppTest) -> AppTest:
    """A new visitor on the Learn page."""
    return app.switch_page("pages/learn.py").run()


@pytest.fixture
def another(learn: AppTest) -> AppTest:
    """Another visitor of the same server, also on the Learn page."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().switch_page("pages/learn.py").run()


def view(app: AppTest, name: str) -> AppTest:
    app.session_state["learn-view"] = name
    return app.run()


def course(app: AppTest, key: str) -> AppTest:
    app.session_state["course"] = key
    return app.run()


def answer(app: AppTest, choice: int) -> AppTest:
    radio = app.radio[0]
    return radio.set_value(choice).run()


def run_until(app: AppTest, words: str) -> None:
    """Poll as the browser does, until the page shows these words."""

    def is_shown() -> bool:
        app.run()
        return any(words in box.value for box in (*app.success, *app.info, *app.warning, *app.markdown))

    wait_until(is_shown)


def test_every_activity_is_used() -> None:
    named = {step.activity for course in COURSES.values() for step in course.steps} - {"", "answer"}
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
        assert not learn.success
        if step.activity not in SHARED_VIEWS:
            assert all(len(text) > 10 for text in alternative_texts(learn))
        assert "Start" not in button_labels(learn)
        answer(learn, step.question.right)
        if step.trials:
            assert "Start" in button_labels(learn)
            assert not learn.success
        else:
            assert step.question.why in learn.success[0].value
        if number + 1 < len(steps):
            press(learn, "Next")
    assert not learn.exception
    # Steps with runs stay open until the visitor has seen the runs.
    marks = [("abcd" if step.trials else "0123")[step.question.right] for step in steps]
    assert "".join(learn.query_params[key]) == "".join(marks)
    if not steps[-1].trials:
        left = ", ".join(str(number) for number, step in enumerate(steps, 1) if step.trials)
        assert f"Still open: step {left}." in learn.info[-1].value


def test_wrong_answer(learn: AppTest) -> None:
    question = COURSES["kite"].steps[0].question
    answer(learn, (question.right + 1) % len(question.choices))
    assert not learn.success
    assert learn.warning[0].value.startswith("**Not quite. The right answer is:")
    assert question.choices[question.right] in learn.warning[0].value


def test_right_answer(learn: AppTest) -> None:
    answer(learn, COURSES["kite"].steps[0].question.right)
    assert learn.success[0].value.startswith("**Right!**")


def test_first_answer_counts(learn: AppTest) -> None:
    question = COURSES["kite"].steps[0].question
    wrong = (question.right + 1) % len(question.choices)
    for choice in (wrong, question.right):
        answer(learn, choice)
    assert learn.query_params["kite"][0].startswith(str(wrong))
    assert learn.selectbox(key="contents-kite").options[0].startswith("✗ 1.")


def test_end_of_a_course(app: AppTest) -> None:
    steps = COURSES["torres"].steps
    first = [step.question.right for step in steps]
    first[0] = (first[0] + 1) % len(steps[0].question.choices)
    app.query_params["torres"], app.query_params["course"] = "".join(map(str, first)), "torres"
    app.switch_page("pages/learn.py").run()
    assert app.subheader[0].value.startswith("13. ")
    assert f"right in {len(steps) - 1} of {len(steps)} steps" in app.success[-1].value
    press(app, "Next course: Morgan")
    assert app.subheader[0].value == f"1. {COURSES['morgan'].steps[0].title}"


def test_step_in_the_address(app: AppTest) -> None:
    app.query_params["course"], app.query_params["step"] = "morgan", "7"
    app.switch_page("pages/learn.py").run()
    assert app.subheader[0].value == f"7. {COURSES['morgan'].steps[6].title}"
    press(app, "Next")
    assert "".join(app.query_params["step"]) == "8"


@pytest.mark.parametrize("step", ["0", "11", "x", "²"])
def test_unknown_step_in_the_address(app: AppTest, step: str) -> None:
    app.query_params["course"], app.query_params["step"] = "morgan", step
    app.switch_page("pages/learn.py").run()
    assert not app.exception
    assert app.subheader[0].value.startswith("1. ")


def test_explanation_after_the_runs(learn: AppTest) -> None:
    course(learn, "torres")
    learn.selectbox(key="contents-torres").set_value(8).run()
    step = COURSES["torres"].steps[8]
    assert step.title == "Five epochs"
    answer(learn, step.question.right)
    press(learn, "Start")
    run_until(learn, step.question.why)
    dataset = data_sets.loading_data_set("embedded").dataset
    assert dataset is not None
    config = dataclasses.replace(step.trials[0].config, dataset="embedded")
    run = run_cache.shared().find_network(config, dataset)
    assert run is not None
    assert run.snapshot.evaluation is not None
    assert any(f"{run.snapshot.evaluation.accuracy:.2%}" in text.value for text in learn.markdown)
    # Settings that all runs share have no column, to save space on a phone.
    assert any("| Run | Test | Train | Epoch |" in text.value for text in learn.markdown)
    assert any("here 7,960." in caption.value for caption in learn.caption)


def test_progress_after_another_page(learn: AppTest) -> None:
    answer(learn, 1)
    press(learn, "Next")
    learn.switch_page("pages/draw.py").run()
    learn.switch_page("pages/learn.py").run()
    assert learn.subheader[0].value == f"2. {COURSES['kite'].steps[1].title}"
    press(learn, "Back")
    assert learn.radio[0].value == 1


def test_progress_from_the_address(app: AppTest) -> None:
    app.query_params["kite"] = "10" + "-" * (len(COURSES["kite"].steps) - 2)
    app.switch_page("pages/learn.py").run()
    assert app.subheader[0].value == f"3. {COURSES['kite'].steps[2].title}"
    press(app, "Back")
    assert app.radio[0].value == 0


def test_course_in_the_address(app: AppTest) -> None:
    app.query_params["course"] = "torres"
    app.switch_page("pages/learn.py").run()
    assert app.subheader[0].value == f"1. {COURSES['torres'].steps[0].title}"


def test_unknown_course_in_the_address(app: AppTest) -> None:
    app.query_params["course"] = "other"
    app.switch_page("pages/learn.py").run()
    assert not app.exception
    assert app.subheader[0].value == f"1. {COURSES['kite'].steps[0].title}"


def test_damaged_progress_in_the_address(app: AppTest) -> None:
    app.query_params["kite"] = "99"
    app.switch_page("pages/learn.py").run()
    assert not app.exception
    assert "does not fit" in app.warning[0].value
    assert app.subheader[0].value.startswith("1. ")


def test_step_opens_its_network_in_train(learn: AppTest) -> None:
    course(learn, "torres")
    press(learn, "Open this network in Train")
    learn.switch_page("pages/train.py").run()
    config = COURSES["torres"].steps[0].config
    assert learn.session_state["draft"].to_query() == {**config.to_query(), "dataset": "embedded"}


def test_published_and_own_figures(learn: AppTest) -> None:
    view(learn, "Published")
    assert not learn.exception
    assert any("MNIST" in box.value for box in learn.info)
    learn.selectbox(key="article-choice").select("torres").run()
    table = next(text.value for text in learn.markdown if "Published" in text.value)
    assert "| training loss, epoch 1 | 2.1822 | - |" in table
    press(learn, "Start")
    wait_until(lambda: "See its mistakes" in button_labels(learn.run()))
    table = next(text.value for text in learn.markdown if "Published" in text.value)
    row = next(line for line in table.splitlines() if line.startswith("| training loss, epoch 1 |"))
    assert row.split("|")[2].strip() == "2.1822"
    assert 1 < float(row.split("|")[3]) < 4
    assert any("0.9018" in text.value for text in learn.markdown)


@pytest.mark.parametrize("key", published.EXAMINED)
def test_course_step_about_a_mistake(learn: AppTest, key: str) -> None:
    view(learn, "Published")
    learn.selectbox(key="article-choice").select(key).run()
    press(learn, "Try it in the course")
    assert not learn.exception
    assert learn.subheader[0].value.endswith(published.EXAMINED[key][1])


def start_forest(app: AppTest) -> ClassicalRun:
    view(app, "Questions")
    app.session_state["experiment"] = "forest"
    answer(app.run(), 0)
    app.button(key="learn-forest").click()
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
    learn.run()
    assert run.snapshot.evaluation is not None
    assert any(f"{run.snapshot.evaluation.accuracy:.2%}" in text.value for text in learn.markdown)
    assert [learn.button(key=f"learn-{kind}").label for kind in KINDS] == ["Start"] * 4


def test_run_with_a_second_viewer_continues(learn: AppTest, another: AppTest) -> None:
    run = start_forest(learn)
    view(another, "Questions")
    another.session_state["experiment"] = "forest"
    answer(another.run(), 0)
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
    view(learn, "Published")
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
    view(learn, "Published")
    press(learn, "Start")
    run = learn.session_state["watched-runs-noted"][articles.ARTICLES["kite"].config]
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
    view(learn, "Questions")
    learn.session_state["experiment"] = "forest"
    learn.run()
    assert "Start" not in button_labels(learn)
    answer(learn, EXPERIMENTS["forest"].question.right)
    learn.button(key="learn-bayes").click()
    learn.run()
    wait_until(lambda: "See its mistakes" in button_labels(learn.run()))
    press(learn, "See its mistakes")
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


def test_case_in_the_address(app: AppTest) -> None:
    app.query_params["lab"] = "4"
    app.switch_page("pages/learn.py").run()
    assert app.selectbox(key="lab-contents").value == 4
    assert app.query_params["lab"] == "4"
    press(app, "Start")
    wait_for_case(app)
    view(app, "Courses")
    assert "lab" not in app.query_params


def test_first_answers_from_the_address(learn: AppTest, clock: Clock) -> None:
    start_case(learn, "dead")
    number = faults.NUMBERED.index("dead") + 1
    for key in ("low", "dead"):
        answer_case(learn, number, key)
    start_case(learn, "low")
    answer_case(learn, 1, "low")
    start_case(learn, "high")
    answer_case(learn, 4, "nothing")
    assert learn.query_params["faults"] == "1--d-1---"

    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    again.query_params["faults"], again.query_params["lab"] = "1--d-1---", "6"
    again.switch_page("pages/learn.py").run()
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
    assert again.query_params["faults"] == "1--3-1---"


def test_answers_in_the_address_after_another_view(app: AppTest) -> None:
    app.query_params["faults"] = "123456780"
    app.switch_page("pages/learn.py").run()
    view(app, "Fault lab")
    assert "right in 8 of 9" in app.subheader[0].value


@pytest.mark.parametrize("text", ["1", "k--------", "1--------x", "²--------", "a--------"])
def test_damaged_answers_in_the_address(app: AppTest, text: str) -> None:
    app.query_params["faults"], app.query_params["lab"] = text, "1"
    app.switch_page("pages/learn.py").run()
    assert not app.exception
    assert "do not fit the fault lab" in app.warning[0].value
    assert "faults" not in app.query_params
    assert not any(option[-1] in "✓✗" for option in app.selectbox(key="lab-contents").options)


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
    view(learn, "Questions")
    answer(learn, 0)
    learn.session_state["awaited-trials-noted"] = EXPERIMENTS["neurons"].trials
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


TORRES_FIVE_EPOCHS = 8


def open_five_epochs(app: AppTest) -> None:
    """Open and answer the step of the Torres course that has a single run."""
    course(app, "torres")
    app.selectbox(key="contents-torres").set_value(TORRES_FIVE_EPOCHS).run()
    answer(app, 0)


def last_epoch(app: AppTest) -> float:
    """The last epoch of the curves on the page."""
    chart = next(chart for chart in app.get("vega_lite_chart") if '"title": "loss"' in chart.proto.spec)
    table = pa.ipc.open_stream(chart.proto.data.data).read_all()
    return float(max(table["epoch"].to_pylist()))


def test_replay_for_a_later_visitor(learn: AppTest, another: AppTest, clock: Clock) -> None:
    open_five_epochs(learn)
    press(learn, "Start")
    step = COURSES["torres"].steps[TORRES_FIVE_EPOCHS]
    run_until(learn, step.question.why)
    assert "Skip" not in button_labels(learn)
    runs = len(scheduler.shared()._runs)

    open_five_epochs(another)
    clock.now += replays.SECONDS / 2
    another.run()
    assert 1 < last_epoch(another) <= 2.5
    assert not another.warning
    assert not any("Test and train" in caption.value for caption in another.caption)
    clock.now += replays.SECONDS / 2
    another.run()
    assert last_epoch(another) == 5
    assert all(len(text) > 10 for text in alternative_texts(another))
    assert step.question.why in another.warning[0].value
    assert any("Test and train" in caption.value for caption in another.caption)
    assert len(scheduler.shared()._runs) == runs

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
    run_until(learn, COURSES["torres"].steps[TORRES_FIVE_EPOCHS].question.why)
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
    run_until(learn, COURSES["torres"].steps[TORRES_FIVE_EPOCHS].question.why)
    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name in ("torres", "course", "step"):
        again.query_params[name] = "".join(learn.query_params[name])
    again.switch_page("pages/learn.py").run()
    assert again.subheader[0].value.startswith(f"{TORRES_FIVE_EPOCHS + 1}. ")
    assert last_epoch(again) == 5
    assert "Replay" in button_labels(again)
