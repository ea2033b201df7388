"""A few visitors without browsers at a real server, who speak Streamlit's protocol; what they see, not how soon."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from benchmarks import crowds, lesson, visitor, visitors, visits
from benchmarks.page_files import VisitError
from benchmarks.protocol import Client
from tests import coroutines

if TYPE_CHECKING:
    from collections.abc import Iterator

VISITORS, SECONDS = 5, 10.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[visitor.Server]:
    """A server that trains with the embedded digits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MNIST_DATA_DIR", raising=False)
        patch.setenv("MNIST_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MNIST_DATASET", "embedded")
        with visitor.running_server("-m", "streamlit") as server:
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


def test_lesson_with_two_students(server: visitor.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Votes on two questions, and a network: every vote is saved and counted, every screen follows every move."""
    monkeypatch.setattr(lesson, "QUESTIONS", 2)
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
