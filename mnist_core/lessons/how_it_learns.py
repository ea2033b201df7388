"""Course A: what is learned, from what, how, and why a sure answer can be wrong. For readers of sixteen and older."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from mnist_core.lessons.course import Course, Question, Step, Wrong
from mnist_core.presets import PRESETS

if TYPE_CHECKING:
    from mnist_core.config import RunConfig

OWN: Final[RunConfig] = dataclasses.replace(
    PRESETS["kite"].config, split="official", validation_fraction=0.1, learning_rate=0.1, epochs=5
)
"""What each visitor trains in "Let it learn", with a seed of their own: it takes a few seconds."""

COURSE = Course(
    "A. How it learns",
    "From examples to a network that reads digits, and to the mistakes that it makes.",
    (
        Step(
            "examples",
            "Learn from examples",
            'Could you write rules for reading digits? "A closed loop is a 0, a single stroke is a 1 …" People write '
            "too differently for that. So nobody writes rules. The network starts without any knowledge of digits. It "
            "gets thousands of pictures and learns from them. This is called **supervised learning**.",
            Question(
                "What does it need besides the pictures?",
                "The digit on each picture",
                "The digit that a picture shows is its **label**. The network compares its own answer with the label. "
                "Then it adjusts its numbers until its answers fit. There is a price: people had to label tens of "
                "thousands of pictures.",
                (
                    Wrong(
                        "A perfect drawing of each digit",
                        "There is no perfect 7: some people write it with a bar, others without.",
                    ),
                    Wrong(
                        "A rule for each digit",
                        "People tried that for years. No rules fitted all kinds of handwriting.",
                    ),
                ),
                try_it="Look at thirty of them. Decide first, then show the labels.",
            ),
            3,
            ("supervised learning",),
            "examples",
        ),
        Step(
            "numbers",
            "A picture is numbers",
            "A network can only calculate. So a picture must become numbers. It has 28 rows of 28 pixels. Each pixel "
            "is a number from 0 (paper) to 255 (ink). The label becomes numbers too: ten of them, one for each digit "
            "from 0 to 9. The number of the right digit is 1, and all others are 0. This is called **one-hot**.",
            Question(
                "What is the one-hot label of a 2?",
                "0 0 1 0 0 0 0 0 0 0",
                "The places are counted from 0, so the third place belongs to the 2. The picture is prepared too. Its "
                "pixels are **scaled**: each is divided by 255, so that all are between 0 and 1. And it is "
                "**flattened**: its 28 rows are put one after the other, which makes 784 numbers.",
                (
                    Wrong("0 1 0 0 0 0 0 0 0 0", "This is the label of a 1. The first place belongs to the 0."),
                    Wrong("0 0 2 0 0 0 0 0 0 0", "One-hot uses only 0 and 1. The place says which digit it is."),
                    Wrong("2 0 0 0 0 0 0 0 0 0", "One-hot uses only 0 and 1. The place says which digit it is."),
                ),
                try_it="Below you see all this for any picture. Can you find the darkest pixel of image 999?",
            ),
            4,
            ("scaling", "flattening", "one-hot labels"),
            "one_image",
        ),
        Step(
            "neuron",
            "A neuron",
            "A **neuron** calculates one number. It multiplies each input by its own **weight**. It adds the results "
            "and one more number, the **bias**. Then comes the **activation**. The activation ReLU, for example, "
            "keeps a sum above 0 and turns every other sum into 0.",
            Question(
                "Inputs 1 and 0.5, weights 2 and -4, bias 0.5, ReLU: what does the neuron answer?",
                "0.5",
                "1 x 2 + 0.5 x (-4) + 0.5 = 0.5. This is above 0, so ReLU keeps it. That is all a neuron does. A "
                "network has many neurons in **layers**. Each neuron looks at all outputs of the layer before it; the "
                "first layer looks at the pixels. The last layer has ten neurons, one for each digit. What a network "
                "learns are its weights and biases.",
                (
                    Wrong("0", "Without the bias the sum is 0. The bias lifts it to 0.5."),
                    Wrong("4.5", "The second weight is negative: 0.5 x (-4) is -2, not 2."),
                    Wrong("2.5", "That leaves out the second input. All inputs count."),
                ),
                try_it="Try some with the sliders.",
            ),
            3,
            ("neuron", "layers", "activation"),
            "neuron",
        ),
        Step(
            "one-step",
            "One step by hand",
            "How does a network find its weights? Take one neuron and one picture. The neuron should answer 1, but "
            "its answer is too small. The **error** is the difference, multiplied by itself. To make the error "
            "smaller, some weights have to change. But which ones, and in which direction?",
            Question(
                "The answer is too small, and one of the inputs was 0. What should happen to the weight of this input?",
                "Nothing: it had no part in it",
                "An input of 0 adds 0 to the sum, whatever its weight is. Other weights had a part. If you move one of "
                "them, the error falls in one direction and rises in the other. How fast it changes is the slope, "
                "called the **gradient**. The network does not try out directions. It calculates the gradient of every "
                "weight, and moves all weights a little way downhill at once. That is one step of learning.",
                (
                    Wrong(
                        "It should grow, to raise the answer",
                        "An input of 0 adds 0, however large its weight is. So this does nothing.",
                    ),
                    Wrong(
                        "It should shrink, to lower the error",
                        "An input of 0 adds 0, however small its weight is. So this does nothing.",
                    ),
                ),
                try_it="Move a weight below and watch the error.",
            ),
            4,
            ("learning rate",),
            "one_step",
        ),
        Step(
            "downhill",
            "Downhill",
            "The **loss** says how wrong the answers of a network are, all together. Think of the loss as a landscape. "
            "The weights are your place in it. **Gradient descent** checks which way is down, takes a step, and "
            "repeats. The length of a step is the slope times the **learning rate**. Steep slope, long step.",
            Question(
                "You raise the learning rate more and more. What happens in the end?",
                "It jumps across and climbs out",
                "With a small rate it crawls. With a larger one a step lands on the other side of the valley. If the "
                "rate is too large, each step lands higher than the last. In this valley that happens above a rate of "
                "1. At 0.5 a single step is enough.",
                (
                    Wrong(
                        "It reaches the bottom faster and faster",
                        "That is true up to a rate of 0.5. Above it, each step goes too far.",
                    ),
                    Wrong("It crawls more and more slowly", "A small rate makes it crawl. A large one does not."),
                ),
                try_it="Try both rates.",
            ),
            3,
            ("loss", "learning rate", "optimizer"),
            "descent",
        ),
        Step(
            "learn",
            "Let it learn",
            "Now everything together. The weights start at random values, and yours are different from those of "
            "others. The network looks at 128 images, a **batch**. Then all weights take one small step downhill, and "
            "the next batch follows. The rule for the steps is called the **optimizer**. After one pass through all "
            "training images, an **epoch** is over. Your network trains for five epochs.",
            Question(
                "After five epochs, your network gets new images. How many of them does it read?",
                "About 95%",
                "It learns most in the first seconds, and less and less after that. The solid curves show the images "
                "that it trains on. The dashed ones show **validation** images, which it only answers and never "
                "learns from. All that it knows about digits is in its weights.",
                (
                    Wrong("About 50%", "It passes 50% before the first epoch is over."),
                    Wrong("All of them", "Some digits are hard even for people, and five epochs are short."),
                ),
            ),
            3,
            ("epochs and batches", "optimizer", "layers"),
            own=OWN,
            config=OWN,
        ),
        Step(
            "mistakes",
            "Its mistakes",
            "One number does not show what goes wrong. A **confusion matrix** does. It has a row for each true digit "
            "and a column for each answer. So the diagonal counts the right answers. Every other cell counts one kind "
            "of mistake. You see the matrix of your own network after your guess.",
            Question(
                "Which two digits does such a network confuse most often?",
                "4 and 9",
                "Both are a loop with a tail, and some people close the top of the 4, so it looks like a 9.",
                (
                    Wrong("0 and 1", "A ring and a stroke: this is the easiest pair of all."),
                    Wrong("6 and 9", "One is the other upside down, but a network always sees them the right way up."),
                ),
                try_it="Find the two cells in the matrix: row 4, column 9, and row 9, column 4. They are seldom equal. "
                "Your network may have other weak pairs too, for example 3 and 5. **See its mistakes** shows you the "
                "images.",
            ),
            3,
            ("confusion matrix",),
            "own_matrix",
            own=OWN,
            config=OWN,
        ),
        Step(
            "sure",
            "Sure is not right",
            "The last ten neurons give ten scores, which can be any numbers. **Softmax** turns them into ten shares "
            'that add up to 1. People read the largest share as "how sure the network is". Now somebody draws the '
            "letter M. A network says: this is a 4, and its share is 99.9%.",
            Question(
                "Why is it so sure of an M?",
                "It must share 100% among ten digits",
                "The shares only compare ten digits with each other. It never learned to say: none of them. So a "
                "large share can be wrong, and the picture need not be a digit.",
                (
                    Wrong(
                        "It has learned from an M with the label 4",
                        "All its training images are digits. It has never seen a letter.",
                    ),
                    Wrong(
                        "99.9% of its training images looked like this M",
                        "None of them did. The share does not count training images.",
                    ),
                ),
                try_it="Below, your network and the built-in network look at the same pictures. The built-in one has "
                "also been trained on letters and scribbles: it spreads its shares over all digits. Even on real "
                "digits, a few answers with 99% and more are wrong: see how many.",
            ),
            4,
            ("softmax",),
            "sure",
            own=OWN,
        ),
        Step(
            "check",
            "Check what you know",
            "Ten questions about neural networks. If you answered them before the course, you now see what you have "
            "learned. Some of them are answered in the other courses.",
            None,
            3,
            activity="check",
        ),
    ),
    (
        "A network learns numbers, its weights and biases, from labelled examples.",
        "It learns in small steps that make its answers less wrong.",
        "Only images that it has not trained on show how good it is.",
        "A large share is not a promise: a network can be sure and wrong.",
    ),
)
