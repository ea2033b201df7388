"""One frozen `RunConfig` describes a run completely.

It is the cache key of compiled programs, the link that people share, the record of a run. The choices that
forms, validation and tests offer stand here once, as maps from value to what people read.
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

IMAGE_SIZE = 28
CLASSES = 10

LAYER_KINDS: Mapping[str, str] = types.MappingProxyType(
    {"dense": "Dense", "conv": "Convolution, then pooling", "conv_only": "Convolution"}
)

# The keys are the names that Keras knows them by.
ACTIVATIONS: Mapping[str, str] = types.MappingProxyType(
    {
        "relu": "ReLU",
        "sigmoid": "Sigmoid",
        "tanh": "Tanh",
        "elu": "ELU",
        "gelu": "GELU",
        "silu": "SiLU",
        "leaky_relu": "Leaky ReLU",
        "softplus": "Softplus",
        "linear": "Linear",
    }
)


@dataclass(frozen=True)
class OptimizerChoice:
    """An optimizer as people meet it: its name, and the learning rate that Keras would use unasked."""

    label: str
    default_learning_rate: float


OPTIMIZERS: Mapping[str, OptimizerChoice] = types.MappingProxyType(
    {
        "sgd": OptimizerChoice("SGD", 0.01),
        "momentum": OptimizerChoice("SGD with momentum 0.9", 0.01),
        "rmsprop": OptimizerChoice("RMSprop", 0.001),
        "adam": OptimizerChoice("Adam", 0.001),
        "adamw": OptimizerChoice("AdamW", 0.001),
    }
)
LOSSES: Mapping[str, str] = types.MappingProxyType(
    {"categorical_crossentropy": "Cross-entropy", "mean_squared_error": "Mean squared error"}
)
SPLITS: Mapping[str, str] = types.MappingProxyType(
    {"official": "Official test set", "kite": "Kite: a quarter of the training images held out"}
)
PIXELS: Mapping[str, str] = types.MappingProxyType({"scaled": "From 0 to 1", "raw": "From 0 to 255, as in the file"})
ORDERS: Mapping[str, str] = types.MappingProxyType(
    {"shuffled": "Shuffled anew in each epoch", "file": "As they stand in the file"}
)


@dataclass(frozen=True)
class Range:
    """The closed range of a number that a run may be given.

    Raises:
        ConfigError: from `check`, when a value is no number of the right type, or outside.
    """

    low: float
    high: float
    whole: bool = False

    def check(self, field: str, value: object) -> None:
        """Refuse a `value` that does not belong to the setting `field`."""
        right_type = isinstance(value, int if self.whole else (int, float))
        if isinstance(value, bool) or not right_type:
            kind = "a whole number" if self.whole else "a number"
            raise ConfigError(field, f"must be {kind}.", f"Choose one from {self.text}.", value)
        if not self.low <= value <= self.high:  # type: ignore[operator]  # NaN is outside, too.
            raise ConfigError(field, "is out of range.", f"Choose {self.text}.", value)

    @property
    def text(self) -> str:
        """The range as people read it."""
        return f"{self.low:,d} to {self.high:,d}" if self.whole else f"{self.low:,g} to {self.high:,g}"


# A setting of `RunConfig` or `LayerConfig` -> what the editor calls it.
CONTROLS: Mapping[str, str] = types.MappingProxyType(
    {
        "layers": "Hidden layers",
        "kind": "Kind",
        "units": "Units",
        "activation": "Activation",
        "dropout": "Dropout",
        "optimizer": "Optimizer",
        "learning_rate": "Learning rate",
        "loss": "Loss",
        "batch_size": "Batch size",
        "epochs": "Epochs",
        "dataset": "Data set",
        "split": "Test images",
        "validation_fraction": "Validation share",
        "seed": "Seed",
        "l2": "L2 penalty",
        "early_stopping": "Early stopping",
        "augmentation": "Augmentation",
        "pixels": "Pixel values",
        "order": "Order of images",
        "training_images": "Training images",
    }
)
FILTERS_LABEL = "Filters"  # what the editor calls the units of a convolution

MAX_LAYERS = 6
# What a parameter of a link may have; six layers with every digit of their dropout have 300.
MAX_TEXT = 400
UNITS = Range(1, 2048, whole=True)
FILTERS = Range(1, 128, whole=True)
DROPOUT = Range(0.0, 0.9)
LEARNING_RATE = Range(1e-6, 10.0)
BATCH_SIZE = Range(1, 1024, whole=True)
EPOCHS = Range(1, 100, whole=True)
L2 = Range(0.0, 1.0)
VALIDATION_FRACTION = Range(0.0, 0.5)
TRAINING_IMAGES = Range(0, 1_000_000, whole=True)
EARLY_STOPPING = Range(0, 50, whole=True)
AUGMENTATION = Range(0.0, 1.0)
SEED = Range(0, 2**31 - 1, whole=True)


def check_choice(field: str, value: object, choices: Iterable[str]) -> None:
    """Refuse a `value` that is not among `choices` with a `ConfigError` that lists them."""
    if not isinstance(value, str) or value not in choices:
        raise ConfigError(field, "is not a known choice.", f"Choose one of {', '.join(choices)}.", value)


@dataclass(frozen=True)
class LayerConfig:
    """One hidden layer.

    Args:
        kind: ``"dense"``; ``"conv"``: filters of 3x3 without padding, then 2x2 max pooling; or ``"conv_only"``: the
            filters alone.
        units: neurons of a dense layer, filters of a convolution.
        activation: a key of `ACTIVATIONS`.
        dropout: share of this layer's outputs that is zeroed in each training step, 0 to 0.9.
    """

    kind: str = "dense"
    units: int = 128
    activation: str = "relu"
    dropout: float = 0.0

    @property
    def is_convolution(self) -> bool:
        """Whether it has filters that slide over a picture and leaves a picture."""
        return self.kind != "dense"

    @property
    def is_pooled(self) -> bool:
        """Whether it halves the picture."""
        return self.kind == "conv"

    def check(self, field: str) -> None:
        """Raise `ConfigError` for the first setting that is wrong; `field` is this layer's own name."""
        check_choice(f"{field}.kind", self.kind, LAYER_KINDS)
        (FILTERS if self.is_convolution else UNITS).check(f"{field}.units", self.units)
        check_choice(f"{field}.activation", self.activation, ACTIVATIONS)
        DROPOUT.check(f"{field}.dropout", self.dropout)


def picture_sides(layers: Sequence[LayerConfig]) -> list[int]:
    """A picture's side in pixels, at the input and after each convolution; below 1 where no picture is left."""
    sides = [IMAGE_SIZE]
    for layer in layers:
        if layer.is_convolution:
            side = sides[-1] - 2
            sides.append(side // 2 if layer.is_pooled else side)
    return sides


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a run computes. The defaults are the Kite tutorial's network and recipe.

    Args:
        layers: the hidden layers from input to output; ``()`` is no hidden layer. The output layer, ten
            units with softmax, is always added.
        optimizer: a key of `OPTIMIZERS`.
        learning_rate: the optimizer's step size.
        loss: a key of `LOSSES`.
        batch_size: images in one step; an epoch's last batch may be smaller and is never dropped.
        epochs: passes over the training images.
        dataset: the name of a data set.
        split: a key of `SPLITS`: which images are trained on and which are kept for the test.
        validation_fraction: share of the training images set aside to watch, 0 for none.
        seed: starting weights, order of images and dropout all follow from it.
        l2: weight of the sum of squared layer weights (without biases) that is added to the loss.
        early_stopping: end the run after so many epochs without a lower validation loss and keep the best
            epoch; 0 is off.
        augmentation: how much every training image is bent, tilted and thickened anew in each step, from 0 for
            not at all to 1 for as much as hands do.
        pixels: a key of `PIXELS`: the numbers in which a network gets an image. Whoever hands it one need not care.
        order: a key of `ORDERS`: how an epoch's training images follow each other.
        training_images: train on the first so many images of those that are left for training; 0 for all.

    Raises:
        ConfigError: naming the field, when it or a combination is impossible.
    """

    layers: tuple[LayerConfig, ...] = (LayerConfig(),)
    optimizer: str = "sgd"
    learning_rate: float = 0.01
    loss: str = "categorical_crossentropy"
    batch_size: int = 128
    epochs: int = 20
    dataset: str = "mnist"
    split: str = "official"
    validation_fraction: float = 0.0
    seed: int = 0
    l2: float = 0.0
    early_stopping: int = 0
    augmentation: float = 0.0
    pixels: str = "scaled"
    order: str = "shuffled"
    training_images: int = 0

    def __post_init__(self) -> None:
        self._check_layers()
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        LEARNING_RATE.check("learning_rate", self.learning_rate)
        check_choice("loss", self.loss, LOSSES)
        BATCH_SIZE.check("batch_size", self.batch_size)
        EPOCHS.check("epochs", self.epochs)
        if not (isinstance(self.dataset, str) and re.fullmatch(r"[a-z0-9_-]{1,40}", self.dataset)):
            raise ConfigError("dataset", "is not the name of a data set.", 'Give one such as "mnist".', self.dataset)
        check_choice("split", self.split, SPLITS)
        VALIDATION_FRACTION.check("validation_fraction", self.validation_fraction)
        SEED.check("seed", self.seed)
        L2.check("l2", self.l2)
        EARLY_STOPPING.check("early_stopping", self.early_stopping)
        AUGMENTATION.check("augmentation", self.augmentation)
        check_choice("pixels", self.pixels, PIXELS)
        check_choice("order", self.order, ORDERS)
        TRAINING_IMAGES.check("training_images", self.training_images)
        if self.early_stopping and not self.validation_fraction:
            raise ConfigError(
                "early_stopping",
                "needs validation images to watch.",
                "Give validation_fraction a value above 0, or switch early stopping off.",
            )

    def _check_layers(self) -> None:
        if not isinstance(self.layers, tuple) or not all(isinstance(x, LayerConfig) for x in self.layers):
            raise ConfigError("layers", "must be a tuple of LayerConfig.", "Give () for none.", self.layers)
        if len(self.layers) > MAX_LAYERS:
            raise ConfigError("layers", "has too many hidden layers.", f"Use at most {MAX_LAYERS}.", len(self.layers))
        for i, layer in enumerate(self.layers):
            layer.check(f"layers[{i}]")
            if layer.is_convolution and i and not self.layers[i - 1].is_convolution:
                raise ConfigError(
                    f"layers[{i}].kind",
                    "a convolution needs a picture, and a dense layer leaves none.",
                    "Put convolutions before the dense layers.",
                )
            if picture_sides(self.layers[: i + 1])[-1] < 1:
                raise ConfigError(
                    f"layers[{i}].kind",
                    "is one convolution more than a 28x28 image holds.",
                    "Each takes two pixels off the picture and pooling halves it: use fewer, or less pooling.",
                )

    def to_json(self) -> str:
        """The config as a JSON object with every field, in a fixed order."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RunConfig:
        """The config written by `to_json`; a missing field takes its default.

        Raises:
            ConfigError: for text that is not such an object, an unknown field, or a value that is refused.
        """
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError("config", "is not valid JSON.", "Copy the whole text again.", text) from error
        values = _checked_object("config", raw, cls)
        if "layers" in values:
            if not isinstance(values["layers"], list):
                raise ConfigError("layers", "must be a list.", "Give [] for no hidden layer.", values["layers"])
            values["layers"] = tuple(
                LayerConfig(**_checked_object(f"layers[{i}]", layer, LayerConfig))
                for i, layer in enumerate(values["layers"])
            )
        return cls(**values)

    def to_query(self) -> dict[str, str]:
        """The config as parameters of a link: the layers, and what else differs from the defaults, all as short text.

        Layers are written as ``kind-units-activation-dropout``, without the dropout if it is 0, and joined by commas;
        none at all as ``none``. Numbers come back to the last bit.
        """
        query = {"layers": _layers_to_text(self.layers)}
        for field in dataclasses.fields(self)[1:]:
            value = getattr(self, field.name)
            if value != field.default:
                query[field.name] = _value_to_text(value)
        return query

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> RunConfig:
        """The config written by `to_query`.

        Raises:
            ConfigError: naming the parameter that is unknown, unreadable or refused.
        """
        known = {field.name: field for field in dataclasses.fields(cls)}
        values: dict[str, Any] = {}
        for name, text in query.items():
            if name not in known:
                raise ConfigError(name, "is not a setting of a run.", f"Known are {', '.join(known)}.")
            if len(text) > MAX_TEXT:
                raise ConfigError(name, "is too long for a setting.", "Copy the link again.", f"{len(text):,} letters")
            if name == "layers":
                values[name] = _layers_from_text(text)
            else:
                values[name] = _value_from_text(name, text, type(known[name].default))
        return cls(**values)


def read_number(field: str, text: str, limits: Range) -> float:
    """A number as people write it, such as ``0.001`` or ``1e-3``; of a whole range an int.

    Raises:
        ConfigError: naming `field`, for text that is no such number or one out of range.
    """
    number: float = _value_from_text(field, text, int if limits.whole else float)
    limits.check(field, number)
    return number


def number_text(number: float) -> str:
    """A number as short text that `read_number` reads back to the last bit."""
    return _value_to_text(number)


def _checked_object(field: str, raw: object, kind: type) -> dict[str, Any]:
    known = {f.name for f in dataclasses.fields(kind)}
    if not isinstance(raw, dict):
        raise ConfigError(
            field, "must hold settings with their names.", "Use a file that the playground has saved.", raw
        )
    unknown = raw.keys() - known
    if unknown:
        raise ConfigError(
            f"{field}.{min(unknown)}",
            "is not a known setting.",
            f"Known are {', '.join(sorted(known))}.",
        )
    return dict(raw)


def _layers_to_text(layers: tuple[LayerConfig, ...]) -> str:
    if not layers:
        return "none"
    return ",".join(
        f"{x.kind}-{x.units}-{x.activation}" + (f"-{_value_to_text(x.dropout)}" if x.dropout else "") for x in layers
    )


def _layers_from_text(text: str) -> tuple[LayerConfig, ...]:
    if text == "none":
        return ()
    layers = []
    for i, part in enumerate(text.split(",")):
        pieces = part.split("-", 3)
        if len(pieces) < 3:
            raise ConfigError(
                f"layers[{i}]",
                "is not a layer.",
                "Write kind-units-activation-dropout, such as dense-128-relu-0.2.",
                part,
            )
        kind, units, activation, dropout = [*pieces, "0"][:4]
        layers.append(
            LayerConfig(
                kind,
                _value_from_text(f"layers[{i}].units", units, int),
                activation,
                _value_from_text(f"layers[{i}].dropout", dropout, float),
            )
        )
    return tuple(layers)


def _value_to_text(value: object) -> str:
    # Python writes the shortest text that is read back as the same float, bit for bit.
    return str(value).removesuffix(".0")


# Python reads more as a number: 1_000, other alphabets' digits, inf.
_NUMBERS = {int: r"-?[0-9]{1,20}", float: r"-?([0-9]+\.?|[0-9]*\.[0-9]+)([eE]-?[0-9]{1,3})?"}


def _value_from_text(field: str, text: str, kind: type) -> Any:
    if kind is str:
        return text
    if not re.fullmatch(_NUMBERS[kind], text):
        what = "a whole number" if kind is int else "a number"
        raise ConfigError(field, f"is not {what}.", "Write it with digits, such as 10.", text)
    return kind(text)
