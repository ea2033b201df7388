"""The wall of a class on a projector of 1280x720: in large type, and nothing beyond the screen.

``python -m tests.e2e.test_class_wall run app.py`` runs Streamlit's command with walls that look at their class without
a pause, and at a database that is away while there is a file.
"""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

from playwright.sync_api import Browser, Locator, Page, expect
from streamlit.web import cli

from mnist_core.classes import Ask, Draw, Look, Train, boards
from mnist_core.classes.packed import pack_image
from mnist_core.data import datasets
from mnist_core.errors import StoreError
from mnist_core.language import gettext as _
from mnist_core.language import speaking
from mnist_core.lessons import courses
from mnist_core.lessons.faults import FAULTS
from mnist_core.store.class_records import OPEN, READY, SHOWN, SHUT, Board
from mnist_core.store.classes import Classes
from mnist_core.store.runs import RunStore
from pages.widgets.classroom import following
from tests.e2e.conftest import free_port, running, visit
from tests.e2e.test_class import SMALLEST, scrolls
from tests.e2e.test_main_path import SLOW
from tests.stored_lesson import NAMES, Lesson

LANGUAGE = "de"  # Its texts are the longest.
TRAINING = Train(
    "n1",
    "layers=dense-32-relu&epochs=5&validation_fraction=0.2&dataset=embedded",
    ("layers", "optimizer", "learning_rate", "epochs"),
    accuracy=0.95,
    parameters=30_000,
    ranking=True,
)
DRAWING = Draw("d1", (4, 7, 9))
PLAN = (
    Ask("q1", "step/examples"),
    Ask("q2", "step/loss"),  # The longest text of a step with a question,
    Ask("q3", "check/seeds"),  # and the longest question with its choices.
    TRAINING,
    DRAWING,
    Look("l1", "image/3"),
    Look("l2", "map"),
    Look("l3", "fault/inverted"),  # The longest answer of the lab.
    Look("l4", "run", "layers=none&epochs=1"),
    Look("l5", "step/learn"),
    Look("l6", "step/loss"),
    Look("l7", "drawing", image=pack_image(datasets.load("embedded").test_images[0])),
    Ask("q4", "step/layers"),  # It has the most runs: eight.
    Look("end", "summary"),
)
ARRIVAL, STEP, QUESTION, NETWORK, DIGITS, IMAGE, MAP, FAULT, RUN, TEXT, RUNS, DRAWN, MANY_RUNS, SUMMARY = range(
    len(PLAN)
)


def text(wall: Page, message: str) -> Locator:
    with speaking(LANGUAGE):
        return wall.get_by_text(_(message)).first


def test_wall_fits_in_every_state(chromium: Browser, tmp_path: Path) -> None:
    port = free_port()
    with (
        running("tests.e2e.test_class_wall", tmp_path, port),
        visit(chromium, f"http://127.0.0.1:{port}", "desktop-light") as wall,
    ):
        wall.set_viewport_size({"width": 1280, "height": 720})
        lesson = Lesson(RunStore(f"sqlite:///{tmp_path / 'runs.db'}"), PLAN)
        wall.goto(f"/class?wall={lesson.wall_token}&language={LANGUAGE}")
        found = {}

        def look(state: str, there: Locator) -> None:
            expect(there, state).to_be_visible(timeout=SLOW)
            does_scroll, smallest = scrolls(wall), wall.evaluate(SMALLEST)
            if does_scroll or smallest < 28:
                found[state] = does_scroll, smallest

        def move(state: str, there: Locator | str, at: int, phase: str, round_: int = 1, paused: bool = False) -> None:
            lesson.move(at, phase, round_, paused)
            look(state, text(wall, there) if isinstance(there, str) else there)

        chart = wall.get_by_test_id("stVegaLiteChart").locator("svg")
        look("arrival", text(wall, "Scan the code, or open"))
        move("next question", courses.step_of("loss").title, STEP, READY)
        move("vote", "have voted", QUESTION, OPEN)
        move("eyes up", "Eyes up!", QUESTION, OPEN, paused=True)
        move("closed vote", "Convince your neighbour", QUESTION, SHUT)
        move("second vote", "Second vote", QUESTION, OPEN, 2)
        move("closed second vote", "The vote is closed.", QUESTION, SHUT, 2)
        move("answer", chart.first, QUESTION, SHOWN, 2)
        move("network", "Train a network", NETWORK, READY)
        move("training", "have trained a network", NETWORK, OPEN)
        move("result of the training", "Accuracy in %, in steps of 10", NETWORK, SHOWN)
        for name in NAMES:
            expect(wall.get_by_text(name)).to_be_visible()
        chart.first.locator(".mark-symbol path").first.click(force=True)
        for name in NAMES:  # The curve stands in their place.
            expect(wall.get_by_text(name)).to_be_hidden()
        look("network from near", wall.locator(".stVegaLiteChart").nth(1).locator(".mark-line path").first)
        move("digits", wall.get_by_role("heading", name="4, 7, 9"), DIGITS, READY)
        move("drawing", wall.get_by_role("progressbar"), DIGITS, OPEN)
        move("closed drawing", "The drawing has ended.", DIGITS, SHUT)
        move("result of the drawing", chart.first, DIGITS, SHOWN)
        expect(wall.get_by_test_id("stImage")).to_have_count(5)  # One row: the line above needs the room.
        # Those with a chart and those without take turns, so that none is still that of the state before.
        move("map", chart.locator(".mark-text text").first, MAP, SHOWN)
        move("summary", chart.locator(".mark-symbol path").nth(len(NAMES) - 1), SUMMARY, SHOWN)
        expect(wall.get_by_test_id("stImage")).to_have_count(3)
        expect(text(wall, "Right answers → after talking")).to_be_visible()
        move("step", courses.step_of("learn").title, TEXT, SHOWN)
        move("step with runs", chart.first, RUNS, SHOWN)
        move("drawing of the teacher", wall.get_by_alt_text("Eine Zeichnung der Lehrkraft."), DRAWN, SHOWN)
        look("what is read in it", chart.locator(".mark-text text").first)
        move("image", wall.locator('img[alt="Eine handgeschriebene Ziffer."]'), IMAGE, SHOWN)
        move("run", chart.first, RUN, SHOWN)
        move("case of the lab", chart.nth(1), FAULT, OPEN)
        matrix, progress = wall.locator(".stPlotlyChart .main-svg").first, wall.get_by_test_id("stProgress")
        look("matrix of the lab", matrix)
        move("answer of the lab", FAULTS["inverted"].name, FAULT, SHOWN)
        look("matrix beside the answer", matrix)
        move("answer with eight runs", progress, MANY_RUNS, SHOWN)
        look("one of eight runs has ended", chart.nth(1))
        expect(progress).to_have_count(0, timeout=SLOW)
        look("eight runs have ended", chart.nth(1))

        warning = wall.get_by_test_id("stAlert").first
        for says, at in (("have voted", QUESTION), ("have trained a network", NETWORK)):
            lesson.move(at, OPEN)
            expect(text(wall, says)).to_be_visible(timeout=SLOW)
            away(tmp_path).touch()
            look(f"{PLAN[at].id} while the database is away", warning)
            away(tmp_path).unlink()
            expect(warning).to_have_count(0, timeout=SLOW)
        assert found == {}


def away(folder: Path) -> Path:
    """While this file is there, the database is not."""
    return folder / "away"


def main() -> None:
    """Start Streamlit's command, in a hurry."""
    read = Classes.board
    file = away(Path(os.environ["MNIST_CACHE_DIR"]).parent)

    def board(of: Classes, class_id: str, task: str = "") -> Board:
        if file.exists():
            raise StoreError("The database is away.", "Wait.")
        return read(of, class_id, task)

    with (
        mock.patch.object(Classes, "board", board),
        mock.patch.object(boards, "FRESH_SECONDS", 0.0),
        mock.patch.object(following, "TEACHER_SECONDS", 0.2),
        mock.patch.object(following, "STALE_SECONDS", 0.5),
    ):
        cli.main(prog_name="streamlit")


if __name__ == "__main__":
    main()
