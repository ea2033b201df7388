"""Course B: what each choice in the recipe of a network does, one choice at a time."""

from __future__ import annotations

import dataclasses

from mnist_core.config import LayerConfig
from mnist_core.language import Message
from mnist_core.lessons import how_it_learns
from mnist_core.lessons.course import Course, Question, Step, Trial, Wrong
from mnist_core.presets import PRESETS

_QUICK = dataclasses.replace(how_it_learns.OWN, validation_fraction=0.0)
_WIDE = PRESETS["morgan-1"].config
_DEEP = PRESETS["morgan-2"].config
_SHORT = dataclasses.replace(_WIDE, epochs=3)
_CNN = PRESETS["cnn"].config


def _neurons(count: int) -> Trial:
    layers = (LayerConfig(units=count),) if count else ()
    return Trial(
        Message("{count} neurons", count=count) if count else "no hidden layer",
        dataclasses.replace(_QUICK, layers=layers),
    )


def few(name: str, dropout: float = 0.0, images: int = 1000) -> Trial:
    """The wide layer, trained on few images until it overfits."""
    layers = (LayerConfig(units=512, dropout=dropout),)
    config = dataclasses.replace(_WIDE, layers=layers, epochs=60, validation_fraction=0.2, training_images=images)
    return Trial(name, config)


_LINEAR = tuple(dataclasses.replace(layer, activation="linear") for layer in _DEEP.layers)

COURSE = Course(
    "B. What makes it better",
    "What neurons, layers, the optimizer, more images and convolutions do, one choice at a time.",
    (
        Step(
            "neurons",
            "More neurons, better network?",
            "The network of course A has 128 neurons in its hidden layer. Would more neurons read better? Four "
            "networks learn from the same images in the same way. One has no hidden layer: its ten outputs look at "
            "the pixels directly. The others have 8, 128 and 512 hidden neurons.",
            Question(
                "512 neurons instead of 128: how much will the accuracy rise?",
                "By less than 2 percentage points",
                "Eight neurons already read about 92%, as much as the network without a hidden layer. Above 128, more "
                "neurons bring little and cost much more calculation. The network without a hidden layer compares an "
                "image with ten patterns, its weights. Many images that it misses are easy for you: a 7 with a bar, or "
                "a slanted 6. A single pattern cannot fit two ways to write a digit.",
                (
                    Wrong("By about 5 percentage points", "Then it would read every image. No network does."),
                    Wrong(
                        "It will fall, because it memorises",
                        "With 60,000 images there is too much to memorise in five epochs.",
                    ),
                ),
                try_it="Compare the four networks in the table. The ten pictures below are the weights of the one "
                "without a hidden layer.",
            ),
            4,
            ("layers", "counting parameters"),
            "patterns",
            (_neurons(0), _neurons(8), _neurons(128), _neurons(512)),
            config=_neurons(512).config,
            floor=0.8,
        ),
        Step(
            "depth",
            "Deep or shallow",
            "A **deep** network has several hidden layers; a shallow one has one. The neurons of each layer look at "
            "what the layer before has found. Three networks train for three epochs: one layer of 512 neurons, two "
            "such layers, and two such layers without an activation between them.",
            Question(
                "The second layer adds 262,656 weights and biases. How much does it add to the accuracy?",
                "Less than 1 percentage point",
                "More layers are something to try, not something to trust. With small images like these, one hidden "
                "layer already reads nearly everything. Depth helps where there is more to find, or with layers of "
                "another kind. And look at the third network: without an activation, its layers can do no more than a "
                "network with no hidden layer. A weighted sum of weighted sums is only another weighted sum. The "
                "activation puts a bend between them.",
                (
                    Wrong("About 5 percentage points", "One layer reads about 98%. There is not so much left."),
                    Wrong(
                        "It halves the number of mistakes", "That would be worth it. But the test shows no such thing."
                    ),
                ),
                try_it="Below you can look at some activations.",
            ),
            5,
            ("deep and shallow", "activation", "counting parameters"),
            "activation",
            (
                Trial("one layer", _SHORT),
                Trial("two layers", dataclasses.replace(_DEEP, epochs=3)),
                Trial("two layers, linear", dataclasses.replace(_DEEP, epochs=3, layers=_LINEAR)),
            ),
            config=_DEEP,
            floor=0.8,
        ),
        Step(
            "optimizer",
            "The optimizer",
            "The optimizer is the rule that moves the weights. Plain gradient descent (**SGD**) uses one learning "
            "rate for all weights. **RMSprop** gives every weight its own step size: longer where the slope has been "
            "gentle, shorter where it has been steep. Here are three epochs with each, at Keras's usual learning "
            "rates.",
            Question(
                "After three epochs, which one is ahead on the test images?",
                "RMSprop, by far",
                "SGD has only started. After three epochs it reads fewer images than RMSprop after one. That does not "
                "make it a bad rule. With a higher learning rate it nearly catches up.",
                (
                    Wrong(
                        "SGD, because its rule is simpler",
                        "At this learning rate its steps are too short to get far in three epochs.",
                    ),
                    Wrong("Neither: both read equally well", "Both go downhill, but not at the same speed."),
                ),
                try_it="Try it: the button below opens it on the Train page with a rate of 0.1.",
            ),
            4,
            ("optimizer", "learning rate"),
            trials=(
                Trial("RMSprop", _SHORT),
                Trial("SGD", dataclasses.replace(_SHORT, optimizer="sgd", learning_rate=0.01)),
            ),
            config=dataclasses.replace(_SHORT, optimizer="sgd", learning_rate=0.1),
        ),
        Step(
            "loss",
            "The loss",
            "The **loss** says how wrong the answers are, and training makes it smaller. **Cross-entropy** looks at "
            "the share of the right digit: the smaller this share, the higher the loss. The **mean squared error** "
            "looks at all ten shares. It takes the differences from the one-hot label, squares them and averages "
            "them. The **metric**, here the accuracy, is what people want to know. Training does not use it. Here the "
            "same network trains with each loss.",
            Question(
                "One run ends with a loss near 0.1, the other one near 0.01. Which of them is better?",
                "You cannot say from these numbers",
                "The two losses are different measures, like metres and litres. The accuracy means the same for both. "
                "With cross-entropy, a wrong answer costs more the more confident it is, without limit. A squared "
                "error never gets above 0.2, and it is almost flat exactly where the network is most wrong. Loss can "
                "improve while the accuracy stays the same: 51% and 99% for the right digit are both right.",
                (
                    Wrong(
                        "The one with 0.01, because it is less wrong", "Only numbers of the same loss can be compared."
                    ),
                    Wrong("The one with 0.1", "Only numbers of the same loss can be compared."),
                ),
                try_it="Compare the two losses below.",
            ),
            5,
            ("loss", "metric"),
            "loss",
            (
                Trial("cross-entropy", _SHORT),
                Trial("squared error", dataclasses.replace(_SHORT, loss="mean_squared_error")),
            ),
            config=dataclasses.replace(_SHORT, loss="mean_squared_error"),
        ),
        Step(
            "overfitting",
            "Overfitting",
            "This network has 407,050 weights and biases, but it gets only the first 1,000 training images. So it has "
            "room to memorise every one of them. The solid curves show the images that it trains on. The dashed "
            "curves show **validation** images, which it does not train on.",
            Question(
                "What will the loss on the validation images do in 60 epochs?",
                "It falls, then it rises again",
                "Its loss on the training images goes to 0: it reads all of them. Its loss on the validation images "
                "is lowest after about a third of the run. Then it rises: the network gets more confident, even where "
                "it is wrong. This is **overfitting**. A gap between the two curves is normal. Overfitting begins "
                "where the loss on images that it does not train on rises again.",
                (
                    Wrong(
                        "It falls, like the loss on the training images",
                        "At first it does. But what fits the training images does not fit all others.",
                    ),
                    Wrong("It rises from the start", "At first it learns what all images share, so both losses fall."),
                ),
            ),
            4,
            ("overfitting", "three roles of data"),
            trials=(few("1,000 images"),),
            config=few("").config,
            floor=0.6,
        ),
        Step(
            "dropout",
            "Dropout, or more images?",
            "Two things help against overfitting. **Dropout** switches off a random share of the neurons in each "
            "training step, so no neuron can rely on another. When the network answers, all neurons are on. And you "
            "can collect more images. Here the network of the last step trains as it is, with a dropout of 50%, and "
            "with 5,000 images.",
            Question(
                "Which of the two will read more validation images?",
                "The one with 5,000 images",
                "Dropout makes the loss on the validation images rise later and less. But it adds no new examples of "
                "how people write. Five times as many images do. With all 60,000 images this network reads 98% of "
                "new ones. If you cannot collect more images, make variants: **More settings** on the Train page can "
                "turn and shift them a little.",
                (
                    Wrong("The one with a dropout of 50%", "It helps, but 1,000 images stay 1,000 images."),
                    Wrong("They are about equal", "Both help, but one of them brings new information."),
                ),
            ),
            5,
            ("overfitting", "dropout"),
            trials=(
                few("1,000 images"),
                few("with dropout", dropout=0.5),
                few("5,000 images", images=5000),
            ),
            config=few("", dropout=0.5).config,
            floor=0.6,
        ),
        Step(
            "scaling",
            "Why pixels are scaled",
            "In the file a pixel is a number from 0 to 255. Nearly everybody divides it by 255 before training. What "
            "if you don't? Both networks start with the same weights and use the same optimizer. One of them gets the "
            "pixels as they are in the file.",
            Question(
                "After five epochs, the network with pixels from 0 to 255 …",
                "… makes nearly twice as many mistakes",
                "Its first sums are 255 times too large, and its first loss is about fifty times too high. It takes "
                "long to come down from there. RMSprop manages, because it adapts the size of its steps. Plain SGD "
                "has more trouble. With the recipe of the Kite tutorial, the scaled run reads 89% after five epochs, "
                "the other one 59%.",
                (
                    Wrong(
                        "… reads as many images: its weights only become smaller",
                        "They could in principle. But they start too large and move in steps made for small numbers.",
                    ),
                    Wrong("… learns nothing", "It starts far off, but each step still makes it a little better."),
                ),
            ),
            4,
            ("scaling",),
            trials=(
                Trial("from 0 to 1", dataclasses.replace(_WIDE, epochs=5)),
                Trial("from 0 to 255", dataclasses.replace(_WIDE, epochs=5, pixels="raw")),
            ),
            config=dataclasses.replace(_WIDE, epochs=5, pixels="raw"),
        ),
        Step(
            "convolution",
            "What a convolution sees",
            "A dense layer is not told which pixels are neighbours; it must find out from examples. A **convolution** "
            "is built to know. It moves a small **filter** of 3 by 3 weights over the whole image. The filter answers "
            "at every place, so it finds an edge wherever the edge is.",
            Question(
                "A layer has 32 such filters. How many numbers does it learn?",
                "320",
                "There are 9 weights and one bias for each of the 32 filters. The same numbers are used at every "
                "place, so the layer needs few of them and still covers the whole image. A dense layer of 32 neurons "
                "has 25,120.",
                (
                    Wrong("288", "That is 32 x 9. Each filter has a bias too."),
                    Wrong("25,088", "That is 32 x 784: a filter has one weight for each of its 9 places, not 784."),
                ),
                try_it="Choose a filter below and look at its answers to a digit. They are blue where it finds its "
                "pattern, and orange where it finds the opposite.",
            ),
            4,
            ("convolution",),
            "convolution",
            config=_CNN,
        ),
        Step(
            "cnn",
            "A small convolutional network",
            "This network has 32 filters, and then 64 filters that look at what the first ones found. After each of "
            "the two layers, **pooling** halves the image: of four answers it keeps the strongest. Compare two epochs "
            "with two epochs of one dense layer of 512 neurons.",
            Question(
                "It learns a twelfth as many numbers as the dense layer. After two epochs it makes …",
                "… fewer mistakes",
                "It is built for images: neighbours belong together, and a stroke is a stroke wherever it is. So it "
                "does not have to learn this from examples. The price is calculation: each filter is used at hundreds "
                "of places. After five epochs it reads 98.8% of MNIST's test images.",
                (
                    Wrong("… more mistakes", "Fewer numbers can do more if they are used in the right way."),
                    Wrong("… about as many mistakes", "What it knows about images from the start gives it a lead."),
                ),
            ),
            5,
            ("convolution", "deep and shallow"),
            trials=(
                Trial("two convolutions", dataclasses.replace(_CNN, epochs=2)),
                Trial("512 neurons", dataclasses.replace(_WIDE, epochs=2)),
            ),
            config=_CNN,
            floor=0.8,
        ),
    ),
    (
        "More neurons and layers cost time. Whether they help, only a test shows.",
        "The learning rate and the optimizer decide how fast a network learns.",
        "Overfitting begins where the loss on new images rises. More images help most.",
        "A network that is built for images needs fewer numbers and reads better.",
    ),
)
