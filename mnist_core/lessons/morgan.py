"""The third course: the effects of scaling, depth, dropout, the optimizer and convolutions."""

from __future__ import annotations

import dataclasses

from mnist_core.config import LayerConfig
from mnist_core.lessons.course import Course, Question, Step, Trial
from mnist_core.presets import PRESETS

_NONE = PRESETS["morgan-0"].config
_ONE = PRESETS["morgan-1"].config
_TWO = PRESETS["morgan-2"].config
_SHORT = dataclasses.replace(_ONE, epochs=3)


def _few(dropout: float) -> Trial:
    """The wide layer, trained on few images until it overfits."""
    layers = (LayerConfig(units=512, dropout=dropout),)
    config = dataclasses.replace(_ONE, layers=layers, epochs=60, validation_fraction=0.2, training_images=1000)
    return Trial(f"dropout {dropout:.0%}" if dropout else "no dropout", config)


COURSE = Course(
    name="Morgan",
    source=PRESETS["morgan-0"].source,
    summary="From no hidden layer to two wide ones: what each choice of the recipe brings, tried out one at a time.",
    steps=(
        Step(
            "Why pixels are scaled",
            "In the file a pixel is a number from 0 to 255. Nearly everybody divides by 255 before training. What if "
            "you don't? Both runs have the same network, the same first weights and the same optimizer; only one of "
            "them gets the pixels as they are.",
            ("scaling",),
            Question(
                "After five epochs on MNIST, the run with pixels from 0 to 255 …",
                (
                    "… reads as many test images: its weights just become smaller",
                    "… makes nearly twice as many mistakes",
                    "… has learned nothing",
                ),
                1,
                "The first sums are 255 times too large and the first loss about fifty times; it takes long to come "
                "down from there. RMSprop, which fits its steps to the size of the slopes, copes. Plain SGD, as Kite "
                "and Torres use it, has it harder: with Kite's recipe the scaled run reads 89 of 100 after five "
                "epochs, the other one 59. Try it on the Train page, under **Training data**.",
            ),
            dataclasses.replace(_ONE, epochs=5, pixels="raw"),
            trials=(
                Trial("from 0 to 1", dataclasses.replace(_ONE, epochs=5)),
                Trial("from 0 to 255", dataclasses.replace(_ONE, epochs=5, pixels="raw")),
            ),
        ),
        Step(
            "No hidden layer at all",
            "The least that a network can be: 784 pixels, ten outputs, softmax. It is the same model that "
            "statisticians call **logistic regression**. For each digit it has one weight a pixel, so it compares the "
            "picture with ten patterns. The tutorial's author first wrote a network by hand, which took 20 minutes to "
            "reach 69 of 100.",
            ("layers", "deep and shallow"),
            Question(
                "How many of MNIST's test images will the ten patterns read?",
                ("About 30 of 100", "About 60 of 100", "About 92 of 100"),
                2,
                "Published are 92.4 of 100. Most digits are written so much alike that one pattern each will do. The "
                "seven or eight that it misses are the hard ones. The tutorial's run took half a minute; how long an "
                "epoch takes here stands in the table.",
            ),
            _NONE,
            trials=(Trial("no hidden layer", _NONE),),
        ),
        Step(
            "What ReLU is for",
            "Between two layers stands an activation, in these networks **ReLU**: below 0 it answers 0, above it lets "
            "the sum pass. That looks like next to nothing. Compare it with the others, and with none (linear).",
            ("activation",),
            Question(
                "Two dense layers with nothing between them can express as much as …",
                ("… one layer", "… two layers with ReLU", "… ten layers"),
                0,
                "A weighted sum of weighted sums is again a weighted sum. Without a bend, any number of layers is as "
                "good as one. ReLU is the simplest bend; it is cheap, and above 0 its slope is 1, so that corrections "
                "reach the layers before it undiminished.",
            ),
            _ONE,
            "activation",
        ),
        Step(
            "One wide layer",
            "Now 512 neurons between the pixels and the answers, each with ReLU. In each training step a fifth of "
            "them, chosen at random, is silenced; the next step tells why. The loss is cross-entropy, the optimizer "
            "RMSprop. The tutorial does not say how many epochs it ran; here it is ten.",
            ("layers", "counting parameters"),
            Question(
                "Without a hidden layer it misread about 75 of 1,000 MNIST test images. And now?",
                ("About 70", "About 40", "Fewer than 25"),
                2,
                "Each hidden neuron reacts to a pattern of its own. Most are patterns that we have no name for: look "
                "at them on the Train page. The output weighs them. "
                "That takes 407,050 weights and biases instead of 7,850. Published: 19 of 1,000 misread.",
            ),
            _ONE,
            trials=(
                Trial("no hidden layer", _NONE),
                Trial("512 neurons", _ONE),
            ),
            floor=0.8,
        ),
        Step(
            "Overfitting",
            "A network with 400,000 weights, and only the first 1,000 training images: it has room to fit every one "
            "of them. **Overfitting** is when a network gets better and better on its training images and worse on "
            "new ones. **Dropout** works against it: in each training step a random share of the neurons is switched "
            "off, so that none can rely on another. Validation images are held back to compare: the dashed lines.",
            ("overfitting", "dropout", "three roles of data"),
            Question(
                "Without dropout, what will the loss on the validation images do in 60 epochs?",
                ("Fall and fall, like the loss on training images", "Fall, then rise again", "Rise from the start"),
                1,
                "On MNIST the network reads all its 1,000 training images from about epoch 18 on, and that loss goes "
                "to 0. The loss on validation images is lowest at about the same time, just below 0.4, and then rises "
                "to 0.49: the network gets surer even where it is wrong. A gap between the two curves is normal. "
                "Overfitting begins where the loss on images it does not train on rises again. With dropout it rises "
                "later and less, to 0.44. More images help far more: with all of them this network reads 98 % of new "
                "ones, here 89 %.",
            ),
            _few(0.0).config,
            trials=(_few(0.0), _few(0.5)),
            floor=0.6,
        ),
        Step(
            "The optimizer",
            "Plain gradient descent (SGD) takes the same rate for all weights. **RMSprop** keeps an average of how "
            "steep each weight's slope, its **gradient**, has been and divides by it: where slopes are gentle it "
            "takes longer steps. Three epochs with each, at Keras's usual rates.",
            ("optimizer", "learning rate"),
            Question(
                "After three epochs, which one is ahead on the test images?",
                ("SGD", "RMSprop, by several percentage points", "They are equal"),
                1,
                "SGD has only begun: after three epochs it reads fewer images than RMSprop after its first. That does "
                "not make it a bad rule: with a higher rate much of the lag goes away. The button below opens it with "
                "0.1 on the Train page.",
            ),
            dataclasses.replace(_SHORT, optimizer="sgd", learning_rate=0.1),
            trials=(
                Trial("RMSprop", _SHORT),
                Trial("SGD", dataclasses.replace(_SHORT, optimizer="sgd", learning_rate=0.01)),
            ),
        ),
        Step(
            "The loss",
            "The tutorial takes **cross-entropy** and names the **mean squared error** as the other choice. The first "
            "asks what probability the right digit got. The second takes the ten differences between the answer and "
            "the one-hot label, squares them and averages. The same network learns with each.",
            ("loss", "metric"),
            Question(
                "One run ends with a loss near 0.1, the other one near 0.01. Which of them is better?",
                ("The second one", "The first one", "That cannot be told from these numbers"),
                2,
                "They are different measures, like metres and litres. Accuracy, the metric, means the same for both, "
                "and by it cross-entropy is ahead: the surer a wrong answer, the more it costs, without limit. A "
                "squared error is never above 0.2, and its slope fades just where most is to be learned.",
            ),
            dataclasses.replace(_SHORT, loss="mean_squared_error"),
            trials=(
                Trial("cross-entropy", _SHORT),
                Trial("squared error", dataclasses.replace(_SHORT, loss="mean_squared_error")),
            ),
        ),
        Step(
            "Deep or shallow",
            "A **deep** network has several hidden layers, a shallow one has one. The neurons of each further layer "
            "look at what those before them found. Here is a second layer of 512, also with dropout.",
            ("deep and shallow", "counting parameters"),
            Question(
                "The second layer adds 262,656 weights and biases. How much does it add to the test accuracy on MNIST?",
                ("Half a percentage point at most", "About 2 percentage points", "It halves the mistakes"),
                0,
                "Published are 98.1 and 98.2 of 100, and another seed can turn the order round. An epoch takes "
                "longer, though: see the table. Depth pays where there is more to find than in these small pictures, "
                "or where the layers are of another kind.",
            ),
            _TWO,
            trials=(Trial("one layer", _ONE), Trial("two layers", _TWO)),
            floor=0.9,
        ),
        Step(
            "What a convolution sees",
            "A dense layer does not know which pixels are neighbours. A **convolution** moves a small **filter** of 3 "
            "by 3 weights over the whole picture, and it answers at every place. So it finds an edge wherever that "
            "is. Choose a filter and look at what it answers to a digit: blue where it finds what it looks for, "
            "orange where it finds the reverse.",
            ("convolution",),
            Question(
                "A layer has 32 such filters. How many numbers does it learn?",
                ("288", "320", "25,088"),
                1,
                "32 times nine weights, and a bias for each. The same nine weights serve every place, so it learns "
                "little and sees everything: 320 numbers, where a dense layer of 32 neurons has 25,120.",
            ),
            PRESETS["cnn"].config,
            "convolution",
        ),
        Step(
            "A small convolutional network",
            "Torres and Morgan both name convolutional networks as what comes next. This one has 32 filters, then 64 "
            "on what the first ones found. After each the picture is halved, keeping the strongest answer of four: "
            "**pooling**. Two epochs, beside two epochs of the wide layer. This run takes longer than the others.",
            ("convolution", "deep and shallow"),
            Question(
                "It learns a twelfth as many numbers as the wide layer. After two epochs it makes …",
                ("… more mistakes", "… as many mistakes", "… fewer mistakes"),
                2,
                "It knows that neighbours belong together and that a stroke is a stroke wherever it stands, so it "
                "need not learn that from examples. The price is time: each filter is applied at hundreds of places. "
                "After five epochs it reads 98.8 of 100 of MNIST's test images, more than any network of the "
                "tutorials.",
            ),
            PRESETS["cnn"].config,
            trials=(
                Trial("two convolutions", dataclasses.replace(PRESETS["cnn"].config, epochs=2)),
                Trial("512 neurons", dataclasses.replace(_ONE, epochs=2)),
            ),
            floor=0.8,
        ),
    ),
)
