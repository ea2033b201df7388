"""The networks of the tutorials and a small convolutional network, with the published figures."""

from __future__ import annotations

import dataclasses
import functools
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.config import LayerConfig, RunConfig
from mnist_core.language import Message

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Published:
    """The figures that an article reports for its network.

    Args:
        test_accuracy: accuracy on the held-out images, 0 to 1.
        test_loss: mean loss on them, if published.
        note: what to know about these figures, in one or two sentences.
    """

    test_accuracy: float
    test_loss: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Preset:
    """A network to start from.

    Args:
        name: its name in the menu.
        summary: the network in one line.
        config: exactly the article's settings.
        published: the article's figures; None without an article.
        source: where the network comes from.
    """

    name: str
    summary: str
    config: RunConfig
    published: Published | None
    source: str


_MORGAN_NAMES = (
    Message("Morgan 0: no hidden layer"),
    Message("Morgan 1: one wide layer"),
    Message("Morgan 2: two wide layers"),
)
_MORGAN_NOTE = Message("The article does not say after how many epochs; the preset runs 10.")


def _morgan(layers: int, summary: str, loss: float, accuracy: float) -> Preset:
    hidden = (LayerConfig(units=512, dropout=0.2),) * layers
    return Preset(
        name=_MORGAN_NAMES[layers],
        summary=summary,
        config=RunConfig(layers=hidden, optimizer="rmsprop", learning_rate=0.001, epochs=10),
        published=Published(accuracy, loss, _MORGAN_NOTE),
        source=Message("Morgan, April 2020"),
    )


PRESETS: Mapping[str, Preset] = types.MappingProxyType(
    {
        "kite": Preset(
            name=Message("Kite: one layer of 128"),
            summary=Message("784 pixels → 128 ReLU → 10 digits, trained with plain SGD"),
            config=RunConfig(split="kite"),
            published=Published(0.9264, 0.2567),
            source=Message("Kite, January 2019"),
        ),
        "torres": Preset(
            name=Message("Torres: ten sigmoid units"),
            summary=Message("784 pixels → 10 sigmoid → 10 digits, trained with plain SGD"),
            config=RunConfig(
                layers=(LayerConfig(units=10, activation="sigmoid"),),
                batch_size=100,
                epochs=5,
                # The article names no seed. Of the seeds 0 to 99, this one gives the log closest to the printed one.
                seed=25,
            ),
            published=Published(
                0.9018,
                None,
                Message(
                    "The article claims 0.9018, but the log printed in it ends at 0.7034 on the training images after "
                    "these five epochs. A hundred runs with other seeds reached 0.67 to 0.80 on the test images. "
                    "Try 40 epochs, or a learning rate of 0.1."
                ),
            ),
            source=Message("Torres, March 2019"),
        ),
        "morgan-0": _morgan(0, Message("784 pixels → 10 digits: the smallest possible network"), 0.276, 0.924),
        "morgan-1": _morgan(1, Message("784 pixels → 512 ReLU → 10 digits, with dropout"), 0.068, 0.981),
        "morgan-2": _morgan(2, Message("784 pixels → 512 ReLU → 512 ReLU → 10 digits, with dropout"), 0.0719, 0.982),
        "cnn": Preset(
            name=Message("Small CNN: two convolutions"),
            summary=Message(
                "28x28 pixels → 32 filters → 64 filters → 10 digits: what the articles name as the next step"
            ),
            config=RunConfig(
                layers=(LayerConfig("conv", 32), LayerConfig("conv", 64, dropout=0.5)),
                optimizer="adam",
                learning_rate=0.001,
                epochs=5,
            ),
            published=None,
            source="",
        ),
    }
)

FIRST = "kite"
"""The key of the preset that a new visitor finds in the editor."""


# A page asks ten times for the same few configs. To compare them with all presets was 8 % of the Train page's script.
@functools.lru_cache(maxsize=512)
def key_of(config: RunConfig) -> str | None:
    """The key of the preset with exactly these settings, on any data set; None if there is none."""
    for key, preset in PRESETS.items():
        if dataclasses.replace(config, dataset=preset.config.dataset) == preset.config:
            return key
    return None


def preset_of(config: RunConfig) -> Preset | None:
    """The preset of `key_of`; None if there is none."""
    key = key_of(config)
    return None if key is None else PRESETS[key]


@functools.lru_cache(maxsize=512)
def recipe_of(config: RunConfig) -> Preset | None:
    """Like `preset_of`, but for any seed: the articles name no seed, so a run with another seed follows them too."""
    seeds = (config.seed, *{preset.config.seed for preset in PRESETS.values()})
    return next(filter(None, (preset_of(dataclasses.replace(config, seed=seed)) for seed in seeds)), None)


def title_of(config: RunConfig) -> str:
    """A short name for a network: the preset's, with another seed if there is one, or its layers."""
    preset = preset_of(config)
    if preset is not None:
        return preset.name
    recipe = recipe_of(config)
    return layers_of(config) if recipe is None else Message("{name}, seed {seed}", name=recipe.name, seed=config.seed)


def layers_of(config: RunConfig) -> Message:
    """The layers of a network from input to output, in one line."""
    briefs = {f"layer{number}": layer.brief for number, layer in enumerate(config.layers)}
    return Message(" → ".join(["784", *(f"{{{name}}}" for name in briefs), "10"]), **briefs)
