"""Links on the pages: a network in the address, and sharing one's own."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import LayerConfig, RunConfig
from tests.pages.conftest import ROOT
from tests.pages.visitor import new_session, press, wait_for_end
from tests.test_links import FIELDS, INSIDE, OUTSIDE

MORGAN = {
    "layers": "dense-512-relu-0.2", "optimizer": "rmsprop", "learning_rate": "0.001", "epochs": "7",
    "dataset": "embedded",
}  # fmt: skip
CONFIG = RunConfig(
    layers=(LayerConfig("dense", 512, "relu", 0.2),), optimizer="rmsprop", learning_rate=0.001, epochs=7,
    dataset="embedded",
)  # fmt: skip


@pytest.fixture(autouse=True)
def embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_DATASET", "embedded")
    monkeypatch.chdir(ROOT)


def visit(**query: Any) -> AppTest:
    """Open an address as a new visitor, or after a reload."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update(query)
    app.session_state["more-settings"] = True  # AppTest cannot open a popover.
    return app.run()


def reload(app: AppTest) -> AppTest:
    return visit(**app.query_params)


def draft(app: AppTest) -> RunConfig:
    assert not app.exception
    config: RunConfig = app.session_state["draft"]
    return config


def link_messages(app: AppTest) -> list[str]:
    """Return the page's messages about an accepted link."""
    return [one.value for one in app.caption if "a link" in one.value or "data set" in one.value]


def test_link_fills_the_editor() -> None:
    app = visit(**MORGAN)
    assert draft(app) == CONFIG
    assert link_messages(app) == [":material/link: Loaded from a link: 784 → 512 ReLU → 10."]
    assert app.number_input(key="units-dense-0-1").value == 512
    assert app.selectbox(key="optimizer-1").value == "rmsprop"
    assert not app.error


def test_link_to_a_preset_chooses_it() -> None:
    app = visit(**{**MORGAN, "epochs": "10"})
    assert app.selectbox(key="preset").value == "morgan-1"
    assert app.button(key="undo").disabled


def test_new_visitor_keeps_a_plain_address(app: AppTest) -> None:
    assert app.query_params == {}
    assert not link_messages(app)


def test_changes_are_in_the_address() -> None:
    app = visit(**MORGAN)
    app.number_input(key="epochs-1").set_value(3).run()
    assert draft(app).epochs == 3
    assert len(link_messages(app)) == 1  # Otherwise the page would move under the pointer.
    assert app.query_params["epochs"] == "3"
    again = reload(app)
    assert draft(again) == draft(app)


def test_stale_address_of_the_same_tab_is_ignored() -> None:
    """A browser that has not yet received the new address sends the old one with the next click."""
    app = visit(**MORGAN)
    before = dict(app.query_params)
    app.number_input(key="epochs-1").set_value(3).run()
    app.query_params.clear()
    app.query_params.update(before)
    app.selectbox(key="batch-size-1").select("64").run()
    assert (draft(app).epochs, draft(app).batch_size) == (3, 64)
    assert app.query_params["epochs"] == "3"


def test_foreign_parameters_stay_in_the_address() -> None:
    app = visit(**MORGAN, utm_source="letter")
    assert draft(app).epochs == 7
    app.number_input(key="epochs-1").set_value(3).run()
    assert app.query_params["utm_source"] == "letter"


def test_another_page_and_back() -> None:
    app = visit(**MORGAN)
    app.query_params.clear()  # As Streamlit does on a page switch.
    app.switch_page("pages/draw.py").run()
    assert not app.query_params
    app.switch_page("pages/train.py").run()
    assert draft(app) == CONFIG
    assert app.query_params["epochs"] == "7"


def test_default_network_restores_a_plain_address() -> None:
    app = visit(**MORGAN)
    app.selectbox(key="preset").select("kite").run()
    assert app.query_params == {}


@pytest.mark.parametrize("field", FIELDS)
def test_bad_link_is_refused_and_page_still_works(field: str) -> None:
    app = visit(**{**MORGAN, **INSIDE, field: OUTSIDE[field]})
    assert [error.value.count(field) for error in app.error] == [1]
    assert "Received: `" in app.error[0].value
    assert draft(app) == draft(visit())
    app.number_input(key="epochs-0").set_value(3).run()
    assert draft(app).epochs == 3
    assert not app.error
    assert app.query_params["epochs"] == "3"


def test_refusal_stays_until_the_next_action() -> None:
    app = visit(epochs="1000")
    assert len(app.error) == 1
    assert len(app.run().error) == 1
    assert app.query_params == {}


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("foo", "This link is broken: `foo` is not a layer. Ask for the link again."),
        ("dense-128-relu,", "This link is broken: an empty text is not a layer. Ask for the link again."),
    ],
)
def test_invalid_layer_is_explained_in_plain_words(layers: str, expected: str) -> None:
    assert [error.value for error in visit(layers=layers).error] == [expected]


def test_refusal_names_setting_value_and_remedy() -> None:
    assert visit(epochs="1000").error[0].value == (
        "This link is broken: `epochs` is out of range. Received: `1000`. Choose 1 to 100. Or ask for the link again."
    )


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        ({"unknown": "1"}, "Ignored in the link, because it is not a setting: `unknown`."),
        (
            {"validation": "0.1", "unknown": "1", "utm_source": "letter", "embed": "true", "fbclid": "x"},
            "Ignored in the link, because they are not settings: `validation`, `unknown`.",
        ),
        ({"[a](b)`c": "1"}, "Ignored in the link, because it is not a setting: `[a](b)'c`."),
    ],
)
def test_unknown_parameters_are_named(added: dict[str, str], expected: str) -> None:
    app = visit(**MORGAN, **added)
    assert draft(app) == CONFIG
    assert [caption.value for caption in app.caption if "Ignored" in caption.value] == [f":material/info: {expected}"]


def test_known_foreign_parameters_are_not_named() -> None:
    app = visit(**MORGAN, utm_source="letter", utm_medium="mail", embed="true", gclid="x")
    assert not [caption.value for caption in app.caption if "Ignored" in caption.value]


def test_setting_twice() -> None:
    assert "more than once" in visit(epochs=["3", "4"]).error[0].value


def test_bad_link_text_is_not_rendered_as_markdown() -> None:
    app = visit(optimizer="[win](https://example.org) ![x](https://example.org/x.png)\n`# Now`")
    assert "Received: `[win](https://example.org) ![x](https://example.org/x.png) '# Now'`." in app.error[0].value


@pytest.mark.parametrize(
    ("dataset", "note"),
    [
        ("own", "private images, which a link cannot contain. Upload them on the Data page."),
        ("fashion", 'This server has no data set "fashion".'),
    ],
)
def test_link_to_missing_data(dataset: str, note: str) -> None:
    app = visit(**{**MORGAN, "dataset": dataset})
    assert draft(app) == CONFIG
    assert any(note in line for line in link_messages(app))
    assert not app.error


def test_link_can_be_shared(app: AppTest) -> None:
    assert not app.code
    app.session_state["share"] = True
    app.run()
    assert [code.value for code in app.code] == [
        "http://localhost:8501/?layers=dense-128-relu&dataset=embedded&split=kite&seed=own"
    ]
    assert "this computer's name or address" in app.info[0].value
    app.selectbox(key="preset").select("morgan-0").run()
    assert app.code[0].value.split("?")[1] == (
        "layers=none&optimizer=rmsprop&learning_rate=0.001&epochs=10&dataset=embedded&seed=own"
    )
    app.radio(key="own-start").set_value(False).run()
    app.number_input(key="seed-1").set_value(7).run()
    assert app.code[0].value.endswith("&dataset=embedded&seed=7")
    assert app.query_params["seed"] == "7"


def test_shared_link_opens_unchanged(app: AppTest) -> None:
    app.selectbox(key="preset").select("cnn").run()
    press(app, "Step")
    app.session_state["share"] = True
    app.run()
    app.radio(key="own-start").set_value(False).run()
    query = dict(part.split("=") for part in app.code[0].value.split("?")[1].split("&"))
    assert draft(visit(**query)) == draft(app)


def selected_network(app: AppTest) -> str:
    """Return the selected name in the menu of networks."""
    menu = app.selectbox(key="preset")
    assert menu.index is not None
    return menu.options[menu.index]


def test_undo_restores_the_network_of_the_link() -> None:
    app = visit(**MORGAN)
    assert app.button(key="undo").disabled
    app.number_input(key="units-dense-0-1").set_value(300).run()
    assert app.button(key="go-back").help == "Back to From a link: 784 → 512 ReLU → 10."
    press(app, "Undo")
    assert draft(app) == CONFIG
    assert app.button(key="undo").disabled


def test_menu_names_only_the_network_in_the_editor() -> None:
    app = visit(**MORGAN)
    assert selected_network(app) == "From a link: 784 → 512 ReLU → 10"
    app.number_input(key="units-dense-0-1").set_value(300).run()
    assert selected_network(app) == "From a link: 784 → 300 ReLU → 10 (changed)"
    app.selectbox(key="preset").select("kite").run()
    assert selected_network(app) == "From a link: 784 → 300 ReLU → 10 (changed)"  # Not before the visitor agrees.
    press(app, "Replace")
    assert selected_network(app) == "Kite: one layer of 128"
    assert len(app.selectbox(key="preset").options) == 6
    app.button(key="add-layer").click().run()
    assert selected_network(app) == "Kite: one layer of 128 (changed)"
    press(app, "Back to Kite")
    assert selected_network(app) == "Kite: one layer of 128"
    press(app, "Undo")
    assert len(draft(app).layers) == 2
    own_start = visit(**{**MORGAN, "epochs": "10"}, seed="own")
    assert selected_network(own_start) == f"Morgan 1: one wide layer, seed {draft(own_start).seed}"


class StaleNames(list[str]):
    """The names in a browser that has not yet received the newest ones."""

    def index(self, *_: object) -> int:
        return 0


def test_stale_browser_choice_is_ignored(app: AppTest) -> None:
    app.number_input(key="epochs-0").set_value(3).run()
    app.selectbox(key="preset").options = StaleNames(["Kite: one layer of 128"])
    app.number_input(key="units-dense-0-0").set_value(7).run()
    assert (draft(app).epochs, draft(app).layers[0].units) == (3, 7)
    assert selected_network(app) == "Kite: one layer of 128 (changed)"


def test_changes_replaced_by_a_preset_can_be_restored() -> None:
    app = visit(**MORGAN)
    app.number_input(key="epochs-1").set_value(3).run()
    app.selectbox(key="preset").select("torres").run()
    press(app, "Replace")
    press(app, "Undo")
    assert draft(app) == dataclasses.replace(CONFIG, epochs=3)
    assert selected_network(app) == "From a link: 784 → 512 ReLU → 10 (changed)"
    press(app, "Undo")
    assert draft(app) == CONFIG
    assert app.button(key="undo").disabled


def test_preset_without_prior_changes_has_no_restore(app: AppTest) -> None:
    app.selectbox(key="preset").select("torres").run()
    assert app.button(key="undo").disabled


def test_one_link_gives_each_visitor_a_seed() -> None:
    one, two = (visit(**MORGAN, seed="own") for _ in range(2))
    seeds = {draft(app).seed for app in (one, two)}
    assert len(seeds) == 2
    for app in (one, two):
        assert draft(app) == dataclasses.replace(CONFIG, seed=draft(app).seed)
        assert link_messages(app) == [
            f":material/link: Loaded from a link: 784 → 512 ReLU → 10. Your own random start: seed {draft(app).seed}."
        ]
        # The visitor's address holds their own seed, for a reload and for sharing.
        assert app.query_params["seed"] == str(draft(app).seed)
        assert draft(reload(app)) == draft(app)


def test_random_start_link_gives_a_visitor_the_same_seed() -> None:
    app = visit(**MORGAN, seed="own")
    assert draft(new_session(app, **MORGAN, seed="own")) == draft(app)


def test_run_of_a_random_start_link_records_its_seed() -> None:
    app = visit(layers="dense-4-relu", epochs="1", dataset="embedded", seed="own")
    press(app, "Train")
    run = wait_for_end(app)
    assert run.config == RunConfig(
        layers=(LayerConfig("dense", 4),), epochs=1, dataset="embedded", seed=draft(app).seed
    )
    assert 0 < run.config.seed < 2**31


def test_preset_with_random_start_keeps_its_name() -> None:
    app = visit(**{**MORGAN, "epochs": "10"}, seed="own")
    assert "Loaded from a link: Morgan 1: one wide layer. Your own random start" in link_messages(app)[0]
