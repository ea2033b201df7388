"""Course C: what a figure such as "98% right" says about a network, and what it does not say."""

from __future__ import annotations

import dataclasses
from typing import Final

from mnist_core.config import LayerConfig
from mnist_core.language import Message
from mnist_core.lessons import how_it_learns, what_helps
from mnist_core.lessons.course import Course, Question, Step, Trial, Wrong
from mnist_core.lessons.faults import FAULTS
from mnist_core.presets import PRESETS

_QUICK = dataclasses.replace(how_it_learns.OWN, validation_fraction=0.0)
_FEW = dataclasses.replace(
    _QUICK,
    layers=(LayerConfig(units=64),),
    optimizer="adam",
    learning_rate=0.003,
    batch_size=50,
    epochs=20,
    training_images=1000,
)
_TORRES = PRESETS["torres"].config
FEW_IMAGES: Final = 200
"""How many test images the step "The test wears out" chooses by."""

_SEEDS = tuple(Trial(Message("seed {seed}", seed=seed), dataclasses.replace(_QUICK, seed=seed)) for seed in range(1, 6))
_TEN = tuple(Trial(Message("seed {seed}", seed=seed), dataclasses.replace(_FEW, seed=seed)) for seed in range(1, 11))

COURSE = Course(
    "C. Can you trust the number?",
    "What an accuracy says about a network, and the ways in which it misleads.",
    (
        Step(
            "splits",
            "Three groups of images",
            "A network learns from the **training** images only. Two other groups are held back: the **validation** "
            "images and the **test** images. It answers them, but never learns from them. The **split** says which "
            "image is in which group.",
            Question(
                "You try twenty learning rates and keep the best one. By which images do you choose?",
                "By the validation images",
                "That is what they are for. The test images are kept for one last test of the network that you have "
                "chosen. The curves show a network that has trained on 1,000 images. It reads all of them, and only "
                "89% of new ones. So its training accuracy says nothing about new images.",
                (
                    Wrong(
                        "By the training images, because there are most",
                        "Then the network that memorises most would win.",
                    ),
                    Wrong(
                        "By the test images",
                        "The best of twenty is best on them partly by luck. Then nothing is left for an honest test.",
                    ),
                ),
            ),
            4,
            ("splits", "three roles of data"),
            trials=(what_helps.few("1,000 images"),),
            floor=0.6,
        ),
        Step(
            "leak",
            "Too good to be true",
            "Somebody shows you a network that reads 99.9% of the test images. But it reads only about 96% of the "
            "validation images. They say that it has trained on neither.",
            Question(
                "What is the most likely reason?",
                "Test images were among the training images",
                "This is called a **leak**. It happens easily: the same photo is saved twice, or two files are mixed "
                "up. Both groups of images were collected in the same way, so a network reads both about equally "
                "well. Here are two runs that differ only in this. If a result is too good, look for the reason.",
                (
                    Wrong(
                        "The test images are easier than the validation images",
                        "Both groups were collected in the same way. 4 percentage points are too much for luck.",
                    ),
                    Wrong(
                        "It overfits",
                        "Overfitting makes a network worse on all images that it has not trained on.",
                    ),
                ),
            ),
            4,
            ("splits", "three roles of data"),
            trials=(
                Trial("without a leak", FAULTS["nothing"].config, "nothing"),
                Trial("with test images", FAULTS["leak"].config, "leak"),
            ),
            floor=0.8,
        ),
        Step(
            "seeds",
            "The same settings, another network",
            "Two people train the same network with the same settings on the same images. Only the **seed** differs: "
            "the number that decides the random starting weights and the order of the images.",
            Question(
                "What do they get?",
                "Different weights, and nearly the same accuracy",
                "There are many sets of weights that read digits about equally well. Look at the five seeds. They "
                "differ a little. If another network is better by no more than that, it may be luck. After a few steps "
                "luck matters more: the network of the Torres tutorial read between 67 and 80% in a hundred runs.",
                (
                    Wrong(
                        "The same network",
                        "Only with the same seed. Then this playground repeats a run exactly.",
                    ),
                    Wrong(
                        "Different weights, and quite different accuracy",
                        "After enough steps they end close together, although their weights differ.",
                    ),
                ),
            ),
            4,
            trials=_SEEDS,
            floor=0.9,
        ),
        Step(
            "wears-out",
            "The test wears out",
            "Ten small networks differ only in their seed. You keep the one that reads most of 200 test images. Then "
            "9,800 new images arrive, which nobody has used for anything.",
            Question(
                "How will the winner read the new images?",
                "Probably a little worse than the 200",
                "It won partly by luck: these 200 images happened to suit it. New images do not. Each choice by a test "
                "makes the test less honest. So choose by validation images, and test once. This playground shows the "
                "test accuracy after every run. Do not pick your settings by it.",
                (
                    Wrong(
                        "Just as well: it is the best of ten",
                        "The others were beaten by a few images. Some of that was luck.",
                    ),
                    Wrong(
                        "Better, because there are more of them",
                        "There is no reason why new images should suit it even more.",
                    ),
                ),
                try_it="Below, the best of the ten is chosen a hundred times, each time by another 200 images.",
            ),
            4,
            ("three roles of data",),
            "best_of_ten",
            _TEN,
            floor=0.6,
        ),
        Step(
            "outcomes",
            "Two ways to be right, two ways to be wrong",
            "Ask one question about every image: is it a 5? **True positive**: it is a 5, and the network says 5. "
            "**False negative**: it is a 5, but the network says something else. **False positive**: it is not a 5, "
            "but the network says 5. **True negative**: it is not a 5, and the network does not say 5. **Recall** is "
            "the share of the fives that were found.",
            Question(
                "In a confusion matrix, where are all the false negatives of the 5?",
                "In the row of the 5",
                "A row is a true digit. So a missed 5 is in the row of the 5, outside the diagonal. **Accuracy** is "
                "(TP + TN) / all, **recall** is TP / (TP + FN). For the 5, the matrix of the Kite tutorial gives an "
                "accuracy of 98%. This sounds good, but one in ten fives is missed.",
                (
                    Wrong("In the column of the 5", "A column is an answer. There you find the false positives."),
                    Wrong("On the diagonal", "The diagonal counts the right answers."),
                ),
                try_it="Below, this matrix is boiled down to TP, FN, FP and TN. Choose a digit.",
            ),
            5,
            ("true and false positives", "recall", "confusion matrix"),
            "two_classes",
        ),
        Step(
            "mushrooms",
            "When accuracy misleads",
            "Think of mushrooms. Throw away a good one: a pity. Eat a poisonous one: you may die. In one forest, 5% "
            "of the mushrooms are poisonous. A careless test calls every mushroom edible.",
            Question(
                "How good is its accuracy?",
                "95%",
                "It is right for 95% of the mushrooms, and useless: it finds no poisonous mushroom. Its recall is 0. "
                "Accuracy says little when one class is rare, or when one mistake costs much more than another.",
                (
                    Wrong("5%", "It is wrong for 5% of the mushrooms."),
                    Wrong("0%: it is useless", "It is useless. But 95 of its 100 answers are right."),
                ),
                try_it="Below is another forest, where one mushroom in five is poisonous. A test gives each of 1,000 "
                "mushrooms a value. From which value on would you call a mushroom poisonous?",
            ),
            5,
            ("misleading accuracy", "recall"),
            "mushrooms",
        ),
        Step(
            "forest",
            "Is it better than something simple?",
            "98% means little until you know what other methods reach. Here are four that are older than today's "
            "networks. A **random forest** is a hundred decision trees that vote. **Nearest neighbours** looks for "
            "the five training images that are most similar. **Logistic regression** is a network without a hidden "
            "layer. **Naive Bayes** assumes: once you know the digit, one pixel tells you nothing about another.",
            Question(
                "Which of these reads the most of the held-out images?",
                "The random forest or nearest neighbours",
                "Both read about 97%, and the network of the Kite tutorial 93%. So this network is no better than "
                "something simple. The network of the Morgan tutorial is better: 98%. Nearest neighbours stores "
                "all training images, and compares each new image with all of them. The network stores none.",
                (
                    Wrong("The network of the Kite tutorial", "It is slow to learn, so 20 epochs are not enough."),
                    Wrong(
                        "Naive Bayes",
                        "Pixels next to each other have much to do with each other. Naive Bayes ignores that.",
                    ),
                ),
            ),
            6,
            ("deep and shallow",),
            trials=(
                Trial("Kite's network", PRESETS["kite"].config),
                Trial("Morgan's 512 neurons", dataclasses.replace(PRESETS["morgan-1"].config, split="kite")),
            ),
            classical=("forest", "logistic", "bayes", "neighbours"),
        ),
        Step(
            "published",
            "A figure in an article",
            "A tutorial shows a program with five epochs of training. Its printed log ends with an accuracy of 70% on "
            "the training images. Then it reports 90% on the test images.",
            Question(
                "What do you think of the 90%?",
                "Something does not fit. Run the program to find out",
                "You have its network and its settings, so you can run it. Here is the result. In a hundred runs with "
                "different seeds, the best read 80% of the test images. So the 90% belong to another run. This happens "
                "easily, and running it again is how you find out.",
                (
                    Wrong(
                        "It is fine: a test can be better than the training accuracy",
                        "By a few percentage points, early in a run. By 20 it cannot.",
                    ),
                    Wrong(
                        "The author has cheated",
                        "You cannot know that. Two runs that were mixed up are more likely.",
                    ),
                ),
                try_it="The grey points are the printed log. The track **Check a published result** goes on from here.",
            ),
            4,
            ("epochs and batches", "metric"),
            trials=(Trial("5 epochs, as printed", _TORRES),),
            config=_TORRES,
            article="torres",
        ),
    ),
    (
        "Choose by validation images, test once.",
        "A result that is too good has a reason: look for it.",
        "Another seed gives another accuracy. A difference as small as that means nothing.",
        "Accuracy hides which mistakes are made, and what they cost.",
    ),
)
