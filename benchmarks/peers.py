"""One epoch of the same recipe in the playground, Keras, PyTorch, scikit-learn and NumPy: the peers.

A peer is a function that trains one epoch. Each gets the best conditions: its data is in memory in its own format, its
slow first calls are over, and it does nothing but train, and evaluate the validation images if the recipe has some.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core import network, training
from mnist_core.config import CLASSES, RunConfig
from mnist_core.data import splits
from mnist_core.network.layers import weight_shapes
from mnist_core.network.model import PIXELS

if TYPE_CHECKING:
    import numpy.typing as npt

    from mnist_core.data import Dataset

Epoch = Callable[[], None]
# More epochs than a benchmark uses, so that our run does not end too early.
MAX_EPOCHS = 100


@dataclass(frozen=True, eq=False)
class Problem:
    """A recipe with its data in the format of most peers.

    Args:
        config: the recipe.
        dataset: the source of the images.
        images: (n, 28, 28) float32 in [0, 1], for training.
        labels: (n,) int64.
        validation: images and labels of the same types, empty if the recipe has none.
    """

    config: RunConfig
    dataset: Dataset
    images: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    validation: tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]

    @classmethod
    def of(cls, config: RunConfig, dataset: Dataset) -> Problem:
        """Return the problem of `config` on `dataset`."""
        split = splits.split_for(dataset, config)

        def part(indices: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
            images = dataset.train_images[indices].astype(np.float32) / np.float32(255)
            return images, dataset.train_labels[indices].astype(np.int64)

        return cls(config, dataset, *part(split.train_indices), part(split.validation_indices))

    @property
    def steps(self) -> int:
        """Steps per epoch."""
        return math.ceil(len(self.images) / self.config.batch_size)


def ours(problem: Problem) -> Epoch:
    """Our epoch: live points with the weights of each chunk, validation, and the state at its end."""
    events = training.train(dataclasses.replace(problem.config, epochs=MAX_EPOCHS), problem.dataset)

    def epoch() -> None:
        for event in events:
            if isinstance(event, training.EpochEnded):
                return

    return epoch


def keras_model(config: RunConfig, steps_per_execution: int = 1) -> Any:
    """Return the network of `config` as a Keras model, compiled with the same optimizer, loss and metric."""
    import keras

    optimizers = {
        "sgd": keras.optimizers.SGD,
        "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
        "rmsprop": keras.optimizers.RMSprop,
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
    }
    model = network.to_keras(config)
    model.compile(
        optimizers[config.optimizer](config.learning_rate),
        config.loss,
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution,
    )
    return model


def keras_fit(problem: Problem, steps_per_execution: int = 1) -> Epoch:
    """Stock ``model.fit(verbose=0)``, one epoch per call."""
    model = keras_model(problem.config, steps_per_execution)
    one_hot = np.eye(CLASSES, dtype=np.float32)
    images, labels = problem.validation
    validation = (images, one_hot[labels]) if len(labels) else None
    targets = one_hot[problem.labels]

    def epoch() -> None:
        model.fit(
            problem.images,
            targets,
            batch_size=problem.config.batch_size,
            verbose=0,
            validation_data=validation,
        )

    return epoch


def torch_eager(problem: Problem) -> Epoch | None:
    """Eager PyTorch with tensors in memory and batches selected by index; None if it is not installed."""
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        return None
    config = problem.config
    model = _torch_model(torch, config)
    make = {
        "sgd": lambda p: torch.optim.SGD(p, config.learning_rate),
        "momentum": lambda p: torch.optim.SGD(p, config.learning_rate, momentum=0.9),
        "rmsprop": lambda p: torch.optim.RMSprop(p, config.learning_rate, alpha=0.9),
        "adam": lambda p: torch.optim.Adam(p, config.learning_rate),
        "adamw": lambda p: torch.optim.AdamW(p, config.learning_rate),
    }
    optimizer = make[config.optimizer](model.parameters())
    loss_of = torch.nn.CrossEntropyLoss()
    images, labels = torch.from_numpy(problem.images).unsqueeze(1), torch.from_numpy(problem.labels)
    held_out = torch.from_numpy(problem.validation[0]).unsqueeze(1), torch.from_numpy(problem.validation[1])

    def epoch() -> None:
        model.train()
        for chosen in torch.randperm(len(labels)).split(config.batch_size):
            optimizer.zero_grad()
            loss_of(model(images[chosen]), labels[chosen]).backward()
            optimizer.step()
        if len(held_out[1]):
            model.eval()
            with torch.no_grad():
                loss_of(model(held_out[0]), held_out[1])

    return epoch


def _torch_model(torch: Any, config: RunConfig) -> Any:
    nn = torch.nn
    activations = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
    shapes = weight_shapes(config.layers)
    layers: list[Any] = []
    is_flat = False
    for layer, shape in zip(config.layers, shapes[::2], strict=False):
        if layer.is_convolution:
            layers += [nn.Conv2d(shape[2], shape[3], 3), activations[layer.activation]()]
            layers += [nn.MaxPool2d(2)] if layer.is_pooled else []
        else:
            layers += [] if is_flat else [nn.Flatten()]
            is_flat = True
            layers += [nn.Linear(*shape), activations[layer.activation]()]
        if layer.dropout:
            layers.append(nn.Dropout(layer.dropout))
    layers += [] if is_flat else [nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(*shapes[-2]))


def scikit_learn(problem: Problem) -> Epoch | None:
    """``MLPClassifier.partial_fit``; None if it does not support the recipe."""
    from sklearn.neural_network import MLPClassifier

    config = problem.config
    activations = {"relu": "relu", "sigmoid": "logistic", "tanh": "tanh"}
    kinds = {layer.activation for layer in config.layers}
    is_expressible = (
        config.layers
        and all(layer.kind == "dense" and not layer.dropout for layer in config.layers)
        and len(kinds) == 1
        and kinds <= set(activations)
        and config.optimizer in ("sgd", "momentum", "adam")
        and config.loss == "categorical_crossentropy"
    )
    if not is_expressible:
        return None
    model = MLPClassifier(
        tuple(layer.units for layer in config.layers),
        activation=activations[config.layers[0].activation],
        solver="adam" if config.optimizer == "adam" else "sgd",
        momentum=0.9 if config.optimizer == "momentum" else 0.0,
        nesterovs_momentum=False,
        alpha=0.0,
        batch_size=config.batch_size,
        learning_rate_init=config.learning_rate,
    )
    flat = problem.images.reshape(-1, PIXELS)
    held_out = problem.validation[0].reshape(-1, PIXELS)
    classes = np.arange(CLASSES)

    def epoch() -> None:
        model.partial_fit(flat, problem.labels, classes=classes)
        if len(held_out):
            model.predict_proba(held_out)

    return epoch


def matrix_products(problem: Problem) -> Epoch | None:
    """Only the float32 matrix products of an epoch in NumPy: forward, and backward for both factors.

    There is no gradient for the pixels, as in training. None for convolutions, which are not matrix products.
    """
    shapes = weight_shapes(problem.config.layers)[::2]
    if any(len(shape) != 2 for shape in shapes):
        return None
    random = np.random.default_rng(0)
    size = problem.config.batch_size

    def array(*shape: int) -> npt.NDArray[np.float32]:
        return random.standard_normal(shape, np.float32)

    layers = [(array(size, shape[0]), array(*shape), array(size, shape[1])) for shape in shapes]

    def epoch() -> None:
        for _ in range(problem.steps):
            for place, (inputs, kernel, gradient) in enumerate(layers):
                inputs @ kernel
                inputs.T @ gradient
                if place:
                    gradient @ kernel.T

    return epoch
