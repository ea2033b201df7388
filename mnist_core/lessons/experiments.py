"""The questions that the tutorials leave to their readers, each with the runs that answer it."""

from __future__ import annotations

import dataclasses
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.config import LayerConfig
from mnist_core.lessons.course import Question, Trial
from mnist_core.presets import PRESETS

if TYPE_CHECKING:
    from collections.abc import Mapping

_KITE = PRESETS["kite"].config
# Runs whose times are compared need the processor for themselves. The courses' runs have seed 0 and may have shared it.
_SEED = 1
_NEURONS = (2, 4, 8, 16, 32, 64, 128, 256, 512)
_LAYERS = (0, 1, 2, 3, 4, 5)
_RATES = (_KITE.learning_rate, 10 * _KITE.learning_rate)


@dataclass(frozen=True)
class Experiment:
    """A question and the runs that answer it.

    Args:
        title: the question in the menu.
        text: what is compared, Markdown.
        question: what to predict first.
        trials: the runs.
        across: the setting in which they differ, the horizontal axis of the chart; empty for different models.
        places: the value of each trial on that axis.
        series: the name of each trial's line in the chart; empty if there is only one line.
        is_log: whether the axis is logarithmic.
        classical: the classical models to compare with, keys of `classical.KINDS`.
    """

    title: str
    text: str
    question: Question
    trials: tuple[Trial, ...]
    across: str = ""
    places: tuple[int, ...] = ()
    series: tuple[str, ...] = ()
    is_log: bool = False
    classical: tuple[str, ...] = ()


def _kite(*units: int) -> tuple[LayerConfig, ...]:
    return tuple(LayerConfig(units=count) for count in units)


def _layers(count: int) -> str:
    return "no hidden layer" if not count else "1 hidden layer" if count == 1 else f"{count} hidden layers"


EXPERIMENTS: Mapping[str, Experiment] = types.MappingProxyType(
    {
        "neurons": Experiment(
            "More or fewer neurons?",
            "This is Kite's recipe with 20 epochs and one hidden layer of 2, 4, 8 and so on up to 512 neurons. "
            "Nothing else differs. The seed is not the one in the course, so the last digits differ a little.",
            Question(
                "How many neurons does the network need to read more than 91 % of MNIST's held-out images?",
                ("16", "64", "256"),
                0,
                "Two neurons already read 60 %; guessing reads 10 %. Eight neurons read about 90 %, and sixteen more "
                "than 91 %. After that, doubling brings little: about one percentage point from 16 to 64, and "
                "another one from 64 to 512. But the time grows with the neurons. A wide layer could do more, but "
                "with these small steps it does not get there in 20 epochs.",
            ),
            tuple(
                Trial(f"{units} neurons", dataclasses.replace(_KITE, layers=_kite(units), seed=_SEED))
                for units in _NEURONS
            ),
            "neurons",
            _NEURONS,
            is_log=True,
        ),
        "layers": Experiment(
            "Do more layers read better?",
            "This is Kite's recipe with 20 epochs and zero to five hidden layers of 128 neurons each. It runs first "
            "with Kite's learning rate of 0.01 and then with 0.1, which makes the steps ten times as long. Watch the "
            "time and the accuracy.",
            Question(
                "On MNIST, what will each further layer do?",
                (
                    "It costs time and raises the accuracy",
                    "It costs time; whether it helps depends on the recipe",
                    "It costs time and never helps",
                ),
                1,
                "After 20 epochs of small steps the deep networks are ahead: 95 % for five layers, 93 % for one. "
                "They learned faster, but they cannot do more. With steps ten times as long, one layer reads as much "
                "as five: 97 % each. Only the network without a hidden layer stays at 92 %. So try more layers, but "
                "do not rely on them. And each layer takes time, because it has to wait for the layer before it.",
            ),
            tuple(
                Trial(
                    f"{_layers(count)}, rate {rate:g}",
                    dataclasses.replace(_KITE, layers=_kite(*[128] * count), seed=_SEED, learning_rate=rate),
                )
                for rate in _RATES
                for count in _LAYERS
            ),
            "hidden layers",
            _LAYERS * len(_RATES),
            tuple(f"rate {rate:g}" for rate in _RATES for _ in _LAYERS),
        ),
        "forest": Experiment(
            "Is a random forest better?",
            "Kite's article also names **random forests**, **logistic regression**, **naive Bayes** and **k nearest "
            "neighbours**. Here they learn from the same training images as Kite's network, and are tested on the "
            "same held-out images. A forest is a hundred decision trees that vote. Nearest neighbours looks for the "
            "five training images that are most similar. So it learns in no time, but it answers slowly.",
            Question(
                "Which of these reads the most of MNIST's held-out images?",
                ("Kite's network", "The random forest or the nearest neighbours", "Naive Bayes"),
                1,
                "The forest and the nearest neighbours are close to each other. They read about 97 %, and Kite's "
                "network reads 93 %. So the answer is yes for this network. It is no for a network like Morgan's, "
                "which reads 98 %. Logistic regression is the same model as a network without a hidden layer, "
                "trained in another way. Naive Bayes assumes that, once you know the digit, a pixel tells you "
                "nothing about the other pixels. That is not true.",
            ),
            (
                Trial("Kite's network", _KITE),
                Trial("Morgan's 512 neurons", dataclasses.replace(PRESETS["morgan-1"].config, split="kite")),
            ),
            classical=("forest", "logistic", "bayes", "neighbours"),
        ),
    }
)
"""The experiments by key."""
