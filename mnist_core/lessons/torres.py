"""The second course: tensors, counting weights, and what accuracy alone does not show."""

from __future__ import annotations

import dataclasses

from mnist_core.lessons.course import Course, Question, Step, Trial
from mnist_core.presets import PRESETS

_TORRES = PRESETS["torres"].config
_AS_PRINTED = Trial("5 epochs, as printed", _TORRES)
_QUICK = Trial("5 epochs, rate 0.1", dataclasses.replace(_TORRES, learning_rate=0.1))

COURSE = Course(
    name="Torres",
    source=PRESETS["torres"].source,
    summary="Ten sigmoid neurons, every weight counted, and a published accuracy that you can check.",
    steps=(
        Step(
            "Tensors",
            "A **tensor** is an array of numbers. Its **rank** is the number of indices that you need to name one "
            "place in it. Its **shape** says how far each index goes. Its **dtype** says what kind of numbers it "
            "holds. All training images together are one tensor. Fix an index, and a smaller tensor is left.",
            ("tensors",),
            Question(
                "Images in colour have three numbers for each pixel: shape (60000, 28, 28, 3). What is the rank?",
                ("3, one for each colour", "4", "60,000"),
                1,
                "You need four numbers to name a place: image, row, column and colour. MNIST is grey, so three are "
                "enough. If you fix the image, rank 2 is left. If you fix the row too, rank 1 is left. A single "
                "pixel is a tensor of rank 0. The dtype is uint8: whole numbers from 0 to 255.",
            ),
            _TORRES,
            "tensor",
        ),
        Step(
            "Prepared for a network",
            "Three things happen before a network gets the images. The pixels become **float32** and are divided by "
            "255, so that they are between 0 and 1. Each image is **reshaped** to a row of 784 numbers. And the "
            "labels become **one-hot**. Go through it step by step. MNIST's training image 8, for example, is a 1.",
            ("scaling", "flattening", "one-hot labels"),
            Question(
                "An image is reshaped to 784 places, counted from 0. Which place does the first pixel of its second "
                "row get?",
                ("28", "29", "784"),
                0,
                "The 28 pixels of the first row come before it, at places 0 to 27. Reshaping moves no number. It "
                "only changes where a row ends. But after it you can no longer see which pixels were neighbours in "
                "the picture. That is why convolutions were invented.",
            ),
            _TORRES,
            "prepare",
        ),
        Step(
            "Three roles of data",
            "The network learns from the **training** images. The **validation** images are checked during training, "
            "to choose between settings or to see when to stop. The **test** images are used only once, at the end. "
            "The tutorial explains all three, but then uses no validation images. Move the slider to set some of the "
            "training images aside for validation.",
            ("splits", "three roles of data"),
            Question(
                "You try twenty learning rates and keep the best. Which images tell you which one that is?",
                ("The training images", "The validation images", "The test images"),
                1,
                "If you choose by the test images, the best of twenty is best there partly by luck. Then the test no "
                "longer shows how good it is on new digits. The training images favour a network that learns by "
                "heart.",
            ),
            dataclasses.replace(_TORRES, validation_fraction=0.2),
            "roles",
        ),
        Step(
            "The sigmoid",
            "The ten hidden neurons have the **sigmoid** as their activation. It turns any sum into a value between "
            "0 and 1. Far from 0 its curve is nearly flat: the slope, or **gradient**, is close to 0. There a small "
            "change of a weight changes almost nothing, so learning is slow. Move the sum and look at the slope.",
            ("activation",),
            Question(
                "What does the sigmoid answer to a sum of 0?",
                ("0", "0.5", "1"),
                1,
                "1 / (1 + e^0) = 0.5, in the middle. There the curve is steepest: its slope is 0.25. At a sum of 6 "
                "the slope is only 0.0025, a hundredth of that. For comparison: ReLU has a slope of 1 for every sum "
                "above 0.",
            ),
            _TORRES,
            "activation",
        ),
        Step(
            "Counting weights",
            "The tutorial counts weight by weight how many numbers its network learns. You can do this too: there is "
            "one weight from each input to each neuron, and each neuron has one bias.",
            ("counting parameters", "layers"),
            Question(
                "784 → 10 → 10 learns 7,960 numbers. How many of them belong to the output layer?",
                ("100", "110", "7,850"),
                1,
                "There are ten outputs with ten weights each, and ten biases. All the others, 784 x 10 + 10 = 7,850, "
                "belong to the hidden layer. Most of a small network is in its first layer.",
            ),
            _TORRES,
            "layers",
        ),
        Step(
            "Loss, optimizer, metric",
            "You need three things before a network can train. The **loss** says how wrong the answers are; learning "
            "makes it smaller. The **optimizer** is the rule that moves the weights. The **metric**, here the "
            "accuracy, is what people want to know; the network never sees it. Move the slider to change the "
            "probability of the right digit.",
            ("loss", "optimizer", "metric"),
            Question(
                "Two networks read an image correctly. One gives the right digit 51 %, the other one 99 %. What is "
                "different?",
                ("Their accuracy", "Their loss", "Both"),
                1,
                "Both answers are right, so the accuracy is the same. The loss is -ln of the probability of the "
                "right digit: 0.67 for one network, 0.01 for the other. The loss can fall while the accuracy stays "
                "the same. It is also smooth, so it shows in which direction to go.",
            ),
            _TORRES,
            "loss",
        ),
        Step(
            "Downhill",
            "Think of the loss as a landscape, and of the weights as a place in it. **Gradient descent** looks which "
            "way is down and takes a step, again and again. The **learning rate** sets how long the steps are. Here "
            "is a valley with a single weight.",
            ("learning rate", "optimizer"),
            Question(
                "You make the steps longer and longer. What happens in the end?",
                (
                    "It reaches the bottom at once",
                    "It jumps across the valley, and in the end it climbs out",
                    "It stops half way",
                ),
                1,
                "The length of each step is the slope (the gradient) times the learning rate. If the rate is small, "
                "the steps are tiny. If it is large, a step lands on the other side of the valley. If it is too "
                "large, each step lands higher than the last. In this valley that happens above a rate of 1. At 0.5 "
                "a single step is enough.",
            ),
            _TORRES,
            "descent",
        ),
        Step(
            "Epochs and batches",
            "The weights take one step after each **batch** of images. An **epoch** is over when every training "
            "image has been used once. The tutorial uses batches of 100 images and five epochs.",
            ("epochs and batches",),
            Question(
                "60,000 images, batches of 100, five epochs: how many steps do the weights take?",
                ("5", "600", "3,000"),
                2,
                "There are 600 steps in each epoch, and five epochs. Batches of 1,000 would give 300 steps in all. "
                "Each of these steps would have a more reliable direction. But there are fewer steps, so a network "
                "that still has far to go would learn less.",
            ),
            _TORRES,
            "batches",
        ),
        Step(
            "Five epochs",
            "Time to run it: ten sigmoid neurons, plain gradient descent with a learning rate of 0.01, five epochs. "
            "In the tutorial's log the accuracy on the training images rises from 29 to 70 of 100.",
            ("epochs and batches",),
            Question(
                "How many of MNIST's test images will it read after these five epochs?",
                ("About 30 of 100", "Between 65 and 80 of 100", "90 of 100, as the tutorial says"),
                1,
                "The result is near the 70 of its own log. With MNIST, grey points show what the tutorial printed. "
                "The seed sets the first weights and the order of the images. After so few steps it matters much. In "
                "a hundred runs that differed only in the seed, the worst read 67 of 100 test images and the best "
                "80. None came near 90.",
            ),
            _TORRES,
            trials=(_AS_PRINTED,),
            article="torres",
        ),
        Step(
            "Where could 0.9018 come from?",
            "The tutorial reports a test accuracy of 0.9018. Its printed program does not reach that. Maybe the "
            "author measured it with other settings. Try some: more epochs, or larger steps.",
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
                "Eight times as many epochs reach about 0.90. Steps that are ten times as long reach it too, in an "
                "eighth of the time. We cannot know what the author ran. It happens easily that a published figure "
                "does not fit the printed program. You find out by running it.",
            ),
            dataclasses.replace(_TORRES, learning_rate=0.1),
            trials=(
                _AS_PRINTED,
                Trial("10 epochs", dataclasses.replace(_TORRES, epochs=10)),
                Trial("20 epochs", dataclasses.replace(_TORRES, epochs=20)),
                Trial("40 epochs", dataclasses.replace(_TORRES, epochs=40)),
                _QUICK,
            ),
        ),
        Step(
            "How sure is it?",
            "The tutorial looks at test image 11 of MNIST, a 6, and prints its ten softmax values. The highest is "
            "0.54, for the 6. Below you see these values. Next to them are the answers of this server's own runs: "
            "one after the five printed epochs, and one with ten times the learning rate.",
            ("softmax",),
            Question(
                "0.54 for the 6, 0.17 for the 2, 0.11 for the 8. What do you make of it?",
                (
                    "The picture is 54 % a 6 and 17 % a 2",
                    "It reads a 6, but it is far from sure",
                    "It is broken: the values do not add up to 1",
                ),
                1,
                "The highest of the ten values is the answer. The others show which digits it nearly chose. The "
                "values are shares that add up to 1. How far you can trust them is another question. After the five "
                "epochs the network is hardly sure of anything. In eleven runs with different seeds, none gave the 6 "
                "more than 0.26, and seven read another digit. With the larger rate all gave it 0.49 or more. So "
                "this value, like 0.9018, fits a network that has learned more than the printed program lets it "
                "learn. The printed values add up to 1.01, because each was rounded.",
            ),
            _TORRES,
            "answer",
            trials=(_AS_PRINTED, _QUICK),
        ),
        Step(
            "Right and wrong, in two ways each",
            "Ask only one question about every image: is it a 5? Then there are four outcomes. **True positive**: it "
            "is a 5, and it was found. **False negative**: it is a 5, but it was missed. **False positive**: it is "
            "not a 5, but it was called one. **True negative**: it is not a 5, and it was not called one. "
            "**Recall**, or sensitivity, is the share of the fives that were found. Below, the Kite tutorial's "
            "matrix is reduced to these four numbers. Choose a digit.",
            ("true and false positives", "recall", "confusion matrix"),
            Question(
                "In the big matrix, what do all false negatives of the 5 have in common?",
                ("They are in the row of the 5", "They are in the column of the 5", "They are on the diagonal"),
                0,
                "Rows are the true digits, so a missed 5 is in the row of the 5, outside the diagonal. The column of "
                "the 5 counts the images that were wrongly called a 5, the false positives. Accuracy is (TP + TN) / "
                "all, recall is TP / (TP + FN).",
            ),
            _TORRES,
            "two_classes",
        ),
        Step(
            "When accuracy misleads",
            "Think of mushrooms. If you leave a good one, that is a pity. If you eat a poisonous one, you may die. "
            "One mistake costs much more than the other, but accuracy counts both the same. Below, a test gives each "
            "of 1,000 mushrooms a value. From which value on would you call a mushroom poisonous?",
            ("misleading accuracy", "recall"),
            Question(
                "In another forest only five of a hundred mushrooms are poisonous. A careless test calls every "
                "mushroom edible. What is its accuracy?",
                ("5 %", "50 %", "95 %"),
                2,
                "It is right 95 times out of a hundred, but it is useless: its recall of the poisonous mushrooms is "
                "0. The rarer a class is, and the more its mistakes cost, the less accuracy alone says. For digits, "
                "too, the ten recalls on the Evaluate page say more than one number. As the next step the tutorial "
                "names convolutional networks. The Morgan course ends with one.",
            ),
            _TORRES,
            "mushrooms",
        ),
    ),
)
