"""A shared run: the link of its owner, and what other visitors see."""

from __future__ import annotations

import dataclasses

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.runs import saver
from mnist_core.store.runs import RunStore
from mnist_core.store.tables import runs
from pages.widgets.evaluate import sharing
from tests.pages.conftest import ROOT
from tests.pages.test_downloads import download_labels
from tests.pages.visitor import press, train_briefly, wait_for_end


@pytest.fixture(autouse=True)
def embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_DATASET", "embedded")
    monkeypatch.chdir(ROOT)


@pytest.fixture
def store() -> RunStore:
    """The store of the tested pages."""
    return saver.shared().store


def evaluate(app: AppTest) -> AppTest:
    """Open the owner's Evaluate page with its popover."""
    assert saver.shared().wait_until_saved(60)
    app.session_state["share-run"] = True
    return app.switch_page("pages/evaluate.py").run()


def share(app: AppTest) -> str:
    """Share the last run; return the token of its link."""
    press(evaluate(app), "Make a link")
    assert not app.exception
    address = app.code[0].value
    return str(address.split("?shared=")[1])


def visit(token: str) -> AppTest:
    """Open a link as another visitor."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page("pages/evaluate.py")
    app.query_params["shared"] = token
    return app.run()


def buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_shared_run_looks_the_same_as_for_its_owner(app: AppTest, store: RunStore) -> None:
    run = train_briefly(app)
    evaluation = run.snapshot.evaluation
    assert evaluation is not None
    other = visit(share(app))
    assert not other.exception
    assert not other.error
    assert "Shared with you (read-only)" in other.info[0].value
    assert other.text[0].value == "784 → 10 Sigmoid → 10"
    assert [metric.value for metric in other.metric] == [
        f"{evaluation.accuracy:.2%}",
        f"{evaluation.loss:.4f}",
        f"{len(evaluation.mistakes):,} of {len(evaluation.labels):,}",
    ]
    assert len(other.tabs) == 3
    other.session_state["home"] = True
    other.run()
    assert {"Keras script", "Keras model", "Report"} <= set(download_labels(other))
    assert "Share" not in buttons(other)
    # It belongs only to its owner.
    assert other.session_state["workspace"] != app.session_state["workspace"]
    assert store.list(other.session_state["workspace"]) == ()
    assert other.session_state["runs"] == []


def test_network_of_a_shared_run_can_be_tried(app: AppTest) -> None:
    run = train_briefly(app)
    other = visit(share(app))
    press(other, "Try this network")
    assert not other.exception
    assert other.title[0].value == "Build a network, watch it learn"
    assert other.session_state["draft"] == run.config
    assert any(caption.value.startswith(":material/link: From a run that was shared") for caption in other.caption)
    assert len(other.session_state["runs"]) == 0


def test_trying_a_shared_run_wins_over_the_last_run(app: AppTest) -> None:
    """For a visitor whose last run would be shown on the Train page."""
    run = train_briefly(app)
    token = share(app)
    own = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    own.selectbox(key="preset").select("morgan-0").run()
    next(number for number in own.number_input if number.label == "Epochs").set_value(1).run()
    press(own, "Train")
    wait_for_end(own)
    assert saver.shared().wait_until_saved(60)
    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    again.session_state["workspace"] = own.session_state["workspace"]
    again.session_state["is-workspace-used"] = True
    again.switch_page("pages/evaluate.py")
    again.query_params["shared"] = token
    press(again.run(), "Try this network")
    assert not again.exception
    assert again.session_state["draft"] == run.config


def test_owner_stops_sharing(app: AppTest) -> None:
    train_briefly(app)
    token = share(app)
    other = visit(token)
    assert other.metric
    press(app, "Stop sharing")
    assert not app.code
    assert "Make a link" in buttons(app)
    for visitor in (other.run(), visit(token)):
        assert not visitor.exception
        assert not visitor.metric
        assert "Its owner may have stopped sharing it" in visitor.error[0].value
        assert buttons(visitor) == ["To your own runs"]
    press(app, "Make a link")
    assert app.code[0].value.endswith(token)
    assert visit(token).metric


@pytest.mark.parametrize("token", ["", "A" * 22, "../../etc/passwd", "[x](https://example.org)"])
def test_invalid_share_link(token: str) -> None:
    other = visit(token)
    assert not other.exception
    assert [error.value for error in other.error] == [
        "There is no shared run at this link. "
        "Its owner may have stopped sharing it, or the link is incomplete. Ask for it again."
    ]
    press(other, "To your own runs")
    assert not other.error
    assert "You have not trained a network yet" in other.info[0].value


def test_leaving_a_shared_run_twice() -> None:
    other = visit("A" * 22)
    del other.query_params["shared"]
    press(other, "To your own runs")
    assert not other.exception


def test_shared_title_is_shown_literally(app: AppTest, store: RunStore) -> None:
    run = train_briefly(app)
    token = share(app)
    store.rename(app.session_state["workspace"], run.id, "**[win](https://example.org)** :red[x]")
    other = visit(token)
    assert [text.value for text in other.text] == ["**[win](https://example.org)** :red[x]"]


def test_deleted_run_cannot_be_seen(app: AppTest, store: RunStore) -> None:
    run = train_briefly(app)
    token = share(app)
    store.delete(app.session_state["workspace"], run.id)
    assert visit(token).error
    assert not visit(token).metric
    store.restore(app.session_state["workspace"], run.id)
    assert visit(token).metric


def test_run_on_uploaded_images_cannot_be_shared(app: AppTest) -> None:
    run = train_briefly(app)
    run.dataset = dataclasses.replace(run.dataset, name="own")
    evaluate(app)
    assert "Make a link" not in buttons(app)
    assert any("your own images. They are not part of a link" in caption.value for caption in app.caption)


def test_shared_run_on_missing_images(app: AppTest, store: RunStore) -> None:
    run = train_briefly(app)
    token = share(app)
    sharing._load.clear()
    with store._database.writing() as connection:
        connection.execute(runs.update().where(runs.c.id == run.id).values(dataset="fashion"))
    other = visit(token)
    assert not other.exception
    assert "images that are not on this server" in other.error[0].value
    assert not other.metric


def test_unsaved_run_cannot_be_shared(app: AppTest, store: RunStore) -> None:
    run = train_briefly(app)
    assert saver.shared().wait_until_saved(60)
    store.delete(app.session_state["workspace"], run.id)
    press(evaluate(app), "Make a link")
    assert not app.exception
    assert not app.code
    assert any("not saved" in caption.value for caption in app.caption)
