"""The Draw page without a browser: answers, expanders, labels, and other ways to draw."""

from __future__ import annotations

import io
import threading
import types
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from mnist_core.data import Dataset, datasets
from mnist_core.drawing import handwriting, own_drawings, strokes, to_mnist
from mnist_core.errors import StoreError
from mnist_core.evaluation import Predictor
from mnist_core.runs import saver
from mnist_core.training import Status
from pages.widgets.common import clipboard
from pages.widgets.state import data_sets, own_work
from tests.pages.visitor import (
    ONE,
    answers,
    draw,
    first_picture,
    labelled,
    new_session,
    panel_frame,
    press,
    train_briefly,
    wait_for_end,
)
from tests.scheduled_runs import wait_until

MINUTES = 300.0


def test_first_visitor_gets_the_shipped_network(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    assert app.multiselect(key="networks").value == ["shipped"]
    draw(app, ONE)
    assert not app.exception
    (answer,) = answers(app)
    assert answer.startswith("**It reads a 1**")


def test_scribble_does_not_look_like_a_digit(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    lines = np.random.default_rng(5).uniform(0.15, 0.85, (1, 30, 2))
    draw(app, strokes.render(tuple(lines), 8))
    assert answers(app) == ["This does not look like a digit to the network."]


def test_dot_gets_no_answer(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, strokes.render((np.array([[0.5, 0.5]]),), 18))
    assert not app.exception
    assert not answers(app)
    assert [box.value for box in app.info] == ["This is only a dot, not a digit."]
    assert not any("dot" in caption.value for caption in app.caption)


def test_two_digits_get_a_hint(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    lines = (np.array([[0.3, 0.2], [0.3, 0.8]]), np.array([[0.7, 0.2], [0.7, 0.8]]))
    draw(app, strokes.render(lines, 18))
    assert any("Draw one digit at a time" in caption.value for caption in app.caption)


def test_answer_area_exists_before_the_first_stroke(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    kinds = ("vega_lite_chart", "image", "button_group")
    before = [len(app.get(kind)) for kind in kinds]
    draw(app, ONE)
    assert [len(app.get(kind)) for kind in kinds] == before
    assert all(before)


def test_shares_are_not_called_certainty(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    (answer,) = answers(app)
    assert "sure" not in answer
    assert any("add up to 100%" in caption.value for caption in app.caption)


def test_empty_canvas_asks_for_a_drawing(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, np.full((280, 280, 4), 255, np.uint8))
    assert not app.exception
    assert not answers(app)
    assert "comes after each stroke" in app.info[0].value


def test_last_drawing_survives_another_page(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    app.switch_page("pages/data.py").run()
    app.switch_page("pages/draw.py").run()
    assert not app.exception
    assert answers(app)[0].startswith("**It reads a 1**")


def test_no_network_gives_no_answer(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    app.multiselect(key="networks").set_value([]).run()
    draw(app, ONE)
    assert not app.exception
    assert not answers(app)


def test_chosen_networks_are_remembered_until_a_new_one(app: AppTest) -> None:
    first = train_briefly(app)
    app.switch_page("pages/draw.py").run()
    app.multiselect(key="networks").set_value(["shipped"]).run()
    app.switch_page("pages/train.py").run()
    app.switch_page("pages/draw.py").run()
    assert app.multiselect(key="networks").value == ["shipped"]
    app.switch_page("pages/train.py").run()
    press(app, "Reset")
    second = train_briefly(app)
    app.switch_page("pages/draw.py").run()
    assert app.multiselect(key="networks").value == [second.id, "shipped"]
    assert first.id in {run.id for run in app.session_state["runs"]}


def test_plain_shrinking_shows_another_image(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, strokes.render(strokes.fit_to_canvas((np.array([[0.0, 0.0], [1.0, 4.0]]),), 0.3, (0.2, 0.2)), 12))
    before = first_picture(app)
    app.toggle(key="straight").set_value(True).run()
    assert not app.exception
    assert first_picture(app) != before


@pytest.mark.parametrize("folded", ["way", "doctor", "why", "alike"])
def test_expander_opens(app: AppTest, folded: str) -> None:
    app.switch_page("pages/draw.py").run()
    app.session_state[folded] = True
    draw(app, strokes.render(strokes.fit_to_canvas((np.array([[0.0, 0.0], [1.0, 4.0]]),), 0.3, (0.2, 0.2)), 12))
    assert not app.exception
    words = {"way": "Centred in 28x28", "doctor": "Not in the middle", "why": "ink supports a 1", "alike": "1"}
    captions = [image.caption for element in app.get("image") for image in element.proto.imgs]
    assert any(words[folded] in text for text in [*captions, *(markdown.value for markdown in app.markdown)])


def test_labelled_drawings_form_a_test_set(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    choose_label(app, 1)
    draw(app, strokes.render((np.array([[0.3, 0.2], [0.7, 0.2], [0.45, 0.85]]),), 18))
    choose_label(app, 4)
    assert [one.label for one in labelled(app)] == [1, 4]
    app.session_state["own"] = True
    app.run()
    assert not app.exception
    assert any("**1 of 2** read right (50%)" in markdown.value for markdown in app.markdown)
    assert any("saved with your runs" in text.value for text in app.caption)
    press(app, "Delete the last")
    assert [one.label for one in labelled(app)] == [1]
    press(app, "Delete all")
    assert not labelled(app)
    assert not app.exception


def test_label_given_twice_counts_once(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    choose_label(app, 1)
    choose_label(app, 7)
    assert [one.label for one in labelled(app)] == [7]
    before = labelled(app)
    app.run()
    assert labelled(app) is before


def test_label_changes_no_network_and_survives_another_page(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    choose_label(app, 8)
    words = "Saved to your test set as an 8. No network has changed."
    assert any(words in caption.value for caption in app.caption)
    app.switch_page("pages/data.py").run()
    app.switch_page("pages/draw.py").run()
    (group,) = app.button_group
    assert group.value == 8
    choose_label(app, 8)
    assert [one.label for one in labelled(app)] == [8]
    app.session_state["own"] = True
    app.run()
    press(app, "Delete all")
    assert not any(words in caption.value for caption in app.caption)
    choose_label(app, 8)
    assert [one.label for one in labelled(app)] == [8]


@pytest.mark.parametrize("is_drawn", [False, True])
def test_every_picture_and_chart_has_alternative_text(app: AppTest, is_drawn: bool) -> None:
    app.switch_page("pages/draw.py").run()
    for folded in ("way", "doctor", "why", "alike", "own"):
        app.session_state[folded] = True
    if is_drawn:
        draw(app, strokes.render(strokes.fit_to_canvas((np.array([[0.0, 0.0], [1.0, 4.0]]),), 0.3, (0.2, 0.2)), 12))
        choose_label(app, 1)
    pictures = [image.alt for element in app.get("image") for image in element.proto.imgs]
    charts = [element.proto.alt for element in app.get("vega_lite_chart")]
    assert len(pictures) > (15 if is_drawn else 0)
    assert charts
    assert all(pictures)
    assert all(charts)


def test_expander_stays_open_when_canvas_is_cleared(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    app.session_state["why"] = True
    for canvas in (ONE, np.full((280, 280, 4), 255, np.uint8), ONE):
        draw(app, canvas)
    assert any("ink supports a 1" in markdown.value for markdown in app.markdown)


def test_finetuned_network_is_tested_on_other_drawings(app: AppTest) -> None:
    base = train_briefly(app)
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    choose_label(app, 1)
    app.session_state["own"] = True
    app.run()
    assert base.snapshot.network is not None
    teach = next(button for button in app.button if (button.key or "").startswith("teach-784"))
    teach.click().run()
    assert not app.exception
    assert app.title[0].value == "Build a network, watch it learn"
    taught = wait_for_end(app)
    assert taught.start is not None
    assert taught.start.weights is base.snapshot.network.weights
    app.switch_page("pages/train.py").run()
    assert "+ your digits" in panel_frame(app)["text"]
    # Before and after, counted by hand.
    (drawing,) = labelled(app)
    assert base.snapshot.evaluation is not None
    assert taught.snapshot.evaluation is not None
    assert taught.snapshot.network is not None
    before, after = (
        int(run.snapshot.network.predict(drawing.image[np.newaxis]).argmax() == 1)  # type: ignore[union-attr]
        for run in (base, taught)
    )
    (lesson,) = [box.value for box in app.success if "You taught it 1 drawing" in box.value]
    assert f"Right before: {before}. Right now: {after}." in lesson
    accuracies = [run.snapshot.evaluation.accuracy for run in (base, taught)]  # type: ignore[union-attr]
    assert f"Test images: {accuracies[0]:.2%} before, {accuracies[1]:.2%} now." in lesson
    app.switch_page("pages/draw.py").run()
    draw(app, strokes.render((np.array([[0.3, 0.2], [0.7, 0.2], [0.45, 0.85]]),), 18))
    choose_label(app, 7)
    app.session_state["own"] = True
    app.run()
    standing = [one.value for one in app.markdown if "read right" in one.value]
    assert any(
        "+ your digits" in text and " of 1** read right" in text and "Not counted: 1" in text for text in standing
    )
    assert any("Built-in" in text and " of 2** read right" in text for text in standing)


def test_network_that_goes_on_after_a_lesson_is_not_tested_on_it(app: AppTest) -> None:
    train_briefly(app)
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    choose_label(app, 1)
    app.session_state["own"] = True
    app.run()
    next(button for button in app.button if (button.key or "").startswith("teach-784")).click().run()
    taught = wait_for_end(app)
    app.switch_page("pages/train.py").run()
    press(app, "Train 5 more epochs")
    longer = wait_for_end(app)
    assert longer is not taught
    assert longer.snapshot.status is Status.FINISHED
    for page_run, moment in ((longer, None), (taught, taught.past_moments[0])):
        visitor_moment = None if moment is None else (page_run.id, moment)
        app.session_state["moment"] = visitor_moment
        app.switch_page("pages/draw.py")
        app.session_state["networks"] = [page_run.id]
        app.session_state["own"] = True
        app.run()
        assert not app.exception
        assert any("No new drawings to test on" in text.value for text in app.markdown)


def choose_label(app: AppTest, digit: int) -> None:
    (group,) = [group for group in app.button_group if group.label == "Correct answer? Saves it to your test set"]
    group.set_value(digit).run()


def test_digit_drawn_by_keyboard_is_read(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    app.toggle(key="by-keys").set_value(True).run()
    press(app, "Put the pen down")
    for _ in range(7):
        press(app, "Down")
    assert not app.exception
    assert answers(app)[0].startswith("**It reads a 1**")
    press(app, "Clear")
    assert not answers(app)


def test_all_counted_keys_are_applied(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    app.toggle(key="by-keys").set_value(True).run()
    app.session_state["sheet-keys"] = {"pressed": {"from": "a", "keys": "pddddddd"}}
    app.run()
    assert any("Row 11, column 7. The pen is down, painting." in info.value for info in app.info)
    assert answers(app)[0].startswith("**It reads a 1**")
    press(app, "Right")
    assert any("Row 11, column 8" in info.value for info in app.info)


def test_camera_is_asked_for_only_when_it_is_wanted(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    assert not app.get("camera_input")
    app.session_state["camera-open"] = True  # AppTest cannot open a popover.
    app.run()
    buffer = io.BytesIO()
    Image.fromarray(ONE).convert("RGB").save(buffer, "JPEG")
    app.camera_input(key="camera-0").upload("camera.jpg", buffer.getvalue(), "image/jpeg").run()
    assert not app.exception
    assert answers(app)[0].startswith("**It reads a 1**")
    press(app, "Draw again")
    assert not app.get("camera_input")


def test_uploaded_picture_is_read_or_refused(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    buffer = io.BytesIO()
    Image.fromarray(ONE).convert("RGB").save(buffer, "JPEG")
    app.file_uploader(key="picture-0").upload("one.jpg", buffer.getvalue(), "image/jpeg").run()
    assert not app.exception
    assert answers(app)[0].startswith("**It reads a 1**")
    app.file_uploader(key="picture-0").upload("one.jpg", b"no picture", "image/jpeg").run()
    assert not app.exception
    assert [box.value for box in app.error] == [
        "This cannot be read as a picture. Choose a PNG or JPEG picture of one digit."
    ]
    assert not app.info
    press(app, "Draw again")
    assert not app.error
    assert "comes after each stroke" in app.info[0].value


@pytest.mark.parametrize(
    "sent",
    [
        "picture", 7, ["size", "url"], {"size": 4}, {"url": "data:,"}, {"size": "4", "url": "data:,"},
        {"size": 4, "url": 7}, {"size": 4, "url": "no address"}, {"size": 4, "url": "data:image/png;base64,\u00e9"},
    ],
)  # fmt: skip
def test_invalid_pasted_picture_shows_a_message(app: AppTest, monkeypatch: pytest.MonkeyPatch, sent: Any) -> None:
    monkeypatch.setattr(clipboard, "_LISTEN", lambda **_: types.SimpleNamespace(picture=sent))
    app.switch_page("pages/draw.py").run()
    assert not app.exception
    assert [box.value.split(".")[0] for box in app.error] == ["This cannot be read as a picture"]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"drawing": {"raw": {"objects": [{"path": [["M", 1, 2], ["L", 3, [4]]]}]}}}, id="uneven path"),
        pytest.param({"drawing": {"raw": {"objects": ["path"]}}}, id="a text for an object"),
        pytest.param({"drawing": {"raw": "drawing"}}, id="a text for the drawing"),
        pytest.param({"drawing": ["raw"]}, id="a list"),
        pytest.param({"drawing": {"raw": None, "data": "no address"}}, id="no picture's address"),
        pytest.param({"drawing": {"raw": None, "data": 7}}, id="a number for the picture"),
        pytest.param({"drawing": {"raw": None, "data": "data:image/png;base64,AAAA"}}, id="no picture"),
        pytest.param({"drawing": {}, "backgroundFit": {"scaleX": 1}}, id="another part that is wrong"),
    ],
)
def test_invalid_canvas_shows_a_message_until_cleared(app: AppTest, sent: Any) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    app.session_state["canvas"] = sent
    app.run()
    assert not app.exception
    assert [box.value.split(".")[-2].strip() for box in app.error] == ["Clear the canvas and draw again"]
    assert not app.info
    assert not answers(app)
    # Without its shape component the canvas would show the buttons of its package.
    assert any("canvas-shape" in component.proto.id for component in app.get("bidi_component"))
    draw(app, np.full((280, 280, 4), 255, np.uint8))  # Sent by the button Clear.
    assert not app.exception
    assert not app.error


def test_augmentation_is_suggested_after_misreads(app: AppTest) -> None:
    run = train_briefly(app)  # After one epoch Torres' network has a low accuracy.
    app.switch_page("pages/draw.py").run()
    assert run.snapshot.network is not None
    misread = 0
    for digit, form in ((0, "50 22 14 27 59 77 84 72 50"), (7, "00|90|49"), (4, "60|06|96/60 69")):
        canvas = strokes.render(
            strokes.fit_to_canvas(handwriting.form_strokes(form, np.random.default_rng(0), jitter=0), 0.65), 18
        )
        draw(app, canvas)
        assert any(f"It reads a {digit}" in answer for answer in answers(app)), "the built-in network's answer"
        own = int(Predictor(run.snapshot.network)(to_mnist(canvas).image).digit)
        offers = [button for button in app.button if "augmentation" in button.label]
        assert bool(offers) == (own != digit)
        misread += own != digit
    assert misread
    press(app, "Train it again with augmentation")
    assert not app.exception
    assert app.session_state["draft"].augmentation == 0.8
    assert app.session_state["draft"].layers == run.config.layers


def test_finetuning_waits_for_the_old_images(few_images: None, app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    may_come = threading.Event()
    load = datasets.load

    def load_later(name: str, directory: Any = None, progress: Any = None) -> Dataset:
        assert may_come.wait(300)
        return load(name, directory, progress)

    monkeypatch.setattr(datasets, "load", load_later)
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    choose_label(app, 1)
    app.session_state["own"] = True
    app.run()
    try:
        press(app, "Teach it")  # The built-in network was trained on MNIST.
        assert app.title[0].value == "Draw a digit"
        may_come.set()
        assert data_sets.loading_data_set("mnist").done.wait(300)
        app.run()
        assert not app.exception
        assert app.title[0].value == "Build a network, watch it learn"
        taught = wait_for_end(app)
        assert taught.snapshot.status is Status.FINISHED
        # Fine-tuning starts only once.
        app.switch_page("pages/draw.py").run()
        assert app.title[0].value == "Draw a digit"
    finally:
        may_come.set()


def test_press_on_teach_is_not_lost_if_the_old_images_arrive_just_then(
    few_images: None, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    choose_label(app, 1)
    app.session_state["own"] = True
    app.run()

    def get_too_early(name: str) -> None:
        assert data_sets.loading_data_set(name).done.wait(300)  # They arrive after `get` has given up waiting.

    with monkeypatch.context() as early:
        early.setattr(data_sets, "get", get_too_early)
        press(app, "Teach it")
    app.run()
    assert not app.exception
    assert app.title[0].value == "Build a network, watch it learn"
    wait_for_end(app)


def test_undo_ignores_stale_lines_from_the_browser(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    seven = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]
    lines = [seven, [(0.1, 0.9), (0.9, 0.9)]]
    objects = [
        {"strokeWidth": 18, "path": [["L" if k else "M", 280 * x, 280 * y] for k, (x, y) in enumerate(line)]}
        for line in lines
    ]
    draw(app, strokes.render(tuple(map(np.array, lines)), 18))
    app.session_state["canvas"]["drawing"]["raw"]["objects"] = objects
    app.run()
    press(app, "Undo")
    assert answers(app)[0].startswith("**It reads a 7**")
    press(app, "Undo")
    assert not answers(app)
    assert app.button[0].label == "Undo"
    assert app.button[0].disabled
    draw(app, ONE)
    assert answers(app)[0].startswith("**It reads a 1**")


def test_drawings_survive_a_reload_and_are_the_same_in_all_tabs(app: AppTest, own_saver: None) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    choose_label(app, 1)
    assert saver.shared().wait_until_saved(MINUTES)
    own_work._all.clear()  # Another server, or this one after a restart.
    again = new_session(app, "pages/draw.py")
    draw(again, ONE)
    assert [one.label for one in labelled(again)] == [1]
    np.testing.assert_array_equal(labelled(again)[0].image, labelled(app)[0].image)
    other = new_session(again, "pages/draw.py")
    other.session_state["own"] = True
    other.run()
    press(other, "Delete all")
    assert labelled(again) == ()
    assert saver.shared().wait_until_saved(MINUTES)
    assert saver.shared().store.files.names(app.session_state["workspace"]) == set()


def test_drawings_that_cannot_be_saved_stay_in_the_tab(
    app: AppTest, own_saver: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> None:
        raise StoreError("The disk with the saved runs is full.", "Delete some.")

    with monkeypatch.context() as patch:
        patch.setattr(saver.shared().store.files, "save", refuse)
        app.switch_page("pages/draw.py").run()
        draw(app, ONE)
        choose_label(app, 1)
        token = app.session_state["workspace"]
        wait_until(lambda: bool(saver.shared().file_trouble(token, "drawings")))
        app.session_state["own"] = True
        app.run()
        assert any("not being saved. The disk" in box.value for box in app.warning)
        assert [one.label for one in labelled(app)] == [1]


def test_drawings_made_while_the_saved_ones_cannot_be_read_replace_nothing(
    app: AppTest, own_saver: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    choose_label(app, 1)
    assert saver.shared().wait_until_saved(MINUTES)

    def fail(*_args: object) -> None:
        raise StoreError("The database of saved runs is busy.", "Try again in a minute.")

    own_work._all.clear()  # Another server, or this one after a restart.
    with monkeypatch.context() as patch:
        patch.setattr(saver.shared(), "load_file", fail)
        again = new_session(app, "pages/draw.py")
        draw(again, strokes.render((np.array([[0.3, 0.2], [0.7, 0.2], [0.45, 0.85]]),), 18))
        choose_label(again, 7)
        again.session_state["own"] = True
        again.run()
        assert [one.label for one in labelled(again)] == [7]
        assert any("not being saved. The database" in box.value for box in again.warning)
    again.run()
    assert [one.label for one in labelled(again)] == [1, 7]
    choose_label(again, 4)
    assert saver.shared().wait_until_saved(MINUTES)
    stored = own_drawings.unpack(saver.shared().store.files.load(app.session_state["workspace"], "drawings") or b"")
    assert [one.label for one in stored.tests] == [1, 4]


def test_two_digits_are_named_beside_the_answer(app: AppTest) -> None:
    app.switch_page("pages/draw.py").run()
    one, seven = np.array([[0.2, 0.2], [0.2, 0.8]]), np.array([[0.55, 0.2], [0.85, 0.2], [0.62, 0.8]])
    draw(app, strokes.render((one, seven), 18))
    assert not app.exception
    said = [caption.value for caption in app.caption if "lightbulb" in caption.value]
    assert said == [":material/lightbulb: This looks like two digits: a 1 and a 7. Draw one digit at a time."]


def test_letter_is_questioned_and_a_network_of_digits_is_explained(app: AppTest) -> None:
    train_briefly(app)
    app.switch_page("pages/draw.py").run()
    letter = (np.array([[0.15, 0.85], [0.15, 0.2], [0.5, 0.7], [0.85, 0.2], [0.85, 0.85]]),)
    draw(app, strokes.render(letter, 18))
    assert not app.exception
    said = [*(text.value for text in app.markdown), *(text.value for text in app.caption)]
    # Which of the two depends on how confident the briefly trained network is.
    if any("It reads" in box.value for box in app.info):
        assert any("must choose one of ten" in text for text in said)
    else:
        assert any("Is this a letter or a scribble?" in text for text in said)
    draw(app, ONE)
    said = [*(text.value for text in app.markdown), *(text.value for text in app.caption)]
    assert not any("must choose one of ten" in text or "letter or a scribble" in text for text in said)
