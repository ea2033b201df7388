"""The arrays that the picture of a network is drawn from, computed again by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mnist_core.config import LayerConfig, RunConfig
from mnist_core.network.layers import initial_weights
from mnist_core.training import insight
from pages.widgets.common import live_network
from tests.samples import blobs, small

CONFIGS = {
    "no hidden layer": small(layers=()),
    "two dense layers": small(layers=(LayerConfig(units=200), LayerConfig(units=7, activation="tanh"))),
    "convolutions": small(layers=(LayerConfig("conv", 12), LayerConfig("conv_only", 4), LayerConfig(units=9))),
}


def parts(config: RunConfig) -> tuple[insight.Inside, dict[str, Any], dict[str, Any]]:
    found = insight.inside(config, initial_weights(config), blobs().test_images[:12])
    return found, *live_network.parts(config, found)


@pytest.mark.parametrize("case", CONFIGS)
def test_activations_are_those_of_the_first_units(case: str) -> None:
    config = CONFIGS[case]
    found, header, arrays = parts(config)
    columns = live_network.columns(config)
    assert [one["units"] for one in columns] == [layer.units for layer in config.layers]
    for k, (column, scale) in enumerate(zip(columns, header["scales"], strict=True)):
        shown = column["shown"]
        assert shown == min(column["units"], 8 if column["filters"] else 128)
        activations = found.activations[k][..., :shown]
        sent = arrays[f"activations{k}"].astype(float) / 127 * scale
        if not column["filters"]:
            np.testing.assert_allclose(sent, activations, atol=scale / 200)
            continue
        assert sent.shape[:2] == (12, shown)
        assert max(sent.shape[2:]) <= 13
        # The largest value of a picture stays.
        np.testing.assert_allclose(sent.max(axis=(2, 3)), activations.max(axis=(1, 2)), atol=scale / 200)


@pytest.mark.parametrize("case", CONFIGS)
def test_links_connect_shown_units(case: str) -> None:
    config = CONFIGS[case]
    _, _, arrays = parts(config)
    shown = [live_network.shown_units(layer) for layer in config.layers] + [10]
    for k in range(len(config.layers)):
        links, strengths = arrays[f"links{k}"], arrays[f"strengths{k}"]
        assert links.shape[:2] == strengths.shape
        assert (links < [shown[k], shown[k + 1]]).all()
        assert np.abs(strengths).max(initial=127) == 127


def test_stuck_units_are_counted() -> None:
    config = small(layers=(LayerConfig(units=5),))
    weights = [array.copy() for array in initial_weights(config)]
    weights[1][:3] = -1e6
    found = insight.inside(config, tuple(weights), blobs().test_images[:12])
    assert live_network.parts(config, found)[0]["stuck"] == [3]


def test_network_that_has_diverged_has_parts() -> None:
    config = small(layers=(LayerConfig(units=5),))
    bad = tuple(np.full_like(array, np.nan) for array in initial_weights(config))
    header, arrays = live_network.parts(config, insight.inside(config, bad, blobs().test_images[:12]))
    assert header["scales"] == [1.0]
    assert not arrays["activations0"].any()


@pytest.mark.parametrize(
    ("case", "layer", "unit", "shape"),
    [
        ("no hidden layer", 0, 9, (1, 28, 28)),
        ("two dense layers", 0, 3, (1, 28, 28)),
        ("two dense layers", 1, 6, (1, 1, 128)),
        ("two dense layers", 2, 0, (1, 1, 7)),
        ("convolutions", 0, 11, (1, 3, 3)),
        ("convolutions", 1, 3, (8, 3, 3)),
        ("convolutions", 2, 8, (4, 11, 11)),
        ("convolutions", 3, 5, (1, 1, 9)),
    ],
)
def test_weights_of_a_unit_have_the_form_of_the_layer_before(
    case: str, layer: int, unit: int, shape: tuple[int, ...]
) -> None:
    config = CONFIGS[case]
    weights = initial_weights(config)
    found = live_network.weights_of_unit(config, weights, layer, unit)
    assert found is not None
    assert found.shape == shape
    kernel = weights[2 * layer][..., unit]
    if kernel.ndim == 3:
        expected = np.stack([kernel[:, :, channel] for channel in range(shape[0])])
    elif case == "convolutions" and layer == 2:
        expected = np.stack([kernel.reshape(11, 11, 4)[:, :, channel] for channel in range(4)])
    else:
        expected = kernel[: np.prod(shape)].reshape(shape)
    np.testing.assert_allclose(found / 127 * np.abs(expected).max(), expected, atol=np.abs(expected).max() / 200)


@pytest.mark.parametrize(("layer", "unit"), [(0, 200), (1, 7), (2, 10), (3, 0)])
def test_no_weights_of_a_unit_that_is_not_there(layer: int, unit: int) -> None:
    config = CONFIGS["two dense layers"]
    assert live_network.weights_of_unit(config, initial_weights(config), layer, unit) is None
