"""`LayerConfig`, one hidden layer, and the table of its settings."""

from __future__ import annotations

import re
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.config.settings import Range, Setting, setting, table, to_text
from mnist_core.errors import ConfigError
from mnist_core.language import Message, gettext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

IMAGE_SIZE = 28

LAYER_KINDS: Mapping[str, str] = types.MappingProxyType(
    {"dense": Message("Dense"), "conv": Message("Convolution, then pooling"), "conv_only": Message("Convolution")}
)


@dataclass(frozen=True)
class Activation:
    """An activation function. Its key in `ACTIVATIONS` is its name in Keras, and `keras.activations.get` computes it.

    Args:
        label: its name on the screen.
        bounded: whether its outputs stay between two fixed numbers, however large its input is.
        monotonic: whether its output never falls while its input rises. Max pooling may then come first.
    """

    label: str
    bounded: bool
    monotonic: bool


ACTIVATIONS: Mapping[str, Activation] = types.MappingProxyType(
    {
        "relu": Activation(Message("ReLU"), bounded=False, monotonic=True),
        "sigmoid": Activation(Message("Sigmoid"), bounded=True, monotonic=True),
        "tanh": Activation(Message("Tanh"), bounded=True, monotonic=True),
        "elu": Activation("ELU", bounded=False, monotonic=True),
        "gelu": Activation("GELU", bounded=False, monotonic=False),
        "silu": Activation(Message("SiLU"), bounded=False, monotonic=False),
        "leaky_relu": Activation(Message("Leaky ReLU"), bounded=False, monotonic=True),
        "softplus": Activation(Message("Softplus"), bounded=False, monotonic=True),
        "linear": Activation(Message("Linear"), bounded=False, monotonic=True),
    }
)


@dataclass(frozen=True)
class LayerConfig:
    """One hidden layer. Its fields are settings, `LAYER_SETTINGS`.

    A convolution's filters are 3x3 without padding; its pooling takes the largest of each 2x2.
    """

    kind: str = setting(
        Message("Kind"),
        default="dense",
        choices=LAYER_KINDS,
        help=Message(
            "Dense: every unit sees all inputs. Convolution: small 3x3 filters move over the picture; pooling then "
            "halves it. Put convolutions before dense layers."
        ),
    )
    # Neurons of a dense layer, filters of a convolution.
    units: int = setting(
        Message("Units"),
        default=128,
        limits=Range(1, 2048, whole=True),
        step=16,
        help=Message("How many neurons this layer has."),
    )
    activation: str = setting(
        Message("Activation"),
        default="relu",
        choices=ACTIVATIONS,
        help=Message("What each unit does with its weighted sum. With linear, more layers do not help."),
    )
    # The share of this layer's outputs that is zeroed in each training step.
    dropout: float = setting(
        Message("Dropout"),
        default=0.0,
        limits=Range(0.0, 0.9),
        usual=(0.0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5),
        help=Message("Randomly switches off this share of the units during training, to reduce overfitting."),
    )

    @property
    def is_convolution(self) -> bool:
        """Whether it has filters that slide over a picture and leaves a picture."""
        return self.kind != "dense"

    @property
    def is_pooled(self) -> bool:
        """Whether it halves the picture."""
        return self.kind == "conv"

    @property
    def settings(self) -> Mapping[str, Setting]:
        """The settings of a layer of this kind: the units of a convolution are its filters."""
        return {**LAYER_SETTINGS, "units": FILTERS} if self.is_convolution else LAYER_SETTINGS

    @property
    def brief(self) -> Message:
        """Its units and activation in words, such as "32 filters ReLU"."""
        activation = ACTIVATIONS[self.activation].label
        if self.is_convolution:
            return Message("{units} filters {activation}", units=self.units, activation=activation)
        return Message("{units} {activation}", units=self.units, activation=activation)

    @property
    def extras(self) -> list[str]:
        """What it has beyond kind, units and activation, in words, such as "dropout 0.25"."""
        further = list(self.settings.values())[_ALWAYS_SAID:]
        changed = [one for one in further if getattr(self, one.name) != one.default]
        return [f"{gettext(one.label).lower()} {one.in_words(getattr(self, one.name))}" for one in changed]

    def check(self, field: str) -> None:
        """Raise `ConfigError` for the first setting that is wrong; `field` is this layer's own name."""
        for name, one in self.settings.items():
            one.check(getattr(self, name), f"{field}.{name}")


LAYER_SETTINGS: Mapping[str, Setting] = types.MappingProxyType(table(LayerConfig))
_ALWAYS_SAID = 3  # The first settings of a layer: links and words leave out a later one that has its default.
FILTERS = Setting(
    label=Message("Filters"),
    default=32,
    help=Message("How many filters this layer has."),
    name="units",
    limits=Range(1, 128, whole=True),
    step=8,
)
"""What takes the place of the setting "units" in a convolution."""


def picture_sides(layers: Sequence[LayerConfig]) -> list[int]:
    """A picture's side in pixels, at the input and after each convolution; below 1 where no picture is left."""
    sides = [IMAGE_SIZE]
    for layer in layers:
        if layer.is_convolution:
            side = sides[-1] - 2
            sides.append(side // 2 if layer.is_pooled else side)
    return sides


def layers_in_words(layers: Sequence[LayerConfig]) -> str:
    """Hidden layers in a line, such as "32 filters ReLU, pooling; 128 ReLU, dropout 0.25"."""
    pooling = gettext("pooling")
    return "; ".join(", ".join([gettext(x.brief), *([pooling] if x.is_pooled else []), *x.extras]) for x in layers)


def layers_to_text(layers: tuple[LayerConfig, ...]) -> str:
    """Hidden layers for a link, such as ``conv-32-relu,dense-128-relu-0.5``."""
    return ",".join(map(_layer_to_text, layers)) or "none"


def _layer_to_text(layer: LayerConfig) -> str:
    names = list(LAYER_SETTINGS)
    while len(names) > _ALWAYS_SAID and getattr(layer, names[-1]) == LAYER_SETTINGS[names[-1]].default:
        names.pop()
    return "-".join(to_text(getattr(layer, name)) for name in names)


def layers_from_text(text: str) -> tuple[LayerConfig, ...]:
    """The layers that `layers_to_text` wrote.

    Raises:
        ConfigError: naming the layer, for text that cannot be read.
    """
    if text == "none":
        return ()
    return tuple(_layer_from_text(f"layers[{i}]", part) for i, part in enumerate(text.split(",")))


def _layer_from_text(field: str, text: str) -> LayerConfig:
    # Not at the minus of a number such as 1e-05.
    pieces = re.split(r"(?<![0-9.][eE])-", text, maxsplit=len(LAYER_SETTINGS) - 1)
    if len(pieces) < _ALWAYS_SAID:
        form = "-".join(LAYER_SETTINGS)
        raise ConfigError(
            field, "is not a layer.", Message("Write {form}, such as dense-128-relu-0.2.", form=form), text
        )
    given = zip(LAYER_SETTINGS.values(), pieces, strict=False)
    return LayerConfig(**{one.name: one.from_text(piece, f"{field}.{one.name}") for one, piece in given})
