"""The tables of settings: each setting is complete, checks its values and describes them in words."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.config import FILTERS, LAYER_SETTINGS, SETTINGS, LayerConfig, Range, RunConfig, Setting
from mnist_core.config.settings import setting, table
from mnist_core.data import datasets
from mnist_core.errors import ConfigError
from mnist_core.evaluation import comparison
from mnist_core.export import report
from tests.test_config import configs

ALL = {**SETTINGS, **LAYER_SETTINGS, "filters": FILTERS}


def test_tables_have_every_field_in_order() -> None:
    assert list(SETTINGS) == [field.name for field in dataclasses.fields(RunConfig)]
    assert list(LAYER_SETTINGS) == [field.name for field in dataclasses.fields(LayerConfig)]
    assert all(one.name == name for name, one in {**SETTINGS, **LAYER_SETTINGS}.items())


@pytest.mark.parametrize("name", ALL)
def test_setting_is_complete(name: str) -> None:
    one = ALL[name]
    assert one.label
    assert one.help.endswith(".")
    one.check(one.default)
    if one.limits is not None:
        assert one.limits.whole is isinstance(one.default, int)
        for usual in one.usual:
            one.check(usual)


@pytest.mark.parametrize("settings", [SETTINGS, LAYER_SETTINGS], ids=["run", "layer"])
def test_labels_are_unique(settings: dict[str, Setting]) -> None:
    assert len({one.label for one in settings.values()}) == len(settings)


def test_setting_depends_on_an_earlier_one() -> None:
    names = list(SETTINGS)
    for name, one in SETTINGS.items():
        assert not one.needs or names.index(one.needs) < names.index(name)


@dataclass(frozen=True)
class Oven:
    """A dataclass with two settings."""

    degrees: int = setting(
        "Heat", default=180, limits=Range(50, 250, whole=True), help="How hot.", words="{} °C".format
    )
    mode: str = setting("Mode", default="air", choices={"air": "Hot air", "grill": "Grill"}, help="From where.")


def test_field_has_a_default_and_a_setting() -> None:
    assert Oven() == Oven(180, "air")
    heat, mode = table(Oven).values()
    assert (heat.name, heat.label, heat.default) == ("degrees", "Heat", 180)
    assert heat.in_words(200) == "200 °C"
    assert heat.from_text("200") == 200
    assert mode.in_words("grill") == "Grill"
    assert mode.from_text("grill") == "grill"


@pytest.mark.parametrize(("name", "value"), [("degrees", 251), ("degrees", 60.0), ("mode", "Grill"), ("mode", None)])
def test_invalid_value_of_a_setting(name: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        table(Oven)[name].check(value)
    assert caught.value.field == name
    with pytest.raises(ConfigError) as caught:
        table(Oven)[name].check(value, f"ovens[1].{name}")
    assert caught.value.field == f"ovens[1].{name}"


def test_unknown_setting_argument_is_refused_at_import() -> None:
    with pytest.raises(TypeError, match="colour"):
        setting("Heat", default=1, help="How hot.", colour="red")


@given(configs())
def test_report_and_comparison_agree(config: RunConfig) -> None:
    described = comparison.described(config)
    del described["Hidden layers"]
    assert described.items() <= dict(report.in_words(config)).items()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("validation_fraction", 0.0, "off"),
        ("validation_fraction", 0.15, "15%"),
        ("validation_fraction", float(np.nextafter(0.15, 1)), "0.15000000000000002"),
        ("early_stopping", 0, "off"),
        ("early_stopping", 3, "after 3 epochs without progress"),
        ("training_images", 0, "all"),
        ("training_images", 5000, "the first 5,000"),
        ("seed", 2**31 - 1, "2147483647"),
        ("optimizer", "momentum", "SGD with momentum 0.9"),
        ("layers", (), "no hidden layer"),
        ("dataset", "own", "own"),
    ],
)
def test_value_in_words(name: str, value: object, words: str) -> None:
    assert SETTINGS[name].in_words(value) == words


@given(st.sampled_from([name for name, one in SETTINGS.items() if one.limits]), st.data())
def test_different_numbers_have_different_words(name: str, data: st.DataObject) -> None:
    limits = SETTINGS[name].limits
    assert limits is not None
    numbers = st.integers(int(limits.low), int(limits.high)) if limits.whole else st.floats(limits.low, limits.high)
    first, second = data.draw(numbers), data.draw(numbers)
    words = SETTINGS[name].in_words
    assert (words(first) == words(second)) is (first == second)


def test_data_set_has_its_title() -> None:
    assert comparison.described(RunConfig(dataset="embedded"))["Data set"] == datasets.NAMES["embedded"]
