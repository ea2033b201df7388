"""Figures for paper: where their marks stand, and that both formats can be read."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from mnist_core.charts.style import ERROR, INK
from mnist_core.export import print_charts
from mnist_core.export.print_charts import WIDTH, Sheet
from mnist_core.training import EpochMetrics, Progress

NAMESPACE = "{http://www.w3.org/2000/svg}"
EPOCHS = [EpochMetrics(1, 1.0, 0.5, 0.8, 0.6, 0.01), EpochMetrics(2, 0.5, 0.8, 0.6, 0.7, 0.01)]
POINTS = [Progress(1 + i // 4, 1 + i % 4, 2.0 - 0.2 * i, 0.1 * i, 1.0, None) for i in range(8)]


def marks(sheet: Sheet, tag: str) -> list[dict[str, str]]:
    return [dict(mark.attrib) for mark in ElementTree.fromstring(sheet.svg()).iter(NAMESPACE + tag)]


def texts(sheet: Sheet) -> list[str]:
    return [mark.text or "" for mark in ElementTree.fromstring(sheet.svg()).iter(NAMESPACE + "text")]


def line(sheet: Sheet, color: str) -> list[tuple[float, ...]]:
    (found,) = [mark["points"] for mark in marks(sheet, "polyline") if mark["stroke"] == color]
    return [tuple(map(float, place.split(","))) for place in found.split()]


def test_accuracy_stands_between_nothing_and_all() -> None:
    sheet = print_charts.curve("accuracy", EPOCHS, POINTS, 4)
    assert {"0%", "20%", "40%", "60%", "80%", "100%", "0", "1", "2", "epoch", "training", "validation"} <= set(
        texts(sheet)
    )
    training, validation = line(sheet, INK), line(sheet, ERROR)
    assert len(training) == 8
    # The last points of both curves stand at the end of epoch 2, both at 70 %.
    assert training[-1] == pytest.approx(validation[-1])
    assert training[-1][0] == WIDTH - 16
    heights = [y for _, y in training]
    assert np.diff(heights) == pytest.approx(np.full(7, np.diff(heights).mean()), abs=0.11)
    assert heights[0] > heights[-1]
    assert len(marks(sheet, "circle")) == 2


def test_loss_has_room_for_its_highest_value() -> None:
    training = line(print_charts.curve("loss", EPOCHS, POINTS, 4), INK)
    assert training[0] == min(training, key=lambda place: place[1])
    assert training[0][1] >= 28


def test_run_without_validation_has_one_curve() -> None:
    sheet = print_charts.curve("loss", [EpochMetrics(1, 1.0, 0.5, None, None, 0.01)], POINTS, 4)
    assert "validation" not in texts(sheet)
    assert not marks(sheet, "circle")


@pytest.mark.parametrize("count", [1, 240, 241, 5000])
def test_long_curve_is_thinned_and_keeps_its_end(count: int) -> None:
    points = [Progress(1, i + 1, 1.0, 0.5, 1.0, None) for i in range(count)]
    places = line(print_charts.curve("loss", [], points, count), INK)
    assert len(places) <= 240
    assert places[-1][0] == WIDTH - 16


def test_confusion_matrix_has_its_counts_where_they_belong() -> None:
    matrix = np.arange(100).reshape(10, 10)
    sheet = print_charts.confusion(matrix)
    found = [mark for mark in marks(sheet, "text") if mark["text-anchor"] == "middle"]
    numbers = [text for text in texts(sheet) if text.isdigit()]
    assert len(found) > 100
    # Ten heads of columns, ten of rows, and all counts but the 0.
    assert sorted(map(int, numbers)) == sorted([*range(1, 100), *range(10), *range(10)])
    assert len(marks(sheet, "rect")) == 101


def test_empty_rows_of_a_matrix_are_white() -> None:
    colors = {mark["fill"] for mark in marks(print_charts.confusion(np.zeros((10, 10), np.int64)), "rect")}
    assert colors == {"white", "#ffffff"}


def test_words_are_escaped_in_svg() -> None:
    sheet = Sheet("<title> & co", 40)
    sheet.words(5, 20, "a < b & c", "start")
    assert texts(sheet) == ["a < b & c"]
    assert ElementTree.fromstring(sheet.svg()).findtext(NAMESPACE + "title") == "<title> & co"


def test_both_formats_show_the_same_marks() -> None:
    sheet = Sheet("marks", 100)
    sheet.box(10, 20, 30, 40, INK)
    sheet.line([(100, 50), (200, 50)], ERROR, 4)
    sheet.dot(300, 50, INK)
    picture = Image.open(io.BytesIO(sheet.png()))
    assert picture.size == (2 * WIDTH, 200)
    pixels = np.asarray(picture.convert("RGB"))

    def color(x: int, y: int) -> str:
        return "#" + "".join(f"{part:02x}" for part in pixels[2 * y, 2 * x])

    assert color(25, 40) == INK
    assert color(150, 50) == ERROR
    assert color(300, 50) == INK
    assert color(5, 40) == color(150, 60) == color(310, 50) == "#ffffff"
    assert len(re.findall("<(?:rect|polyline|circle) ", sheet.svg())) == 4


def test_png_has_words_on_it() -> None:
    sheet = Sheet("words", 40)
    blank = sheet.png()
    sheet.words(100, 25, "accuracy", "middle")
    pixels = np.asarray(Image.open(io.BytesIO(sheet.png())).convert("L"))
    inked = np.flatnonzero((pixels < 128).any(axis=0))
    assert sheet.png() != blank
    assert abs((inked[0] + inked[-1]) / 2 - 200) < 8
