"""The plan of a network's layers, compared with a Keras model that is built here without it."""

from __future__ import annotations

from typing import Any

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core import network
from mnist_core.config import ACTIVATIONS, LayerConfig, picture_sides
from mnist_core.network.layers import plan
from mnist_core.presets import PRESETS
from tests.samples import small

DROPOUT = st.sampled_from([0.0, 0.25])
ACTIVATION = st.sampled_from(sorted(ACTIVATIONS))
CONVOLUTION = st.builds(LayerConfig, st.sampled_from(["conv", "conv_only"]), st.integers(1, 9), ACTIVATION, DROPOUT)
DENSE = st.builds(LayerConfig, st.just("dense"), st.integers(1, 40), ACTIVATION, DROPOUT)
LAYERS = st.tuples(st.lists(CONVOLUTION, max_size=3), st.lists(DENSE, max_size=3)).map(
    lambda pair: (*pair[0], *pair[1])
)


def stock_model(layers: tuple[LayerConfig, ...]) -> Any:
    """Build the network with Keras's shapes: a picture before a convolution, flat before the first dense layer."""
    model = keras.Sequential([keras.Input((28, 28))])
    if layers and layers[0].is_convolution:
        model.add(keras.layers.Reshape((28, 28, 1)))
    flattened = False
    for layer in (*layers, LayerConfig(units=10, activation="softmax")):
        if layer.is_convolution:
            model.add(keras.layers.Conv2D(layer.units, (3, 3), activation=layer.activation))
            if layer.is_pooled:
                model.add(keras.layers.MaxPooling2D((2, 2)))
        else:
            if not flattened:
                model.add(keras.layers.Flatten())
            flattened = True
            model.add(keras.layers.Dense(layer.units, activation=layer.activation))
        if layer.dropout:
            model.add(keras.layers.Dropout(layer.dropout))
    return model


def assert_as_keras(layers: tuple[LayerConfig, ...]) -> None:
    first, *planned = plan(layers)
    assert (first.kind, first.output_shape, first.parameters) == ("Input", (28, 28), 0)
    for own, stock in zip(planned, stock_model(layers).layers, strict=True):
        assert own.kind == type(stock).__name__
        assert own.input_shape == tuple(stock.input.shape[1:])
        assert own.output_shape == tuple(stock.output.shape[1:])
        assert own.weight_shapes == tuple(tuple(weight.shape) for weight in stock.weights)
        assert own.parameters == stock.count_params()
        assert own.dropout == getattr(stock, "rate", 0.0)
        assert (keras.activations.get(own.activation) if own.activation else None) == getattr(stock, "activation", None)


@pytest.mark.parametrize("name", PRESETS)
def test_plan_of_preset_matches_keras(name: str) -> None:
    assert_as_keras(PRESETS[name].config.layers)


@settings(max_examples=20, deadline=None)
@given(LAYERS)
def test_plan_of_any_network_matches_keras(layers: tuple[LayerConfig, ...]) -> None:
    assert_as_keras(layers)


@settings(max_examples=10, deadline=None)
@given(LAYERS)
def test_model_and_counts_match_keras(layers: tuple[LayerConfig, ...]) -> None:
    config = small(layers=layers)
    stock, own = stock_model(layers), network.to_keras(config)
    assert [type(layer) for layer in own.layers] == [type(layer) for layer in stock.layers]
    assert [layer.output.shape for layer in own.layers] == [layer.output.shape for layer in stock.layers]
    assert network.parameter_count(config) == stock.count_params()


@given(LAYERS)
def test_config_check_uses_the_same_picture_sizes(layers: tuple[LayerConfig, ...]) -> None:
    """A config is checked by its picture sizes alone, before its plan is made."""
    pictures = [layer for layer in plan(layers) if layer.kind in ("Conv2D", "MaxPooling2D")]
    last = {layer.hidden: layer.output_shape[0] for layer in pictures}
    assert picture_sides(layers) == [28, *last.values()]


def test_plan_steps_name_their_hidden_layer() -> None:
    steps = plan((LayerConfig("conv", 4, dropout=0.25), LayerConfig(units=5)))
    assert [(step.kind, step.hidden) for step in steps] == [
        ("Input", None),
        ("Reshape", None),
        ("Conv2D", 1),
        ("MaxPooling2D", 1),
        ("Dropout", 1),
        ("Flatten", None),
        ("Dense", 2),
        ("Dense", None),
    ]
