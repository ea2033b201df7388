"""The diagram of a network and the mosaic of its weights: every value in its place."""

import numpy as np
import pytest

from mnist_core import presets
from mnist_core.charts import network, style
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.data import sources, uploads


def dots(config: RunConfig) -> list[list[float]]:
    """Return the heights of the units in the diagram, a list for each column."""
    (layer,) = (x for x in network.network_diagram(config, "black")["layer"] if x["mark"]["type"] == "point")
    values = layer["data"]["values"]
    return [[dot["y"] for dot in values if dot["x"] == x] for x in sorted({dot["x"] for dot in values})]


@pytest.mark.parametrize("key", presets.PRESETS)
def test_diagram_has_a_column_of_dots_for_each_layer(key: str) -> None:
    config = presets.PRESETS[key].config
    columns = dots(config)
    assert len(columns) == len(config.layers) + 2
    assert all(0 < len(column) <= 10 for column in columns)


def test_diagram_of_a_small_layer_is_complete_and_centred() -> None:
    assert dots(RunConfig(layers=(LayerConfig(units=3),)))[1] == [1, 0, -1]


def test_diagram_names_every_layer_and_its_dropout() -> None:
    config = RunConfig(layers=(LayerConfig("conv", 32), LayerConfig(units=64, activation="tanh", dropout=0.25)))
    layers = network.network_diagram(config, "#abcdef")["layer"]
    texts = [layer for layer in layers if layer["mark"]["type"] == "text"]
    said = {str(row[layer["encoding"]["text"]["field"]]) for layer in texts for row in layer["data"]["values"]}
    assert said >= {"784", "32", "filters\nReLU", "64", "Tanh", "dropout\n25%", "10", "digits"}
    assert {layer["mark"]["color"] for layer in texts} == {"#abcdef"}


@pytest.mark.parametrize(
    ("dataset", "noun"), [("mnist", "digits"), ("embedded", "digits"), ("fruit", "classes"), (uploads.NAME, "classes")]
)
def test_diagram_calls_the_answers_as_the_data_set_does(
    monkeypatch: pytest.MonkeyPatch, dataset: str, noun: str
) -> None:
    fruit = sources.DataSource("fruit", "Fruit", class_names=("Apple", "Banana", "Cherry", *"DEFGHIJ"))
    monkeypatch.setattr(network, "SOURCES", {**sources.SOURCES, "fruit": fruit})
    layers = network.network_diagram(RunConfig(layers=(), dataset=dataset), "black")["layer"]
    names = {row["name"] for layer in layers for row in layer["data"]["values"] if "name" in row}
    assert names == {"pixels", noun}
    (points,) = (layer["data"]["values"] for layer in layers if layer["mark"]["type"] == "point")
    assert {dot["unit"] for dot in points} == {"784 pixels", f"10 {noun}"}


def test_mosaic_tiles_pictures() -> None:
    pictures = np.zeros((3, 2, 2), np.float32)
    pictures[1, 0, 1] = 1.0
    pictures[2, 1, 0] = -0.5
    mosaic = network.signed_mosaic(pictures, columns=2, side=4)
    assert mosaic.shape == (16, 16, 4)
    blue = [int(style.INK[i : i + 2], 16) for i in (1, 3, 5)]
    assert mosaic[2, 8 + 4].tolist() == [*blue, 255]  # second tile, upper right square
    assert mosaic[8 + 4, 2, 3] == 127  # third tile, lower left square, half as strong
    assert not mosaic[:8, :8, 3].any()
    assert not mosaic[8:, 8:, 3].any()
