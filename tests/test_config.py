"""Configs that hypothesis thinks up, and broken ones written by hand."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core import config as settings
from mnist_core.config import LayerConfig, RunConfig, picture_sides
from mnist_core.errors import ConfigError

DROPOUTS = st.floats(0.0, 0.9)
DENSE = st.builds(
    LayerConfig,
    kind=st.just("dense"),
    units=st.integers(1, 2048),
    activation=st.sampled_from(sorted(settings.ACTIVATIONS)),
    dropout=DROPOUTS,
)
CONVOLUTION = st.builds(
    LayerConfig,
    kind=st.sampled_from(["conv", "conv_only"]),
    units=st.integers(1, 128),
    activation=st.sampled_from(sorted(settings.ACTIVATIONS)),
    dropout=DROPOUTS,
)
LAYERS = st.tuples(st.lists(CONVOLUTION, max_size=3), st.lists(DENSE, max_size=3)).map(
    lambda pair: (*pair[0], *pair[1])
)


@st.composite
def configs(draw: st.DrawFn) -> RunConfig:
    """Any config that is allowed."""
    validation = draw(st.floats(0.0, 0.5))
    return RunConfig(
        layers=draw(LAYERS),
        optimizer=draw(st.sampled_from(sorted(settings.OPTIMIZERS))),
        learning_rate=draw(st.one_of(st.floats(1e-6, 10.0), st.integers(1, 10))),
        loss=draw(st.sampled_from(sorted(settings.LOSSES))),
        batch_size=draw(st.integers(1, 1024)),
        epochs=draw(st.integers(1, 100)),
        dataset=draw(st.from_regex(r"[a-z0-9_-]{1,40}", fullmatch=True)),
        split=draw(st.sampled_from(sorted(settings.SPLITS))),
        validation_fraction=validation,
        seed=draw(st.integers(0, 2**31 - 1)),
        l2=draw(st.floats(0.0, 1.0)),
        early_stopping=draw(st.integers(0, 50)) if validation else 0,
        augmentation=draw(st.floats(0.0, 1.0)),
        pixels=draw(st.sampled_from(sorted(settings.PIXELS))),
        order=draw(st.sampled_from(sorted(settings.ORDERS))),
        training_images=draw(st.integers(0, 1_000_000)),
    )


def refusal(**values: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        RunConfig(**values)
    assert caught.value.problem.endswith(".")
    assert caught.value.remedy.endswith(".")
    return caught.value


@given(configs())
def test_json_round_trip(config: RunConfig) -> None:
    again = RunConfig.from_json(config.to_json())
    assert again == config
    assert hash(again) == hash(config)
    assert again.to_json() == config.to_json()


def test_json_has_every_field_in_order() -> None:
    assert json.loads(RunConfig().to_json()) == {
        "layers": [{"kind": "dense", "units": 128, "activation": "relu", "dropout": 0.0}],
        "optimizer": "sgd",
        "learning_rate": 0.01,
        "loss": "categorical_crossentropy",
        "batch_size": 128,
        "epochs": 20,
        "dataset": "mnist",
        "split": "official",
        "validation_fraction": 0.0,
        "seed": 0,
        "l2": 0.0,
        "early_stopping": 0,
        "augmentation": 0.0,
        "pixels": "scaled",
        "order": "shuffled",
        "training_images": 0,
    }
    assert list(json.loads(RunConfig().to_json())) == [field.name for field in dataclasses.fields(RunConfig)]


def test_json_missing_fields_take_their_defaults() -> None:
    assert RunConfig.from_json("{}") == RunConfig()
    expected = RunConfig(layers=(LayerConfig(units=9),), epochs=3)
    assert RunConfig.from_json('{"layers": [{"units": 9}], "epochs": 3}') == expected


OUT_OF_RANGE: list[tuple[str, Any]] = [
    ("learning_rate", 9e-7),
    ("learning_rate", 10.1),
    ("learning_rate", 0.0),
    ("learning_rate", -0.1),
    ("batch_size", 0),
    ("batch_size", 1025),
    ("epochs", 0),
    ("epochs", 101),
    ("validation_fraction", -0.1),
    ("validation_fraction", 0.51),
    ("seed", -1),
    ("seed", 2**31),
    ("l2", -1e-9),
    ("l2", 1.1),
    ("early_stopping", -1),
    ("early_stopping", 51),
    ("augmentation", -0.1),
    ("augmentation", 1.1),
    ("pixels", "0 to 1"),
    ("order", "random"),
    ("training_images", -1),
    ("training_images", 1_000_001),
    ("optimizer", "adagrad"),
    ("optimizer", ""),
    ("loss", "hinge"),
    ("split", "thirds"),
    ("dataset", ""),
    ("dataset", "../mnist"),
    ("dataset", "MNIST"),
    ("dataset", "a" * 41),
    ("dataset", "mnist\n"),
]


@pytest.mark.parametrize(("field", "value"), OUT_OF_RANGE)
def test_value_out_of_range(field: str, value: object) -> None:
    assert refusal(**{field: value}).field == field


def test_every_field_has_a_refused_value() -> None:
    fields = {field.name for field in dataclasses.fields(RunConfig)} - {"layers"}
    assert {field for field, _ in OUT_OF_RANGE} == fields


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("units", 0),
        ("units", 2049),
        ("units", 1.5),
        ("units", True),
        ("units", "128"),
        ("kind", "pool"),
        ("kind", None),
        ("activation", "softmax"),
        ("activation", ["relu"]),
        ("dropout", -0.1),
        ("dropout", 0.91),
        ("dropout", math.nan),
        ("dropout", "0"),
    ],
)
def test_layer_value_out_of_range(field: str, value: object) -> None:
    layers = (LayerConfig(), LayerConfig(**{field: value}))  # type: ignore[arg-type]
    assert refusal(layers=layers).field == f"layers[1].{field}"


def test_convolution_limit_is_below_dense_limit() -> None:
    assert RunConfig(layers=(LayerConfig("conv", 128),)).layers[0].units == 128
    assert refusal(layers=(LayerConfig("conv", 129),)).field == "layers[0].units"


HUGE = 10**400  # too large to be a float


def repr_short(value: object) -> str:
    return repr(value)[:12]


WHOLE = ("batch_size", "epochs", "seed", "early_stopping", "training_images")
REAL = ("learning_rate", "validation_fraction", "l2", "augmentation")
CHOICES = ("optimizer", "loss", "split", "dataset", "pixels", "order")


@pytest.mark.parametrize("field", WHOLE)
@pytest.mark.parametrize("value", [True, 1.0, "1", None, math.nan, math.inf, [1], HUGE, -HUGE], ids=repr_short)
def test_wrong_type_for_a_whole_number(field: str, value: object) -> None:
    assert refusal(**{field: value}).field == field


@pytest.mark.parametrize("field", REAL)
@pytest.mark.parametrize("value", [True, "0.1", None, math.nan, math.inf, -math.inf, [0.1], 1j, HUGE], ids=repr_short)
def test_wrong_type_for_a_number(field: str, value: object) -> None:
    assert refusal(**{field: value}).field == field


@pytest.mark.parametrize("field", CHOICES)
@pytest.mark.parametrize("value", [None, 1, ["sgd"], {"sgd": 1}, b"sgd"])
def test_wrong_type_for_a_choice(field: str, value: object) -> None:
    assert refusal(**{field: value}).field == field


@pytest.mark.parametrize("layers", [None, [LayerConfig()], LayerConfig(), (128,), "dense"])
def test_wrong_type_for_the_layers(layers: object) -> None:
    assert refusal(layers=layers).field == "layers"


def test_convolution_after_dense() -> None:
    assert refusal(layers=(LayerConfig("conv", 8), LayerConfig(), LayerConfig("conv", 8))).field == "layers[2].kind"


def test_four_convolutions_with_pooling() -> None:
    assert len(RunConfig(layers=(LayerConfig("conv", 8),) * 3).layers) == 3
    assert refusal(layers=(LayerConfig("conv", 8),) * 4).field == "layers[3].kind"


def test_convolutions_until_the_picture_is_used_up() -> None:
    pooled, alone = LayerConfig("conv", 8), LayerConfig("conv_only", 8)
    # 28, 13, 5, 3, 1.
    assert picture_sides((pooled, pooled, alone, alone)) == [28, 13, 5, 3, 1]
    assert len(RunConfig(layers=(pooled, pooled, alone, alone)).layers) == 4
    assert refusal(layers=(pooled, pooled, alone, alone, alone)).field == "layers[4].kind"
    # 28, 13, 5, 3, and half of 1 is nothing.
    assert refusal(layers=(pooled, pooled, alone, pooled)).field == "layers[3].kind"
    assert picture_sides((alone,) * 6) == [28, 26, 24, 22, 20, 18, 16]
    assert len(RunConfig(layers=(alone,) * 6).layers) == 6


def test_seven_layers() -> None:
    assert len(RunConfig(layers=(LayerConfig(),) * 6).layers) == 6
    assert refusal(layers=(LayerConfig(),) * 7).field == "layers"


def test_early_stopping_without_validation() -> None:
    assert refusal(early_stopping=2).field == "early_stopping"
    assert RunConfig(early_stopping=2, validation_fraction=0.1).early_stopping == 2


def test_message_names_field_value_and_remedy() -> None:
    error = refusal(batch_size=5000)
    assert str(error) == "batch_size: is out of range. Received: 5000. Choose 1 to 1,024."


def test_message_writes_the_largest_seed_in_full() -> None:
    assert "2,147,483,647" in str(refusal(seed=-1))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "config"),
        ("{", "config"),
        ("null", "config"),
        ("[]", "config"),
        ("3", "config"),
        ('"kite"', "config"),
        ("[" * 100_000, "config"),
        ('{"lr": 1}', "config.lr"),
        ('{"__class__": 1}', "config.__class__"),
        ('{"layers": 3}', "layers"),
        ('{"layers": {}}', "layers"),
        ('{"layers": null}', "layers"),
        ('{"layers": [128]}', "layers[0]"),
        ('{"layers": [[]]}', "layers[0]"),
        ('{"layers": [{}, {"width": 1}]}', "layers[1].width"),
        ('{"layers": [{"units": "many"}]}', "layers[0].units"),
        ('{"layers": [{"activation": {}}]}', "layers[0].activation"),
        ('{"optimizer": ["sgd"]}', "optimizer"),
        ('{"optimizer": null}', "optimizer"),
        ('{"learning_rate": NaN}', "learning_rate"),
        ('{"learning_rate": -Infinity}', "learning_rate"),
        ('{"learning_rate": 1e999}', "learning_rate"),
        ('{"batch_size": 128.0}', "batch_size"),
        ('{"seed": 1' + "0" * 400 + "}", "seed"),
        ('{"epochs": true}', "epochs"),
    ],
)
def test_broken_json(text: str, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_json(text)
    assert caught.value.field == field
    assert len(str(caught.value)) < 1000


@given(st.text())
def test_any_json_text_is_accepted_or_refused(text: str) -> None:
    try:
        config = RunConfig.from_json(text)
    except ConfigError:
        return
    assert config == RunConfig.from_json(config.to_json())


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from([field.name for field in dataclasses.fields(RunConfig)]), JSON_VALUES)
def test_any_json_value_in_any_field_is_accepted_or_refused(field: str, value: object) -> None:
    try:
        config = RunConfig.from_json(json.dumps({field: value}))
    except ConfigError as error:
        assert error.field.startswith(field)
    else:
        assert json.loads(config.to_json())[field] == value or field == "layers"


def test_config_is_frozen_and_hashable() -> None:
    config = RunConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.epochs = 3  # type: ignore[misc]
    assert {config: 1}[RunConfig()] == 1
    assert config != RunConfig(seed=1)
