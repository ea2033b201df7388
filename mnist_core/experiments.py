"""The questions that the tutorials leave to their readers, each as runs that differ in one thing."""

from __future__ import annotations

import dataclasses
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.config import LayerConfig
from mnist_core.course import Question, Trial
from mnist_core.presets import PRESETS

if TYPE_CHECKING:
    from collections.abc import Mapping

_KITE = PRESETS["kite"].config
# Those whose time is compared run one after the other, not beside others as the courses' runs with seed 0 may have.
_SEED = 1
_NEURONS = (2, 4, 8, 16, 32, 64, 128, 256, 512)
_LAYERS = (0, 1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Experiment:
    """A question and the runs that answer it.

    Args:
        title: the question as the menu has it.
        text: what is done, Markdown.
        question: what to predict first.
        trials: the runs.
        across: what they differ in; empty where they are different models.
        places: each trial's place on that axis.
        is_log: whether each place is twice the one before.
        classical: kinds of `classical.KINDS` to compare with.
    """

    title: str
    text: str
    question: Question
    trials: tuple[Trial, ...]
    across: str = ""
    places: tuple[int, ...] = ()
    is_log: bool = False
    classical: tuple[str, ...] = ()


def _kite(*units: int) -> tuple[LayerConfig, ...]:
    return tuple(LayerConfig(units=count) for count in units)


EXPERIMENTS: Mapping[str, Experiment] = types.MappingProxyType(
    {
        "neurons": Experiment(
            "More or fewer neurons?",
            "Kite's recipe, 20 epochs, with one hidden layer of 2, 4, 8 and so on to 512 neurons. Nothing else "
            "differs.",
            Question(
                "From how many neurons on does it read more than 90 of 100 of MNIST's held-out images?",
                ("16", "64", "256"),
                0,
                "Two neurons cannot keep ten digits apart, eight nearly can, sixteen do. After that doublings bring "
                "little: from 16 to 64 about one point, from 64 to 512 another one. The time, on the other hand, "
                "grows with the neurons. A wider layer could hold more than this slow recipe puts into it.",
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
            "Do more layers take longer?",
            "Kite's recipe, 20 epochs, with none to five hidden layers of 128 neurons each. Watch the time and the "
            "accuracy.",
            Question(
                "What will each further layer do, on MNIST?",
                (
                    "Cost time, and raise the accuracy",
                    "Cost time only",
                    "Neither, since the first layer is the largest",
                ),
                0,
                "Each layer is a product of matrices on the way forward and two on the way back, and has to wait for "
                "the one before it. A layer of 128 on 128 has only a sixth of the first one's weights, so it does not "
                "cost as much as that. With this recipe depth does help: each bend lets the next layer see more. In "
                "the first epoch it is the other way round, since the deeper network is the slower starter.",
            ),
            tuple(
                Trial(f"{count} hidden layers", dataclasses.replace(_KITE, layers=_kite(*[128] * count), seed=_SEED))
                for count in _LAYERS
            ),
            "hidden layers",
            _LAYERS,
        ),
        "forest": Experiment(
            "Is a random forest better?",
            "Kite's article also names **random forests**, **logistic regression**, **naive Bayes** and **k nearest "
            "neighbours**. Here they learn from the same training images as Kite's network and are tested on the same "
            "held-out images. A forest is a hundred decision trees that vote; nearest neighbours looks for the five "
            "training images that are most alike, and so learns in no time and answers slowly.",
            Question(
                "Which of these reads the most of MNIST's held-out images?",
                ("Kite's network", "The random forest or the nearest neighbours", "Naive Bayes"),
                1,
                "Forest and neighbours are close to each other and read about 97 of 100, where Kite's network has 93. "
                "So the answer is yes, for this network. It is no for a network like Morgan's, which reads 98 of 100. "
                "Logistic regression is the network without a hidden layer. Naive Bayes takes every pixel for "
                "independent of its neighbours, which they are not.",
            ),
            (
                Trial("Kite's network", _KITE),
                Trial("Morgan's 512 neurons", dataclasses.replace(PRESETS["morgan-1"].config, split="kite")),
            ),
            classical=("forest", "logistic", "bayes", "neighbours"),
        ),
    }
)
"""The experiments by their names."""
