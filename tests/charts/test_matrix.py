"""Confusion matrices: each number is readable in its cell, and its colour depends only on its share of the row."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest

from mnist_core.charts.matrix import confusion_matrix, difference_matrix, enlarge
from mnist_core.evaluation import metrics
from pages.widgets.common import cell_clicks

if TYPE_CHECKING:
    import plotly.graph_objects as go

Matrix = npt.NDArray[np.int64]
LIGHT, DARK = ("#ffffff", "#31333f"), ("#171614", "#fafafa")
RANDOM = np.random.default_rng(4)


def good_network() -> Matrix:
    """The matrix of a network that reads 98 of 100 digits."""
    return np.diag(np.full(10, 980)) + RANDOM.integers(0, 5, (10, 10))


def untrained_network() -> Matrix:
    """The matrix of an untrained network: all answers are equally frequent."""
    return RANDOM.integers(80, 120, (10, 10))


def always_one() -> Matrix:
    """The matrix of a network that always answers 1."""
    matrix = np.zeros((10, 10), np.int64)
    matrix[:, 1] = 1000
    return matrix


def all_shares() -> Matrix:
    """A matrix with every share of a row from 0 to 100 %."""
    steps = np.arange(100).reshape(10, 10)
    matrix = steps.copy()
    matrix[:, 0] += 1000 - matrix.sum(axis=1)
    return matrix


MATRICES = (good_network, untrained_network, always_one, all_shares, all_shares().T.copy)


def luminance(color: str) -> float:
    """Return the relative luminance (WCAG 2.2) of "#rrggbb"."""
    assert len(color) == 7
    channels = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def on_scale(scale: Any, low: float, high: float, value: float) -> str:
    """Return the colour of a value in Plotly's heatmap: linear in RGB between the stops of the scale."""
    places = [stop for stop, _ in scale]
    parts = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for _, color in scale])
    place = (value - low) / (high - low)
    return "#{:02x}{:02x}{:02x}".format(*(int(np.rint(np.interp(place, places, part))) for part in parts.T))


def figure_cells(figure: go.Figure, ground: str = LIGHT[0]) -> list[dict[str, Any]]:
    """Return the cells of a figure, row by row, with their colours as in a browser."""
    below, numbers = figure.data
    assert (below.type, numbers.type) == ("heatmap", "scatter")
    written = dict(
        zip(
            zip(numbers.y, numbers.x, strict=True),
            zip(numbers.text, numbers.textfont.color, strict=True),
            strict=True,
        )
    )
    cells = []
    for true, row in zip(below.y, below.z, strict=True):
        for answer, value in zip(below.x, row, strict=True):
            color = ground if value is None else on_scale(below.colorscale, below.zmin, below.zmax, value)
            text, text_color = written.pop((true, answer), ("", None))
            cells.append({"true": true, "answer": answer, "color": color, "text": text, "text_color": text_color})
    assert not written
    return cells


def cells_of(confusion: Matrix, view: str = "Counts", colors: tuple[str, str] = LIGHT) -> list[dict[str, Any]]:
    values = metrics.CONFUSION_VIEWS[view](confusion)
    texts = [
        [metrics.share_text(value) if values.dtype.kind == "f" else str(value or "") for value in row]
        for row in values.tolist()
    ]
    return figure_cells(confusion_matrix(confusion, texts, range(10), colors), colors[0])


def difference_of(matrix: Matrix, colors: tuple[str, str] = LIGHT) -> list[dict[str, Any]]:
    return figure_cells(difference_matrix(matrix, colors), colors[0])


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("view", metrics.CONFUSION_VIEWS)
@pytest.mark.parametrize("make", MATRICES)
def test_matrix_numbers_are_readable(make: Callable[[], Matrix], view: str, colors: tuple[str, str]) -> None:
    numbers = [cell for cell in cells_of(make(), view, colors) if cell["text"]]
    assert numbers
    for cell in numbers:
        assert contrast(cell["color"], cell["text_color"]) >= 4.5, cell


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("make", MATRICES)
def test_difference_numbers_are_readable(make: Callable[[], Matrix], colors: tuple[str, str]) -> None:
    numbers = [cell for cell in difference_of(make() - good_network(), colors) if cell["text"]]
    assert numbers
    for cell in numbers:
        assert contrast(cell["color"], cell["text_color"]) >= 4.5, cell


def test_cell_has_each_count_in_its_place() -> None:
    matrix = np.arange(100).reshape(10, 10)
    found = {(int(cell["true"]), int(cell["answer"])): cell["text"] for cell in cells_of(matrix)}
    assert found == {(i, j): str(10 * i + j or "") for i in range(10) for j in range(10)}


def test_few_right_of_many_are_pale() -> None:
    """14 of 1,028 on the diagonal are as pale as 14 mistakes of 1,028."""
    matrix = np.zeros((10, 10), np.int64)
    matrix[7, 7], matrix[7, 3] = 14, 1014
    matrix[2, 2], matrix[2, 5] = 1014, 14
    looks = {(int(cell["true"]), int(cell["answer"])): luminance(cell["color"]) for cell in cells_of(matrix)}
    assert looks[7, 7] > 0.75 > looks[2, 2]
    assert looks[2, 5] > 0.75 > looks[7, 3]


def test_equal_shares_have_the_same_colour() -> None:
    few, many = (np.diag(np.full(10, n)) + np.eye(10, k=1, dtype=np.int64) * n for n in (4, 400))
    colors = [[cell["color"] for cell in cells_of(matrix)] for matrix in (few, many)]
    assert colors[0] == colors[1]
    shares = [cell["color"] for cell in cells_of(many, "Shares of each true digit")]
    assert shares == colors[0]


def test_right_is_blue_and_wrong_is_orange() -> None:
    for cell in cells_of(untrained_network()):
        red, blue = int(cell["color"][1:3], 16), int(cell["color"][5:7], 16)
        assert (blue > red) == (cell["true"] == cell["answer"])


def test_only_the_chosen_cell_is_marked() -> None:
    matrix = good_network()
    texts = [[""] * 10] * 10
    figure = confusion_matrix(matrix, texts, range(10), LIGHT, chosen=(4, 9))
    (frame,) = figure.layout.shapes
    assert [round(frame.y0), round(frame.y1), round(frame.x0), round(frame.x1)] == [4, 4, 9, 9]
    assert frame.line.color == LIGHT[1]
    assert confusion_matrix(matrix, texts, range(10), LIGHT).layout.shapes == ()


def test_mistakes_only_view_omits_the_diagonal() -> None:
    matrix = untrained_network()
    texts = [[str(value) for value in row] for row in matrix.tolist()]
    cells = figure_cells(confusion_matrix(matrix, texts, range(10), LIGHT, only_errors=True))
    assert {cell["text"] for cell in cells if cell["true"] == cell["answer"]} == {""}
    assert sum(bool(cell["text"]) for cell in cells) == 90


@pytest.mark.parametrize("sent", [None, "12", [1], [1, 2, 0], [1, 3], [1, -1], [1.0, 2], [True, 2], [[1], 2], {"1": 2}])
def test_invalid_cell_is_not_chosen(sent: Any) -> None:
    assert cell_clicks.clicked_cell(sent, [0, 1, 2]) is None


def test_clicked_cell_gives_true_digit_and_answer() -> None:
    assert cell_clicks.clicked_cell([2, 0], [0, 1, 2]) == (2, 0)


def test_three_classes_have_a_3x3_matrix() -> None:
    matrix = np.zeros((10, 10), np.int64)
    matrix[:3, :3] = [[5, 1, 0], [0, 6, 0], [1, 0, 4]]
    assert metrics.classes_in(matrix) == [0, 1, 2]
    texts = [[str(value or "") for value in row] for row in matrix.tolist()]
    figure = confusion_matrix(matrix, texts, metrics.classes_in(matrix), LIGHT, "class")
    json.loads(figure.to_json())
    assert figure.data[0].x == figure.data[0].y == ("0", "1", "2")
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("answer", "true class")
    # The cells fill the plot area, with the first row on top, so that a position gives the clicked cell.
    assert figure.layout.xaxis.range == (-0.5, 2.5)
    assert figure.layout.yaxis.range == (2.5, -0.5)
    matrix[0, 7] = 1  # The network may answer a class without images.
    assert metrics.classes_in(matrix) == [0, 1, 2, 7]


FASHION = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def test_axes_and_hover_texts_use_class_names() -> None:
    matrix = np.diag(np.arange(1, 11))
    matrix[9, 7] = 3
    figure = confusion_matrix(matrix, matrix.astype(str).tolist(), [7, 9], LIGHT, "class", (9, 7), names=FASHION)
    assert figure.data[0].x == figure.data[0].y == ("Sneaker", "Ankle boot")
    assert figure.data[0].text[1][0] == "3 of 13 images of Ankle boot read as Sneaker (23.1%)"
    frame = figure.layout.shapes[0]
    assert (frame.x0 + frame.x1, frame.y0 + frame.y1) == (0, 2)
    digits = confusion_matrix(matrix, matrix.astype(str).tolist(), [7, 9], LIGHT)
    assert figure.layout.margin.l >= digits.layout.margin.l + 6 * len("Ankle boot")
    difference = difference_matrix(matrix, LIGHT, names=FASHION)
    assert (difference.data[0].x, difference.layout.yaxis.title.text) == (FASHION, "true class")


def test_matrix_of_a_wall_has_large_names_and_colors_without_numbers() -> None:
    matrix = good_network()
    usual, large = (confusion_matrix(matrix, matrix.astype(str).tolist(), range(10), LIGHT) for _ in "ab")
    enlarge(large, 28)
    for axis in (large.layout.xaxis, large.layout.yaxis):
        assert axis.tickfont.size == axis.title.font.size == 28
    assert large.layout.margin.l > usual.layout.margin.l
    assert large.data[0] == usual.data[0]
    assert [trace.visible for trace in large.data[1:]] == [False]


def test_difference_numbers_have_a_sign() -> None:
    matrix = np.random.default_rng(1).integers(-30, 10, (10, 10))
    matrix[2, 3] = 0
    cells = {(int(cell["true"]), int(cell["answer"])): cell["text"] for cell in difference_of(matrix)}
    assert cells[2, 3] == ""
    for (true, answer), text in cells.items():
        assert int(text.replace("−", "-") or 0) == matrix[true, answer]
        assert not text or text[0] in "+−"


def test_difference_colours_are_symmetric() -> None:
    matrix = np.zeros((10, 10), np.int64)
    matrix[0, 0], matrix[1, 1] = -7, 7
    same = {cell["color"] for cell in difference_of(np.zeros((10, 10), np.int64))}
    assert same == {"#ffffff"}  # Two equal matrices.
    cells = difference_of(matrix)
    alone = difference_of(np.where(matrix > 0, matrix, 0))
    assert cells[11]["color"] == alone[11]["color"] != cells[0]["color"]


@pytest.mark.parametrize(
    ("share", "text"), [(0, ""), (1, "100%"), (0.0001, "<0.1%"), (0.0005, "0.1%"), (0.982, "98.2%"), (0.9999, "100.0%")]
)
def test_share_in_percent(share: float, text: str) -> None:
    assert metrics.share_text(share) == text
