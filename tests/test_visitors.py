"""A few visitors without browsers at a real server, who speak Streamlit's protocol; what they see, not how soon."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from benchmarks import crowds, lesson, visitor, visitors, visits
from benchmarks.page_files import VisitError
from benchmarks.protocol import Client
from mnist_core.classes import from_json
from mnist_core.classes.boards import Boards
from mnist_core.classes.pretend import SLOWEST, PretendStudents
from mnist_core.config import RunConfig
from mnist_core.data import datasets
from mnist_core.store.class_records import OPEN
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace
from tests import coroutines
from tests.scheduled_runs import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mnist_core.store.classes import Classes

VISITORS, SECONDS = 5, 10.0


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the server's database."""
    return f"sqlite:///{tmp_path_factory.mktemp('database') / 'runs.db'}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[visitor.Server]:
    """A server that trains with the embedded digits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MNIST_DATA_DIR", raising=False)
        patch.setenv("MNIST_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MNIST_DATASET", "embedded")
        with visitor.running_server("-m", "streamlit", settings={"DATABASE_URL": database}) as server:
            yield server


async def train_until_the_first_point(server: visitor.Server, plan: crowds.Plan) -> None:
    """The first run of a server waits for TensorFlow, on a busy machine for a long time."""
    client = Client(server.address, urlencode(plan.config.to_query()), patience=600.0)
    seen = crowds.Crowd(plan).add(crowds.Seen(client))
    try:
        await client.open()
        seen.watch()
        await client.press("Train")
        await client.wait_for("the first point", lambda: seen.points or None)
    finally:
        await client.close()


def test_five_visitors_train_change_a_control_and_leave(server: visitor.Server) -> None:
    plan = crowds.Plan(VISITORS, SECONDS, config=dataclasses.replace(crowds.CONFIG, dataset="embedded"))
    coroutines.run(train_until_the_first_point(server, plan))

    seen, _ = coroutines.run(visitors.crowd_of(server, plan, "train"))

    assert [error for one in seen for error in one.errors] == []
    assert visitors.faults(server.printed()) == []
    for one in seen:
        epochs = [epoch for _, epoch in one.points]
        assert len(epochs) > 1
        assert epochs == sorted(set(epochs))
        assert one.steps == ["control"]


def test_one_who_wanders_trains_stops_draws_and_compares(
    server: visitor.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "TRAIN_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(visits, "COMPARE_SECONDS", (0.0, 0.0))
    config = dataclasses.replace(crowds.CONFIG, dataset="embedded")
    plan = crowds.Plan(1, 1.0, config=config, patience=600.0)

    seen, _ = coroutines.run(visitors.crowd_of(server, plan, visitors.SOAK))

    assert [error for one in seen for error in one.errors] == []
    assert visitors.faults(server.printed()) == []
    assert seen[0].steps == ["stroke"] * 3 + ["visit"]


def choices_at_a_desk(classes: Classes, plan: str) -> tuple[list[object], list[int]]:
    """What two pretend students of a desk choose in a class with this plan, see `chosen_in`."""
    owner, tasks, units = new_workspace(), from_json(plan), list[int]()
    now = classes.create(owner, "", plan, tasks[0].id)

    def train(_workspace: str, config: RunConfig) -> str:
        units.append(config.layers[0].units)
        return f"run-{len(units)}"

    students = PretendStudents(classes, Boards(classes), owner, datasets.load("embedded"), train, lambda *_: None)
    students.join(now.id, 2)
    for at, task in enumerate(tasks):
        now = classes.move(owner, now.id, now.revision, at=at, task=task.id, phase=OPEN)
        students.act(now.id, now.moved + SLOWEST)
    return chosen_in(classes, now.id), sorted(units)


def chosen_in(classes: Classes, class_id: str) -> list[object]:
    """The votes and the guess of each seat of a class, in an order that does not depend on who came first."""
    works = classes.work_of(class_id)
    seats = {work.seat for work in works}
    found = [[(one.task, dict(one.votes), one.guess) for one in works if one.seat == seat] for seat in seats]
    return sorted(found, key=str)


def test_lesson_with_two_students(server: visitor.Server, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Votes on two questions, and a network: every vote is saved and counted, every screen follows every move.

    The students choose what those of a desk choose.
    """
    monkeypatch.setattr(lesson, "QUESTIONS", 2)
    monkeypatch.setattr(lesson, "FREE", ("layers",))
    config = dataclasses.replace(crowds.CONFIG, dataset="embedded", validation_fraction=0.2)
    plan = crowds.Plan(2, 1.0, clicks=0.0, config=config, patience=600.0)
    coroutines.run(train_until_the_first_point(server, plan))

    async def hold() -> lesson.Lesson:
        return await lesson.lead(server.address, plan, crowds.Crowd(plan), pause=0.0)

    found = coroutines.run(hold())

    assert found.errors == []
    assert visitors.faults(server.printed()) == []
    assert len(found.scanned) == 2
    assert len(found.saved) == len(found.on_desk) == 2 * lesson.QUESTIONS
    # Three moves a question and one between two questions, but the first vote was open; on two pages and the wall.
    assert len(found.moves) == (4 * lesson.QUESTIONS - 2) * 3
    assert all(one.points for one in found.crowd.seen)

    classes = RunStore(database).classes
    now = classes.find(found.code)
    wait_until(lambda: all(run.config for [run] in classes.board(now.id).runs.values()))
    units = [RunConfig.from_json(run.config).layers[0].units for [run] in classes.board(now.id).runs.values()]
    assert (chosen_in(classes, now.id), sorted(units)) == choices_at_a_desk(classes, now.plan)


def test_a_visitor_who_waits_in_vain_is_an_error_that_says_for_what(server: visitor.Server) -> None:
    async def wait() -> None:
        client = Client(server.address, patience=2.0)
        try:
            await client.open()
            await client.see_button("No such button")
        finally:
            await client.close()

    with pytest.raises(VisitError, match='Waited 2 s for the button "No such button"'):
        coroutines.run(wait())


def test_visitors_who_give_up_do_not_hold_the_others_up(server: visitor.Server) -> None:
    plan = crowds.Plan(2, 60.0, patience=0.0)

    seen, _ = coroutines.run(visitors.crowd_of(server, plan, "train"))

    assert [len(one.errors) for one in seen] == [1, 1]
