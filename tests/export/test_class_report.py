"""What a class has handed in, as a page and as a table."""

from __future__ import annotations

import csv
import html.parser
import io
import re

import numpy as np

from mnist_core.classes import Ask, Draw, Train, progress
from mnist_core.classes.class_test import ClassDrawing, ClassTest
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.drawing import test_set
from mnist_core.drawing.test_set import LabelledDrawing
from mnist_core.export import class_report
from mnist_core.language import speaking
from mnist_core.store.handed_in import SavedDrawing, TrainedRun, Work
from mnist_core.training import Status

OWN = Ask("q1", "", "Is <b>1</b> & 2 = 3?", ("yes", "no"), 0)
OPINION = Ask("q2", "", "Do you like it?", ("yes", "no"), None)
NETWORK = Train("n1", "layers=none&validation_fraction=0.1", accuracy=0.9, parameters=10_000)
PLAN = (OWN, OPINION, NETWORK)
SMALL, LARGE = RunConfig(layers=()), RunConfig(layers=(LayerConfig(units=32),))
NAMES = {1: "blue otter", 2: "red fox"}


def run(accuracy: float | None, config: RunConfig = SMALL) -> TrainedRun:
    return TrainedRun("", 0.0, config.to_json(), Status.FINISHED.value, 3, 0.99, accuracy)


WORKS = [
    Work(1, "n1", {}, 0.5, (run(0.85), run(0.92)), seconds=61.4),
    Work(2, "n1", {}, None, (run(0.95, LARGE),)),
    Work(3, "n1", {}, 0.7, ()),
    Work(1, "q1", {1: 1, 2: 0}, None, ()),
    Work(2, "q1", {1: 0}, None, (), seconds=0.2),
    Work(3, "q1", {1: 0, 2: 1}, None, ()),
    Work(2, "q2", {1: 1}, None, ()),
    Work(2, "gone", {1: 1}, None, ()),
]


class _Cells(html.parser.HTMLParser):
    """The tables of a page, as rows of texts; and whether it asks for anything from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self._is_in_cell = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._is_in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._is_in_cell = self._is_in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._is_in_cell:
            self.rows[-1][-1] += data


def cells(page: str) -> _Cells:
    found = _Cells()
    found.feed(page)
    return found


def test_table_has_a_row_for_each_seat_and_task() -> None:
    rows = list(csv.reader(io.StringIO(class_report.class_csv(PLAN, WORKS, NAMES))))
    assert tuple(rows[0]) == class_report.COLUMNS
    what = "Is <b>1</b> & 2 = 3?"
    assert rows[1:4] == [
        ["1", what, "blue otter", "no", "yes", "yes", "", "", "", "", "", "", "", ""],
        ["1", what, "red fox", "yes", "", "yes", "0", "", "", "", "", "", "", ""],
        ["1", what, "seat 3", "yes", "no", "no", "", "", "", "", "", "", "", ""],
    ]
    assert rows[4] == ["2", "Do you like it?", "red fox", "no", "", "", "", "", "", "", "", "", "", ""]
    assert [row[2:] for row in rows[5:]] == [
        ["blue otter", "", "", "", "61", "0.5", "2", "0.92", "yes", "", "", ""],
        ["red fox", "", "", "", "", "", "1", "0.95", "no", "", "", ""],
        ["seat 3", "", "", "", "", "0.7", "0", "", "no", "", "", ""],
    ]


def test_task_that_was_over_before_a_seat_was_taken_is_missed() -> None:
    works = [Work(2, "q1", {1: 0}, None, (), seconds=5.0)]
    missed = {1: {"q1", "n1"}, 2: set[str]()}
    rows = list(csv.DictReader(io.StringIO(class_report.class_csv(PLAN, works, NAMES, {}, missed))))
    assert [(row["task"], row["seat"], row["missed"]) for row in rows] == [
        ("1", "blue otter", "yes"), ("1", "red fox", ""), ("3", "blue otter", "yes")
    ]  # fmt: skip
    assert {value for name, value in rows[2].items() if name not in ("task", "what", "seat", "missed")} == {""}
    page = class_report.class_page("", PLAN, works, NAMES, {}, missed)
    assert cells(page).rows[-2:] == [["blue otter", "missed", "", "missed"], ["red fox", "✓", "", ""]]
    assert "Seats with work handed in: 1." in page


def test_page_counts_the_votes_and_names_the_seats() -> None:
    page = class_report.class_page("9b", PLAN, WORKS, NAMES)
    found = cells(page)
    assert ["yes ✓", "2", "1"] in found.rows
    assert ["no", "1", "1"] in found.rows
    assert ["blue otter", "✓", "", "92.0%"] in found.rows
    assert ["red fox", "✓", "·", "95.0%"] in found.rows
    assert ["seat 3", "✗", "", ""] in found.rows
    assert "Networks: 3." in page
    assert "The best validation accuracy is 95.0%, with 25,450 parameters" in page
    assert "Half of the guesses are 60% or less." in page
    assert "Seats that reached the goal: 1." in page


def test_page_shows_a_teachers_text_as_it_stands_and_asks_for_nothing() -> None:
    page = class_report.class_page("<script>alert(1)</script>", PLAN, WORKS, NAMES)
    assert not {"script", "link", "img", "b"} & cells(page).tags
    assert "&lt;b&gt;1&lt;/b&gt; &amp; 2" in page
    assert "http" not in page


def test_class_without_work() -> None:
    assert len(list(csv.reader(io.StringIO(class_report.class_csv(PLAN, [], {}))))) == 1
    assert "Seats with work handed in: 0." in class_report.class_page("", PLAN, [], {})


def test_same_in_all_languages() -> None:
    texts = []
    for language in ("en", "de"):
        with speaking(language):
            texts.append(
                (class_report.class_csv(PLAN, WORKS, NAMES), class_report.class_page("9b", PLAN, WORKS, NAMES))
            )
    assert texts[0] == texts[1]


def test_plan_with_fewer_choices_than_before() -> None:
    rows = list(csv.reader(io.StringIO(class_report.class_csv((OWN,), [Work(1, "q1", {1: 4}, None, ())], {}))))
    assert rows[1][3:6] == ["", "", "no"]


def test_drawings_are_counted_and_pictured() -> None:
    plan = (Draw("d1", (4, 9)),)
    ink = np.zeros((28, 28), np.uint8)
    given = [SavedDrawing(n, label, False, 0.0, test_set.pack(ink, (), 8_192)) for n, label in enumerate((9, 4))]
    works = [Work(1, "d1", {}, None, (), tuple(given), 8.6), Work(2, "d1", {}, None, (), tuple(given[:1]))]
    rows = list(csv.reader(io.StringIO(class_report.class_csv(plan, works, {1: "blue otter"}))))
    assert [[row[1], row[2], row[6], row[11]] for row in rows[1:]] == [
        ["Draw digits: 4, 9", "blue otter", "9", "2"],
        ["Draw digits: 4, 9", "seat 2", "", "1"],
    ]
    page = class_report.class_page("9b", plan, works, {1: "blue otter"})
    assert "Drawings: 3." in page
    assert re.findall('alt="(A .)"', page) == ["A 4", "A 9", "A 9"]
    assert ["blue otter", "2 drawn"] in cells(page).rows


def test_networks_that_read_the_drawings_best_are_named() -> None:
    plan = (Draw("d1", (4,)),)
    drawing = LabelledDrawing(np.zeros((28, 28), np.uint8), 4)
    given = SavedDrawing(0, 4, False, 0.0, test_set.pack(drawing.image, (), 8_192))
    works = [Work(seat, "d1", {}, None, (), (given,)) for seat in (1, 2)]
    networks = [progress.Network(seat, "", SMALL, 7_850, 0.9, is_active=False) for seat in (1, 2, 2)]
    answers = np.array([[4, 4], [4, 9], [9, 9]], np.uint8)
    drawn = tuple(ClassDrawing(seat, 0, False, drawing) for seat in (1, 2))
    tests = {"d1": ClassTest(drawn, tuple(networks), answers, waiting=0, is_built_in=False)}
    rows = list(csv.reader(io.StringIO(class_report.class_csv(plan, works, NAMES, tests))))
    assert [row[12] for row in rows[1:]] == ["1.0", "0.5"]
    page = class_report.class_page("", plan, works, NAMES, tests)
    assert "Networks that have read them: 3." in page
    assert "The best reads 100% right: blue otter (" in page
    assert "red fox (" not in page
