"""The Draw page with a network whose classes are clothes, beside the built-in one for digits."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.data import datasets
from mnist_core.drawing import strokes
from mnist_core.evaluation import Prediction
from pages.widgets.draw import reading
from pages.widgets.state import data_sets
from tests.pages.visitor import ONE, draw, labelled, press, wait_for_end

NAMES = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
DIGITS = tuple("0123456789")
SMALL = strokes.render((np.array([[0.2, 0.2], [0.2, 0.35]]),), 10)


@pytest.fixture
def drawn(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A visitor who has trained a network on clothes, and drawn something for it and the built-in one."""
    loading = data_sets.loading_data_set("embedded")
    assert loading.done.wait(60)
    monkeypatch.setattr(loading, "dataset", dataclasses.replace(datasets.load("embedded"), class_names=NAMES))
    next(number for number in app.number_input if number.label == "Epochs").set_value(2).run()
    press(app, "Train")
    wait_for_end(app)
    app.switch_page("pages/draw.py").run()
    draw(app, ONE)
    assert not app.exception
    return app


def bars(app: AppTest) -> list[dict[str, list[Any]]]:
    """The tables of the bar charts, one for each network."""
    charts = [pa.ipc.open_stream(chart.proto.data.data).read_all() for chart in app.get("vega_lite_chart")]
    return [table.to_pydict() for table in charts]


def read_as(app: AppTest) -> str:
    """The class with the longest bar of the first network."""
    table = bars(app)[0]
    return str(table["digit"][int(np.argmax(table["probability"]))])


def captions(app: AppTest) -> list[str]:
    return [picture.caption for image in app.get("image") for picture in image.proto.imgs]


def test_answer_and_bars_have_the_names_of_the_networks_own_classes(drawn: AppTest) -> None:
    ours, built_in = bars(drawn)
    assert tuple(ours["digit"]) == NAMES
    assert tuple(built_in["digit"]) == DIGITS
    ours_says, built_in_says = [box.value for box in (*drawn.info, *drawn.warning)]
    if "a 1" in ours_says:
        ours_says, built_in_says = built_in_says, ours_says
    assert read_as(drawn) in ours_says
    assert not any(character.isdigit() for character in ours_says.partition("(")[0])
    assert built_in_says.startswith("**It reads a 1**")
    alt = [chart.proto.alt for chart in drawn.get("vega_lite_chart")]
    assert alt[0].startswith(f"Bars, one for each class: {read_as(drawn)} has the largest share")
    assert alt[1].startswith("Bars, one for each digit: the 1 has the largest share")
    assert any(text.value == f"Draw one of these: {', '.join(NAMES)}" for text in drawn.caption)


def test_empty_bars_have_the_names_too(drawn: AppTest) -> None:
    draw(drawn, np.full((280, 280, 4), 255, np.uint8))
    assert [tuple(table["digit"]) for table in bars(drawn)] == [NAMES, DIGITS]


def test_network_for_clothes_gets_no_advice_for_reading_digits(drawn: AppTest) -> None:
    assert not any("augmentation" in text.value for text in drawn.markdown)


@pytest.mark.parametrize("folded", ["doctor", "why", "alike"])
def test_explanations_use_the_names(drawn: AppTest, folded: str) -> None:
    drawn.session_state[folded] = True
    draw(drawn, SMALL)
    assert not drawn.exception
    texts = [*captions(drawn), *(text.value for text in drawn.markdown)]
    word = {"doctor": ": **{}** (", "why": "ink supports {}", "alike": "{}"}[folded]
    assert any(word.format(name) in text for text in texts for name in NAMES)
    assert not any(word.format(digit) == text or f": **{digit}** (" in text for text in texts for digit in DIGITS)


def test_drawing_is_labelled_with_a_name_and_tests_the_networks_that_have_it(drawn: AppTest) -> None:
    own = drawn.multiselect(key="networks").value[0]
    (question,) = drawn.button_group
    assert tuple(question.options) == NAMES
    question.set_value(1).run()
    assert any("Saved to your test set as Trouser." in text.value for text in drawn.caption)
    drawn.session_state["own"] = True
    drawn.run()
    assert "Trouser" in captions(drawn)
    standing = [text.value for text in drawn.markdown if "read right" in text.value]
    right = int(read_as(drawn) == "Trouser")
    assert len(standing) == 1
    assert f"**{right} of 1** read right" in standing[0]
    # The built-in network has a test set of digits, which is empty.
    drawn.multiselect(key="networks").set_value(["shipped"]).run()
    assert tuple(drawn.button_group[0].options) == DIGITS
    assert not any("read right" in text.value for text in drawn.markdown)
    drawn.button_group[0].set_value(7).run()
    assert any("**0 of 1** read right" in text.value for text in drawn.markdown)
    press(drawn, "Delete all")
    assert [one.label for one in labelled(drawn)] == [1]
    drawn.multiselect(key="networks").set_value([own]).run()
    assert any("Saved to your test set as Trouser." in text.value for text in drawn.caption)


def test_unlikely_answer_names_no_class() -> None:
    uniform = Prediction(np.full(10, 0.1, np.float32))
    assert reading.answer_sentence(uniform, NAMES) == "This does not look like one of its classes to the network."
    assert reading.answer_sentence(uniform) == "This does not look like a digit to the network."


def test_unsure_answer_names_two_classes() -> None:
    shares = np.array([0, 0, 0, 0.5, 0, 0, 0, 0, 0, 0.4], np.float32)
    assert reading.answer_sentence(Prediction(shares), NAMES) == "Not sure. Perhaps Dress (50%), perhaps Ankle boot."
