"""Figures for print: the positions of their marks, and both file formats."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import io
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from mnist_core.charts.style import ERROR, INK
from mnist_core.export import print_charts
from mnist_core.export.print_charts import WIDTH, PrintChart
from mnist_core.training import EpochMetrics, Progress

ROOT = Path(__file__).parents[2]
NAMESPACE = "{http://www.w3.org/2000/svg}"
EPOCHS = [EpochMetrics(1, 1.0, 0.5, 0.8, 0.6, 0.01), EpochMetrics(2, 0.5, 0.8, 0.6, 0.7, 0.01)]
POINTS = [Progress(1 + i // 4, 1 + i % 4, 2.0 - 0.2 * i, 0.1 * i, 1.0, None) for i in range(8)]


def elements(chart: PrintChart, tag: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(chart.svg()).iter(NAMESPACE + tag))


def texts(chart: PrintChart) -> list[str]:
    return [mark.text or "" for mark in elements(chart, "text")]


def paths(chart: PrintChart, style: str) -> list[np.ndarray]:
    """Return the corners of each path with `style`, (n, 2) in CSS pixels from the top left corner."""
    found = [mark.attrib["d"] for mark in elements(chart, "path") if style in mark.attrib.get("style", "")]
    return [np.array(re.findall(r"-?[\d.]+", path), float).reshape(-1, 2) * 96 / 72 for path in found]


def line(chart: PrintChart, color: str) -> np.ndarray:
    (found,) = paths(chart, f"stroke: {color}; stroke-width: 1.125")
    return found


def test_accuracy_axis_from_0_to_100_percent() -> None:
    chart = print_charts.curve("accuracy", EPOCHS, POINTS, 4)
    assert {"0%", "20%", "40%", "60%", "80%", "100%", "0", "1", "2", "epoch", "training", "validation"} <= set(
        texts(chart)
    )
    training, validation = line(chart, INK), line(chart, ERROR)
    assert len(training) == 8
    # The last points of both curves are at the end of epoch 2, at 70 %.
    assert training[-1] == pytest.approx(validation[-1])
    assert training[-1][0] == pytest.approx(WIDTH - 16)
    heights = training[:, 1]
    assert np.diff(heights) == pytest.approx(np.full(7, np.diff(heights).mean()), abs=0.11)
    assert heights[0] > heights[-1]
    dots = paths(chart, f"fill: {ERROR}")
    assert len(dots) == 2
    for dot, place in zip(dots, validation, strict=True):  # Round ones, six pixels across.
        assert (dot.min(axis=0) + dot.max(axis=0)) / 2 == pytest.approx(place, abs=0.01)
        assert np.ptp(dot, axis=0) == pytest.approx([6, 6], abs=0.01)


def test_loss_axis_includes_the_highest_value() -> None:
    training = line(print_charts.curve("loss", EPOCHS, POINTS, 4), INK)
    assert training[:, 1].argmin() == 0
    assert training[0][1] >= 28


def test_run_without_validation_has_one_curve() -> None:
    chart = print_charts.curve("loss", [EpochMetrics(1, 1.0, 0.5, None, None, 0.01)], POINTS, 4)
    assert "validation" not in texts(chart)
    assert not paths(chart, f"fill: {ERROR}")


@pytest.mark.parametrize("count", [1, 240, 241, 5000])
def test_long_curve_is_thinned_to_its_end(count: int) -> None:
    points = [Progress(1, i + 1, 1.0, 0.5, 1.0, None) for i in range(count)]
    places = line(print_charts.curve("loss", [], points, count), INK)
    assert len(places) <= 240
    assert places[-1][0] == pytest.approx(WIDTH - 16)


def test_confusion_matrix_counts_in_their_cells() -> None:
    matrix = np.arange(100).reshape(10, 10)
    chart = print_charts.confusion(matrix)
    numbers = [text for text in texts(chart) if text.isdigit()]
    # Ten column headings, ten row headings, and all counts but the 0.
    assert sorted(map(int, numbers)) == sorted([*range(1, 100), *range(10), *range(10)])
    cells = [path for color in (INK, ERROR) for path in paths(chart, f"fill: {color}")]
    assert len(cells) == 99  # The cell of the 0 stays blank.
    middles = sorted(tuple(((cell.min(axis=0) + cell.max(axis=0)) / 2)[::-1].round(1)) for cell in cells)
    for mark in elements(chart, "text"):
        if (mark.text or "").isdigit() and int(mark.text or "") > 9:
            y, x = middles[int(mark.text or "") - 1]
            assert float(mark.attrib["x"]) * 96 / 72 == pytest.approx(x, abs=0.2)
            assert 0 < float(mark.attrib["y"]) * 96 / 72 - y < 8  # The baseline of the text is below the middle.


def test_empty_rows_of_a_matrix_are_white() -> None:
    chart = print_charts.confusion(np.zeros((10, 10), np.int64))
    pixels = np.asarray(Image.open(io.BytesIO(chart.png())).convert("RGB"))
    assert (pixels[100:-20, 140:-50] == 255).all()


def test_class_names_label_rows_and_columns() -> None:
    names = [f"Class <{letter}>" for letter in "abcdefghij"]
    chart = print_charts.confusion(np.eye(10, dtype=np.int64), names)
    assert all(texts(chart).count(name) == 2 for name in names)
    assert "true classes" in chart.title


def test_title_is_escaped_in_svg() -> None:
    chart = dataclasses.replace(print_charts.confusion(np.eye(10, dtype=np.int64)), title="<title> & co")
    assert ElementTree.fromstring(chart.svg()).findtext(NAMESPACE + "title") == "<title> & co"


def test_both_formats_show_the_same_marks() -> None:
    matrix = np.eye(10, dtype=np.int64)
    matrix[3, 5] = 1
    chart = print_charts.confusion(matrix)
    picture = Image.open(io.BytesIO(chart.png()))
    height = float(elements(chart, "svg")[0].attrib["height"].removesuffix("pt")) * 96 / 72
    assert picture.size == (2 * WIDTH, round(2 * height))
    pixels = np.asarray(picture.convert("RGB")).astype(float)
    # The corners of the cells, beside the numbers: coloured on the diagonal and at the one mistake.
    for color in (INK, ERROR):
        full = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])
        for place in paths(chart, f"fill: {color}"):
            middle = (place.min(axis=0) + place.max(axis=0)) / 2
            row, column = ((middle - corner_of_cells(chart)) / np.ptp(place, axis=0).max() // 1).astype(int)[::-1]
            total = matrix[row].sum()
            share = 0.85 * min(1.0, matrix[row, column] / total * (1 if row == column else 10))
            x, y = (2 * place.min(axis=0) + 6).astype(int)
            assert pixels[y, x] == pytest.approx(255 + share * (full - 255), abs=2)


def corner_of_cells(chart: PrintChart) -> np.ndarray:
    cells = [path for color in (INK, ERROR) for path in paths(chart, f"fill: {color}")]
    return np.asarray(np.min([cell.min(axis=0) for cell in cells], axis=0))


def test_same_files_from_every_thread() -> None:
    def files(_: int) -> tuple[str, bytes]:
        chart = print_charts.curve("loss", EPOCHS, POINTS, 4)
        return chart.svg(), chart.png()

    first = files(0)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(made == first for made in pool.map(files, range(8)))
    assert f"{datetime.datetime.now(datetime.UTC).year}-" not in first[0]


def test_matplotlib_is_imported_lazily_without_pyplot() -> None:
    program = """
import sys
import mnist_core.export.report
from mnist_core.export import print_charts
import numpy
assert "matplotlib" not in sys.modules
print_charts.confusion(numpy.eye(10, dtype=int)).png()
assert "matplotlib" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""
    child = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
