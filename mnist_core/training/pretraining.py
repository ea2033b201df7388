"""How the network that comes with the playground was made, so that anybody can make it again.

It learns from four kinds of images at once, all augmented in each step: MNIST; digits that people wrote with a pen,
drawn with many pen widths and scaled to 28x28 as a visitor's drawing is; digits in the forms of `handwriting`; and
images of no digit. Those get a new random label in each epoch, so the network can only learn to be unsure.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from mnist_core.config import CLASSES, LayerConfig, RunConfig
from mnist_core.drawing import handwriting, preprocessing, strokes
from mnist_core.training import checkpoint, events, loop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from mnist_core.data import Dataset
    from mnist_core.drawing.strokes import PenDigit
    from mnist_core.network import TrainedNetwork

RECIPE = RunConfig(
    layers=(
        LayerConfig("conv_only", 32),
        LayerConfig("conv", 32),
        LayerConfig("conv_only", 64),
        LayerConfig("conv_only", 64),
        LayerConfig("conv", 96),
        LayerConfig(units=192, dropout=0.3),
    ),
    optimizer="adam",
    learning_rate=0.001,
    epochs=36,
    augmentation=1.0,
)
# Of UJI Pen Characters 2 the other twenty are only measured. Of pen_digits all are learned from: how well unseen ones
# are read, cross-validation says.
WRITERS = ("uji[0-3]?", "pen*")
# The rate falls along a cosine from the recipe's to this share of it, so that the last epochs settle.
_LAST_RATE = 0.01
# The output layer's sums are divided by this after the training. It changes no answer, only how sure each is: a little
# less, so that letters and scribbles are named less often.
_TEMPERATURE = 1.25
# Each pen digit is drawn several times: twelve at most, and about 22,500 images in all from one source, so that a large
# source does not outweigh MNIST and an epoch stays below 110,000 images.
_MOST_DRAWINGS = 12
_DRAWINGS_PER_SOURCE = 22_500
_FORMS = 12_000
_NO_DIGITS = 5_000
# A small canvas is quicker and gives the same 28x28, since the pen is scaled with it.
_SIDE = 112


@dataclasses.dataclass(frozen=True, eq=False)
class Material:
    """The training data besides MNIST: (n, 28, 28) uint8 images with (n,) uint8 labels, and images of no digit."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    no_digits: npt.NDArray[np.uint8]


def drawings(digits: int) -> int:
    """How many times each pen digit is drawn, for a source with this many `digits`."""
    return max(1, min(_MOST_DRAWINGS, _DRAWINGS_PER_SOURCE // max(digits, 1)))


def material(sources: Sequence[Sequence[PenDigit]], seed: int) -> Material:
    """Draw the pen digits, each several times with another pen and size, the forms and images of no digit.

    Args:
        sources: the pen digits of each data set; see `drawings` for how many images they give.
        seed: decides every random number.
    """
    random = np.random.default_rng([seed, 2])
    written = [(one.label, one.strokes) for digits in sources for one in digits for _ in range(drawings(len(digits)))]
    made = [(label % CLASSES, handwriting.digit_strokes(label % CLASSES, random)) for label in range(_FORMS)]
    images = [_drawn(lines, random) for _, lines in written + made]
    labels = np.array([label for label, _ in written + made], np.uint8)
    no_digits = [_drawn(handwriting.non_digit_strokes(random), random) for _ in range(_NO_DIGITS)]
    return Material(np.stack(images), labels, np.stack(no_digits))


def _drawn(lines: tuple[npt.NDArray[np.float64], ...], random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Strokes as the drawing page would hand them on, (28, 28) uint8."""
    size, pen = random.uniform(0.4, 0.9), math.exp(random.uniform(math.log(6), math.log(40)))
    image = preprocessing.to_mnist(strokes.render(strokes.fit_to_canvas(lines, size), pen, _SIDE)).image
    return np.round(image * 255).astype(np.uint8)


def pretrain(
    mnist: Dataset,
    extra: Material,
    recipe: RunConfig = RECIPE,
    report: Callable[[events.Event], None] | None = None,
    saved: Path | None = None,
) -> TrainedNetwork:
    """Train the network.

    Args:
        mnist: MNIST itself; of its test images nothing is learned.
        extra: the other training data.
        recipe: the network and how it learns.
        report: called with each event of the training.
        saved: a checkpoint, written after each epoch. If the file exists, training continues from it, to the same bits
            as without an interruption.

    Raises:
        NetworkFileError: the checkpoint cannot be read, or belongs to another training.
        OSError: the checkpoint cannot be written.
    """
    fingerprint = _mixture(mnist, extra, [recipe.seed, 3, 0]).fingerprint if saved else ""
    state = checkpoint.load(saved, recipe, fingerprint) if saved else None
    finished = state.epoch if state else 0
    dials = loop.Dials()
    # A finished training gives its network back without another step.
    for epoch in range(min(finished, recipe.epochs - 1), recipe.epochs):
        fall = (1 + math.cos(math.pi * epoch / recipe.epochs)) / 2
        dials.learning_rate = recipe.learning_rate * (_LAST_RATE + (1 - _LAST_RATE) * fall)
        so_far = dataclasses.replace(recipe, epochs=epoch + 1)
        for event in loop.train(so_far, _mixture(mnist, extra, [recipe.seed, 3, epoch]), state, dials):
            if isinstance(event, events.EpochEnded):
                state = event.state
                if saved:
                    checkpoint.save(saved, recipe, fingerprint, state)
            if report is not None:
                report(event)
    assert isinstance(event, events.Finished)
    return softened(event.network, _TEMPERATURE)


def softened(network: TrainedNetwork, temperature: float) -> TrainedNetwork:
    """The network with its output layer's sums divided by `temperature`; above 1 it is less sure of the same answers.

    Temperature scaling (Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, 2017).
    """
    *others, kernel, bias = network.weights
    return dataclasses.replace(network, weights=(*others, kernel / temperature, bias / temperature))


def _mixture(mnist: Dataset, extra: Material, seed: list[int]) -> Dataset:
    """MNIST and the rest as one data set; images of no digit have labels drawn from `seed`."""
    random = np.random.default_rng(seed)
    guesses = random.integers(0, CLASSES, len(extra.no_digits)).astype(np.uint8)
    return dataclasses.replace(
        mnist,
        train_images=np.concatenate([mnist.train_images, extra.images, extra.no_digits]),
        train_labels=np.concatenate([mnist.train_labels, extra.labels, guesses]),
        train_groups=None,
    )
