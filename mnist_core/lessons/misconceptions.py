"""What many people believe about neural networks, each with the step that tries it out."""

from __future__ import annotations

import dataclasses
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mnist_core.config import LayerConfig
from mnist_core.language import Message
from mnist_core.lessons import how_it_learns, what_helps
from mnist_core.lessons.course import Course, Question, Step, Trend, Trial, Wrong
from mnist_core.presets import PRESETS

if TYPE_CHECKING:
    from collections.abc import Mapping

_KITE = PRESETS["kite"].config
_QUICK = dataclasses.replace(how_it_learns.OWN, validation_fraction=0.0)
_NEURONS = (2, 4, 8, 16, 64, 256)
_LAYERS = (0, 1, 3, 5)
_RATES = (_KITE.learning_rate, 10 * _KITE.learning_rate)
_NO_HIDDEN = Trial("no hidden layer", dataclasses.replace(_QUICK, layers=()))
_PERFECT = dataclasses.replace(
    PRESETS["morgan-1"].config, layers=(LayerConfig(units=512),), optimizer="adam", epochs=12, validation_fraction=0.1
)


def _kite(*units: int) -> tuple[LayerConfig, ...]:
    return tuple(LayerConfig(units=count) for count in units)


def _layers(count: int) -> str:
    names = {0: Message("no hidden layer"), 1: Message("1 hidden layer")}
    return names.get(count, Message("{count} hidden layers", count=count))


COURSE = Course(
    "Is it true?",
    "What many people believe about neural networks: guess first, then try it out.",
    (
        Step(
            "stores",
            "Does it store the images?",
            "A network has learned from 60,000 images. Now you download it as a file and give the file to a friend.",
            Question(
                "What is in the file?",
                "Only its weights and biases",
                "All images have changed the weights a little, and then the network was done with them. The images "
                "would not even fit into the file. So a network cannot look an image up. It calculates its answer from "
                "the weights. Nearest neighbours, an older method, does store all images.",
                (
                    Wrong("The training images, packed", "They would need far more space than the file has."),
                    Wrong("A rule for each digit", "Nobody wrote rules, and the network makes none. It has numbers."),
                ),
                try_it="The numbers below show how much larger the images are than the file. The pictures below are "
                "the weights of the network's first neurons: no image is among them.",
            ),
            3,
            activity="stored",
            trials=(Trial("128 neurons", _QUICK),),
            config=_QUICK,
        ),
        Step(
            "drawing",
            "Does it learn while you draw?",
            "You draw fifty digits on the Draw page, and for each you choose the correct answer. The network has "
            "answered all fifty.",
            Question(
                "What has this done to the network?",
                "Nothing: it stays as it is until it is trained again",
                "Answering and learning are two different things. To answer, the network only calculates. To learn, it "
                "needs training steps, which change its weights. On the Draw page your drawings go into a test set of "
                "your own. Only **Teach it** trains a network with them.",
                (
                    Wrong("It gets better with each drawing", "No weight changes while it answers."),
                    Wrong(
                        "It gets better with each correct answer that you give",
                        "The answers are saved for testing. No weight changes.",
                    ),
                ),
                try_it="Try both below, answering and learning, and count the weights that change.",
            ),
            4,
            activity="answer_or_learn",
            trials=(_NO_HIDDEN,),
        ),
        Step(
            "perfect",
            "Is 100% on training images overfitting?",
            "A network reads nearly 100% of its training images. On images that it has never seen, it reads 98%.",
            Question(
                "What do you say about it?",
                "It has learned well: the gap is small",
                "If it had only memorised, it would fail on new images. It does not. Compare it with a network of the "
                "same size on 1,000 images: it reads 100% of those too, but far fewer new ones. So look at the gap, "
                "and at the loss on new images. The training accuracy alone tells you little.",
                (
                    Wrong(
                        "It overfits: it has only memorised its images",
                        "Then it could not read 98% of images that are new to it.",
                    ),
                    Wrong("The test must be wrong", "A test on images that it has never seen is a good test."),
                ),
            ),
            5,
            ("overfitting",),
            trials=(Trial("all images", _PERFECT), what_helps.few("1,000 images")),
            config=_PERFECT,
            floor=0.8,
        ),
        Step(
            "layers",
            "Are more layers always better?",
            "The recipe of the Kite tutorial, with 0, 1, 3 or 5 hidden layers of 128 neurons each. First with its "
            "learning rate of 0.01, then with 0.1, which makes the steps ten times as long.",
            Question(
                "What will each further layer do?",
                "It costs time. Whether it helps depends on the recipe",
                "After 20 epochs of small steps, the deep networks are ahead. They learned faster, but they cannot do "
                "more. With steps ten times as long, one layer reads as much as five. Only the network without a "
                "hidden layer stays behind. So more layers are something to try, not something to trust.",
                (
                    Wrong(
                        "It costs time and raises the accuracy",
                        "Look at the line for a rate of 0.1: from one layer on it is flat.",
                    ),
                    Wrong("It costs time and never helps", "Look at the line for a rate of 0.01: it rises."),
                ),
            ),
            6,
            ("deep and shallow",),
            trials=tuple(
                Trial(
                    Message("{layers}, rate {rate:g}", layers=_layers(count), rate=rate),
                    dataclasses.replace(_KITE, layers=_kite(*[128] * count), learning_rate=rate),
                )
                for rate in _RATES
                for count in _LAYERS
            ),
            trend=Trend(
                "hidden layers",
                _LAYERS * len(_RATES),
                tuple(Message("rate {rate:g}", rate=rate) for rate in _RATES for _ in _LAYERS),
            ),
        ),
        Step(
            "few-neurons",
            "Does it need many neurons?",
            "The recipe of the Kite tutorial with one hidden layer. It has 2, 4, 8, 16, 64 or 256 neurons. Nothing "
            "else differs.",
            Question(
                "How many neurons does it need to read more than 91% of the held-out images?",
                "16",
                "Two neurons already read about 55%; guessing reads 10%. Eight read about 90%, and sixteen more "
                "than 91%. After that, more neurons bring little, and each epoch takes longer. A wide layer could do "
                "more, but with these small steps it does not get there in 20 epochs.",
                (
                    Wrong("64", "64 are enough, but so are fewer: see the line."),
                    Wrong("256", "256 are enough, but so are far fewer: see the line."),
                ),
            ),
            6,
            ("layers",),
            trials=tuple(
                Trial(Message("{count} neurons", count=units), dataclasses.replace(_KITE, layers=_kite(units)))
                for units in _NEURONS
            ),
            trend=Trend(Message("neurons"), _NEURONS, is_log=True),
        ),
    ),
    (
        "A network stores numbers, not images.",
        "It learns only while it is trained.",
        "More layers and neurons are something to try, not something to trust.",
    ),
)


@dataclass(frozen=True)
class Misconception:
    """What many people believe.

    Args:
        belief: what they believe, one sentence.
        question: the question that leads to the step, for a link on another page.
        step: the key of the step that tries it out.
    """

    belief: str
    question: str
    step: str


MISCONCEPTIONS: Final[Mapping[str, Misconception]] = types.MappingProxyType(
    {
        "stores": Misconception("It stores the images.", "Does it look images up?", "stores"),
        "drawing": Misconception("It goes on learning while I draw.", "Does it learn while you draw?", "drawing"),
        "sure": Misconception("Sure means right.", "Does sure mean right?", "sure"),
        "perfect": Misconception(
            "100% on training images is overfitting.", "Is 100% on training images overfitting?", "perfect"
        ),
        "layers": Misconception("More layers are better.", "Are more layers better?", "layers"),
        "seeds": Misconception(
            "The same settings give the same network.", "Do the same settings give the same network?", "seeds"
        ),
        "wears-out": Misconception(
            "The best on the test images is the best.", "Is the best on the test really the best?", "wears-out"
        ),
    }
)
"""The misconceptions by key."""
