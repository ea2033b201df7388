"""The second course: tensors, counting weights, and what accuracy alone does not show."""

from __future__ import annotations

import dataclasses

from mnist_core.lessons.course import Course, Question, Step, Trial
from mnist_core.presets import PRESETS

_TORRES = PRESETS["torres"].config
_AS_LISTED = Trial("5 epochs, as listed", _TORRES)
_QUICK = Trial("5 epochs, rate 0.1", dataclasses.replace(_TORRES, learning_rate=0.1))

COURSE = Course(
    name="Torres",
    source=PRESETS["torres"].source,
    summary="Ten sigmoid neurons, every weight counted, and a claim that one can put to the test.",
    steps=(
        Step(
            "Tensors",
            "A **tensor** is an array of numbers. Its **rank** is how many numbers it takes to name one place in it, "
            "its **shape** how far each of them goes, and its **dtype** what kind of number stands there. All "
            "training images together are one tensor; fix an index, and a smaller one is left.",
            ("tensors",),
            Question(
                "Images in colour have three numbers for each pixel: shape (60000, 28, 28, 3). What is the rank?",
                ("3, one for each colour", "4", "60,000"),
                1,
                "Image, row, column, colour: four numbers name a place. MNIST is grey, so three do. Fix the image and "
                "rank 2 is left, fix the row too and it is 1; a single pixel is a tensor of rank 0. The dtype is "
                "uint8, whole numbers from 0 to 255.",
            ),
            _TORRES,
            "tensor",
        ),
        Step(
            "Made fit for a network",
            "Three things happen before a network gets the images. They become **float32** and are divided by 255, so "
            "that they lie between 0 and 1; they are **reshaped**, each to a row of 784; and the labels become "
            "**one-hot**. MNIST's training image 8, for example, is a 1. Go through it step by step.",
            ("scaling", "flattening", "one-hot labels"),
            Question(
                "An image is reshaped to 784 places, counted from 0. Where does the first pixel of its second row "
                "stand?",
                ("28", "29", "784"),
                0,
                "The 28 pixels of the first row are before it, at 0 to 27. Reshaping moves no number: it only tells "
                "where a row ends. That two pixels were neighbours in the picture is no longer to be seen, which is "
                "why convolutions came into being.",
            ),
            _TORRES,
            "prepare",
        ),
        Step(
            "Three roles of data",
            "**Training** images are learned from. **Validation** images are looked at meanwhile, to choose between "
            "settings or to see when to stop. **Test** images are used once, at the end. The tutorial explains all "
            "three, then does without validation. Move the slider to set some of the training images aside.",
            ("splits", "three roles of data"),
            Question(
                "You try twenty learning rates and keep the best. Which images tell you which one that is?",
                ("The training images", "The validation images", "The test images"),
                1,
                "The best of twenty on the test images would be best there partly by luck, and the test would no "
                "longer tell how it does on new digits. The training images favour whoever learns by heart.",
            ),
            dataclasses.replace(_TORRES, validation_fraction=0.2),
            "roles",
        ),
        Step(
            "The sigmoid",
            "The ten hidden neurons here have the **sigmoid** as their activation: it presses any sum into a value "
            "between 0 and 1. Far from 0 it is nearly flat, and where it is flat a small change of a weight changes "
            "nothing, so that learning is slow there. Move the sum and look at the slope.",
            ("activation",),
            Question(
                "What does the sigmoid answer to a sum of 0?",
                ("0", "0.5", "1"),
                1,
                "1 / (1 + e^0) = 0.5, in the middle, and there its slope is steepest: 0.25. At a sum of 6 the slope "
                "is down to 0.0025, a hundredth of it. ReLU, for comparison, has a slope of 1 for every sum above 0.",
            ),
            _TORRES,
            "activation",
        ),
        Step(
            "Counting weights",
            "The tutorial counts what its network learns weight by weight, and so can you: there is a weight from "
            "each input to each neuron, and each neuron has a bias.",
            ("counting parameters", "layers"),
            Question(
                "784 → 10 → 10 learns 7,960 numbers. How many of them belong to the output layer?",
                ("100", "110", "7,850"),
                1,
                "Ten outputs with ten weights each and ten biases. All the rest, 784 x 10 + 10 = 7,850, belongs to "
                "the hidden layer: most of a small network is in its first layer.",
            ),
            _TORRES,
            "layers",
        ),
        Step(
            "Loss, optimizer, metric",
            "Three words that come up together when a network is prepared for training. The **loss** is what learning "
            "makes smaller: it says how wrong the answers are. The **optimizer** is the rule by which the weights are "
            "moved. The **metric**, here accuracy, is what people want to know; the network never sees it. Move the "
            "probability that the right digit gets.",
            ("loss", "optimizer", "metric"),
            Question(
                "Two networks read an image correctly. One gives the right digit 51 %, the other one 99 %. What "
                "differs?",
                ("Their accuracy", "Their loss", "Both"),
                1,
                "Right is right: the accuracy is the same. The loss, -ln of the probability that the right digit got, "
                "is 0.67 for one and 0.01 for the other. It can fall while the accuracy stands still, and it is "
                "smooth, so that there is a direction to go in.",
            ),
            _TORRES,
            "loss",
        ),
        Step(
            "Downhill",
            "Think of the loss as a landscape and of the weights as a place in it. **Gradient descent** looks where "
            "it goes down and takes a step, again and again. How long the step is, the **learning rate** says. Here "
            "is a valley with a single weight.",
            ("learning rate", "optimizer"),
            Question(
                "The steps are made longer and longer. What happens in the end?",
                ("It is down at once", "It jumps over the valley, and at last climbs out of it", "It stops half way"),
                1,
                "Each step is as long as the slope times the learning rate. Too small a rate crawls; a large one "
                "lands on the other side; with one too large each landing is higher than the last, in this valley "
                "beyond a rate of 1. At 0.5 a single step is enough.",
            ),
            _TORRES,
            "descent",
        ),
        Step(
            "Epochs and batches",
            "After each **batch** of images the weights take a step; an **epoch** is over when every training image "
            "has had its turn. The tutorial takes batches of 100 and five epochs.",
            ("epochs and batches",),
            Question(
                "60,000 images, batches of 100, five epochs: how many steps do the weights take?",
                ("5", "600", "3,000"),
                2,
                "600 in each epoch, five times. With batches of 1,000 there would be 300 steps in all: fewer steps of "
                "a surer direction, and for a network that still has far to go, less learned.",
            ),
            _TORRES,
            "batches",
        ),
        Step(
            "Five epochs",
            "Time to run it: ten sigmoid neurons, plain gradient descent at a rate of 0.01, five epochs. On the "
            "training images the tutorial's log goes from 29 to 70 of 100.",
            ("epochs and batches",),
            Question(
                "How many of MNIST's test images will it read after these five epochs?",
                ("About 30 of 100", "Between 65 and 80 of 100", "90 of 100, as the tutorial says"),
                1,
                "Near the 70 of its own log. With MNIST, grey points show what the tutorial printed. The seed, which "
                "sets the first weights and the order of the images, matters much after so few steps: of a hundred "
                "runs that differ in it alone, the worst read 67 of 100 test images and the best 80. None came near "
                "90.",
            ),
            _TORRES,
            trials=(_AS_LISTED,),
            article="torres",
        ),
        Step(
            "Where could 0.9018 come from?",
            "The tutorial claims a test accuracy of 0.9018. Its listing does not get there. Maybe it was measured "
            "after other settings than those printed. Try some: more epochs, or larger steps.",
            ("learning rate", "epochs and batches"),
            Question(
                "Which of these will read 90 of 100 of MNIST's test images?",
                (
                    "10 epochs instead of 5",
                    "20 epochs instead of 5",
                    "40 epochs, or 5 with a learning rate of 0.1",
                    "None of them",
                ),
                2,
                "Eight times the epochs come to about 0.90, and so do steps of ten times the length, in an eighth of "
                "the time. What the author ran we cannot know. That a published figure does not fit its listing "
                "happens easily, and it is found by running it.",
            ),
            dataclasses.replace(_TORRES, learning_rate=0.1),
            trials=(
                _AS_LISTED,
                Trial("10 epochs", dataclasses.replace(_TORRES, epochs=10)),
                Trial("20 epochs", dataclasses.replace(_TORRES, epochs=20)),
                Trial("40 epochs", dataclasses.replace(_TORRES, epochs=40)),
                _QUICK,
            ),
        ),
        Step(
            "How sure is it?",
            "The tutorial looks at test image 11 of MNIST, a 6, and prints its ten softmax values. The highest is "
            "0.54, for the 6. Below, beside these, is what this server's own runs answer: after the five epochs that "
            "are listed, and with ten times the learning rate.",
            ("softmax",),
            Question(
                "0.54 for the 6, 0.17 for the 2, 0.11 for the 8. What do you make of it?",
                (
                    "The picture is 54 % a 6 and 17 % a 2",
                    "It reads a 6, and is far from sure",
                    "It is broken: the values do not reach 1",
                ),
                1,
                "The highest of the ten is the answer, and the others show which digits it nearly chose. They are "
                "shares that add up to 1; how far to trust them is another question. After the five "
                "epochs the network is hardly sure of anything: of eleven runs with different seeds none gave the 6 "
                "more than 0.26, and seven read another digit. With the larger rate all gave it 0.49 or more. So this "
                "figure, like 0.9018, fits a network that has learned more than the listing lets it. The printed "
                "values sum to 1.01, since each was rounded.",
            ),
            _TORRES,
            "answer",
            trials=(_AS_LISTED, _QUICK),
        ),
        Step(
            "Right and wrong, in two ways each",
            "Ask of every image one question only: is it a 5? Then there are four outcomes. **True positive**: a 5, "
            "and found. **False negative**: a 5, and missed. **False positive**: no 5, but called one. **True "
            "negative**: no 5, and not called one. **Recall**, or sensitivity, is the share of the fives that were "
            "found. Below, the Kite tutorial's matrix is folded into these four; choose a digit.",
            ("true and false positives", "recall", "confusion matrix"),
            Question(
                "What do all false negatives of the 5 have in common, in the big matrix?",
                ("They stand in the row of the 5", "They stand in the column of the 5", "They stand on the diagonal"),
                0,
                "Rows are the true digits, so a missed 5 stands in its row, beside the diagonal. The column of the 5 "
                "holds what was called a 5 wrongly, the false positives. Accuracy is (TP + TN) / all, recall is TP / "
                "(TP + FN).",
            ),
            _TORRES,
            "two_classes",
        ),
        Step(
            "When accuracy misleads",
            "Mushrooms: to leave a good one is a pity, to eat a poisonous one may be the end. The two mistakes cost "
            "differently, and accuracy counts them alike. Below, a test gives each of 1,000 mushrooms a value. From "
            "which value on would you call one poisonous?",
            ("misleading accuracy", "recall"),
            Question(
                "In another wood only five of a hundred are poisonous. A careless test calls every mushroom edible. "
                "Its accuracy?",
                ("5 %", "50 %", "95 %"),
                2,
                "It is right 95 times of a hundred and useless: its recall of the poisonous ones is 0. The rarer and "
                "the more costly a kind is, the less accuracy alone tells. With digits, too, the ten recalls on the "
                "Evaluate page say more than one number. As the next step the tutorial names convolutional networks: "
                "the Morgan course ends with one.",
            ),
            _TORRES,
            "mushrooms",
        ),
    ),
)
