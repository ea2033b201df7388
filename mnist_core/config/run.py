"""`RunConfig`, a run described completely, and the table of its settings.

It is the key of compiled programs, the link that people share and the record of a run.
"""

from __future__ import annotations

import dataclasses
import json
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_core.config.layer import (
    LayerConfig,
    layers_from_text,
    layers_in_words,
    layers_to_text,
    picture_sides,
)
from mnist_core.config.settings import Range, Setting, percent_in_words, setting, table, to_text
from mnist_core.errors import ConfigError
from mnist_core.language import Message, gettext

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASSES = 10


@dataclass(frozen=True)
class OptimizerChoice:
    """An optimizer as people meet it: its name, and Keras's default learning rate."""

    label: str
    default_learning_rate: float


OPTIMIZERS: Mapping[str, OptimizerChoice] = types.MappingProxyType(
    {
        "sgd": OptimizerChoice("SGD", 0.01),
        "momentum": OptimizerChoice(Message("SGD with momentum 0.9"), 0.01),
        "rmsprop": OptimizerChoice(Message("RMSprop"), 0.001),
        "adam": OptimizerChoice(Message("Adam"), 0.001),
        "adamw": OptimizerChoice(Message("AdamW"), 0.001),
    }
)
LOSSES: Mapping[str, str] = types.MappingProxyType(
    {"categorical_crossentropy": Message("Cross-entropy"), "mean_squared_error": Message("Mean squared error")}
)
SPLITS: Mapping[str, str] = types.MappingProxyType(
    {"official": Message("Official test set"), "kite": Message("Kite: a quarter of the training images held out")}
)
PIXELS: Mapping[str, str] = types.MappingProxyType(
    {"scaled": Message("From 0 to 1"), "raw": Message("From 0 to 255, as in the file")}
)
ORDERS: Mapping[str, str] = types.MappingProxyType(
    {"shuffled": Message("Shuffle in each epoch"), "file": Message("Keep the order of the file")}
)


MAX_LAYERS = 6
# The longest value of a parameter in a link. Six layers with every digit of their dropout take 300.
MAX_TEXT = 400

# Ranges that other modules use too.
LEARNING_RATE = Range(1e-6, 10.0)
EPOCHS = Range(1, 100, whole=True)
SEED = Range(0, 2**31 - 1, whole=True)
TRAINING_IMAGES = Range(0, 1_000_000, whole=True)
VALIDATION_FRACTION = Range(0.0, 0.5)


def _first_images(count: int) -> str:
    return gettext("the first {count:,}", count=count)


def _patience(epochs: int) -> str:
    return gettext("after {epochs} epochs without progress", epochs=epochs)


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a run computes. The defaults are the Kite tutorial's network and recipe.

    The fields are settings, `SETTINGS`. The editor shows those of a section in this order, and links, reports and files
    list them in it.

    Raises:
        ConfigError: naming the field, when it or a combination is impossible.
    """

    # From input to output. The output layer, ten units with softmax, is always added.
    layers: tuple[LayerConfig, ...] = setting(
        Message("Hidden layers"),
        default=(LayerConfig(),),
        off=Message("no hidden layer"),
        words=layers_in_words,
        help=Message(
            "Layers between the pixels and the ten answers. More layers take longer. They do not always read better: "
            "try."
        ),
    )
    optimizer: str = setting(
        Message("Optimizer"),
        default="sgd",
        choices=OPTIMIZERS,
        help=Message("The rule that turns gradients into new weights. Changing it sets its usual learning rate."),
        section="main",
    )
    learning_rate: float = setting(
        Message("Learning rate"),
        default=0.01,
        limits=LEARNING_RATE,
        usual=(1e-05, 3e-05, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
        help=Message("How far each step goes. Too low: slow. Too high: unstable."),
        section="main",
        keras="learning_rate",
    )
    # An epoch's last batch may be smaller; it is never dropped.
    batch_size: int = setting(
        Message("Batch size"),
        default=128,
        limits=Range(1, 1024, whole=True),
        usual=tuple(2**power for power in range(11)),
        help=Message("Images looked at before each step. Small batches: more updates per epoch, but noisier ones."),
        section="training",
        is_half=True,
        keras="batch_size",
    )
    epochs: int = setting(
        Message("Epochs"),
        default=20,
        limits=EPOCHS,
        help=Message("How often the network sees every training image."),
        section="main",
        keras="epochs",
    )
    loss: str = setting(
        Message("Loss"),
        default="categorical_crossentropy",
        choices=LOSSES,
        help=Message("How wrong an answer is, as a number: what training makes smaller."),
        section="training",
        is_half=True,
        keras="loss",
    )
    # The squares of all layers' weights, without biases.
    l2: float = setting(
        Message("L2 penalty"),
        default=0.0,
        limits=Range(0.0, 1.0),
        off=Message("off"),
        step=0.0001,
        help=Message("Adds the sum of squared weights, times this, to the loss: keeps weights small. 0 is off."),
        section="training",
        is_half=True,
    )
    # The choices are the data sets that a server has; a visitor may have brought one of their own.
    dataset: str = setting(
        Message("Data set"),
        default="mnist",
        pattern=r"[a-z0-9_-]{1,40}",
        words=str,
        help=Message("MNIST is what the tutorials use. The embedded digits need no download."),
    )
    split: str = setting(
        Message("Test images"),
        default="official",
        choices=SPLITS,
        help=Message("Which images test the network at the end. It does not train on them."),
        section="data",
    )
    # Of those that are left for training.
    training_images: int = setting(
        Message("Training images"),
        default=0,
        limits=TRAINING_IMAGES,
        off=Message("all"),
        words=_first_images,
        step=1000,
        help=Message(
            "How many of the training images to use, from the first on. With fewer images, a network overfits sooner. "
            "0 means all."
        ),
        section="data",
    )
    # The numbers in which a network gets an image. `TrainedNetwork.predict` converts them.
    pixels: str = setting(
        Message("Pixel values"),
        default="scaled",
        choices=PIXELS,
        help=Message(
            "The numbers that a network gets for white, grey and black. Large numbers make large steps. From 0 "
            "to 255, use a much lower learning rate."
        ),
        section="data",
    )
    order: str = setting(
        Message("Order of images"),
        default="shuffled",
        choices=ORDERS,
        help=Message(
            "The order of the training images in each epoch. If a file is sorted by digit and the network trains in "
            "that order, it forgets one digit while it learns the next."
        ),
        section="data",
    )
    # 1 is as much as hands do.
    augmentation: float = setting(
        Message("Augmentation"),
        default=0.0,
        limits=Range(0.0, 1.0),
        off=Message("off"),
        step=0.1,
        is_slider=True,
        help=Message(
            "How much each training image is turned, slanted, bent and made thicker or thinner, differently each "
            "time. The network learns more slowly, and reads other people's handwriting better. 0 is off, as in the "
            "tutorials."
        ),
        section="data",
    )
    validation_fraction: float = setting(
        Message("Validation share"),
        default=0.0,
        limits=VALIDATION_FRACTION,
        off=Message("off"),
        words=percent_in_words,
        step=0.05,
        is_slider=True,
        help=Message("Share of the training images set aside to watch how it does on images it does not learn from."),
        section="data",
        is_half=True,
    )
    early_stopping: int = setting(
        Message("Early stopping"),
        default=0,
        limits=Range(0, 50, whole=True),
        off=Message("off"),
        words=_patience,
        needs="validation_fraction",
        help=Message(
            "Stop after this many epochs without a lower validation loss, and use the best epoch. 0 is off. "
            "It needs a validation share."
        ),
        section="data",
        is_half=True,
        keras="patience",
    )
    # First weights, order of images, dropout and augmentation all follow from it.
    seed: int = setting(
        Message("Seed"),
        default=0,
        limits=SEED,
        help=Message("Sets the first weights and the order of the images: the same seed repeats a run exactly."),
        section="training",
        is_half=True,
    )

    def __post_init__(self) -> None:
        self._check_layers()
        for name, one in SETTINGS.items():
            one.check(getattr(self, name))
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
            raise ConfigError(
                "layers",
                "has too many hidden layers.",
                Message("Use at most {most}.", most=MAX_LAYERS),
                len(self.layers),
            )
        for i, layer in enumerate(self.layers):
            layer.check(f"layers[{i}]")
            if layer.is_convolution and i and not self.layers[i - 1].is_convolution:
                raise ConfigError(
                    f"layers[{i}].kind",
                    "is a convolution after a dense layer, which has no picture as its output.",
                    "Put convolutions before the dense layers.",
                )
            if picture_sides(self.layers[: i + 1])[-1] < 1:
                raise ConfigError(
                    f"layers[{i}].kind",
                    "is one convolution too many for a 28x28 image.",
                    "Each makes the picture two pixels smaller, and pooling halves it. Use fewer, or less pooling.",
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

        Layers are written as ``kind-units-activation-dropout``, without what has its default at the end, and joined by
        commas; none at all as ``none``. Numbers come back to the last bit.
        """
        values = {name: getattr(self, name) for name in SETTINGS if name != "layers"}
        changed = {name: to_text(value) for name, value in values.items() if value != SETTINGS[name].default}
        return {"layers": layers_to_text(self.layers), **changed}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> RunConfig:
        """The config written by `to_query`.

        Raises:
            ConfigError: naming the parameter that is unknown, unreadable or refused.
        """
        values: dict[str, Any] = {}
        for name, text in query.items():
            if name not in SETTINGS:
                raise ConfigError(
                    name, "is not a setting of a run.", Message("Known are {names}.", names=", ".join(SETTINGS))
                )
            if len(text) > MAX_TEXT:
                raise ConfigError(
                    name,
                    "is too long for a setting.",
                    "Copy the link again.",
                    Message("{count:,} letters", count=len(text)),
                )
            values[name] = layers_from_text(text) if name == "layers" else SETTINGS[name].from_text(text)
        return cls(**values)


SETTINGS: Mapping[str, Setting] = types.MappingProxyType(table(RunConfig))


def _checked_object(field: str, raw: object, kind: type) -> dict[str, Any]:
    known = {f.name for f in dataclasses.fields(kind)}
    if not isinstance(raw, dict):
        raise ConfigError(field, "must be an object with settings.", "Use a file that the playground has saved.", raw)
    unknown = raw.keys() - known
    if unknown:
        raise ConfigError(
            f"{field}.{min(unknown)}",
            "is not a known setting.",
            Message("Known are {names}.", names=", ".join(sorted(known))),
        )
    return dict(raw)
