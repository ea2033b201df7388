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
    summary="From no hidden layer to two wide ones: what each choice in the recipe does, one choice at a time.",
    steps=(
        Step(
            "Why pixels are scaled",
            "In the file a pixel is a number from 0 to 255. Nearly everybody divides by 255 before training. What if "
            "you don't? Both runs have the same network, the same first weights and the same optimizer. But one of "
            "them gets the pixels as they are in the file.",
            ("scaling",),
            Question(
                "After five epochs on MNIST, the run with pixels from 0 to 255 …",
                (
                    "… reads just as many test images: its weights only become smaller",
                    "… makes nearly twice as many mistakes",
                    "… has learned nothing",
                ),
                1,
                "The first sums are 255 times too large, and the first loss about fifty times. It takes long to come "
                "down from there. RMSprop manages, because it adapts its steps to the size of the slopes (the "
                "gradients). Plain SGD, which Kite and Torres use, has more trouble: with Kite's recipe the scaled "
                "run reads 89 of 100 after five epochs, the other one 59. Try it on the Train page, under **Training "
                "data**.",
            ),
            dataclasses.replace(_ONE, epochs=5, pixels="raw"),
            trials=(
                Trial("from 0 to 1", dataclasses.replace(_ONE, epochs=5)),
                Trial("from 0 to 255", dataclasses.replace(_ONE, epochs=5, pixels="raw")),
            ),
        ),
        Step(
            "No hidden layer at all",
            "This is the smallest possible network: 784 pixels, ten outputs, softmax. Statisticians call the same "
            "model **logistic regression**. For each digit it has one weight per pixel, so it compares the picture "
            "with ten patterns. The tutorial's author first wrote a network by hand. It took 20 minutes to reach 69 "
            "of 100.",
            ("layers", "deep and shallow"),
            Question(
                "How many of MNIST's test images will the ten patterns read?",
                ("About 30 of 100", "About 60 of 100", "About 92 of 100"),
                2,
                "The tutorial reports 92.4 of 100. People write most digits so similarly that one pattern for each "
                "digit is enough. The seven or eight that it misses are the hard ones. The tutorial's run took half "
                "a minute. The table shows how long an epoch takes here.",
            ),
            _NONE,
            trials=(Trial("no hidden layer", _NONE),),
        ),
        Step(
            "What ReLU is for",
            "Between two layers there is an activation, in these networks **ReLU**. For a sum below 0 it answers 0. "
            "A sum above 0 stays as it is. That seems to be almost nothing. Compare it with the other activations, "
            "and with none (linear).",
            ("activation",),
            Question(
                "Two dense layers without an activation between them can do as much as …",
                ("… one layer", "… two layers with ReLU", "… ten layers"),
                0,
                "A weighted sum of weighted sums is again a weighted sum. Without a bend between them, any number of "
                "layers is only as good as one. ReLU is the simplest bend. It is cheap, and above 0 its slope (the "
                "gradient) is 1. So corrections reach the earlier layers at full strength.",
            ),
            _ONE,
            "activation",
        ),
        Step(
            "One wide layer",
            "Now there are 512 neurons between the pixels and the answers, each with ReLU. In each training step a "
            "random fifth of them is switched off; the next step of this course explains why. The loss is "
            "cross-entropy, and the optimizer is RMSprop. The tutorial does not say how many epochs it ran. Here it "
            "is ten.",
            ("layers", "counting parameters"),
            Question(
                "Without a hidden layer it misread about 75 of 1,000 MNIST test images. And now?",
                ("About 70", "About 40", "Fewer than 25"),
                2,
                "Each hidden neuron reacts to its own pattern. Most of these patterns have no name. You can look at "
                "them on the Train page. The output layer weighs them. This takes 407,050 weights and biases instead "
                "of 7,850. The tutorial reports 19 misread images of 1,000.",
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
            "This network has 400,000 weights, but it gets only the first 1,000 training images. So it has room to "
            "fit every one of them. **Overfitting** means that a network gets better and better on its training "
            "images, but worse on new ones. **Dropout** works against it. In each training step it switches off a "
            "random share of the neurons, so that no neuron can rely on another. The dashed lines show validation "
            "images, which are held back to compare.",
            ("overfitting", "dropout", "three roles of data"),
            Question(
                "Without dropout, what will the loss on the validation images do in 60 epochs?",
                ("Keep falling, like the loss on the training images", "Fall, then rise again", "Rise from the start"),
                1,
                "On MNIST the network reads all its 1,000 training images from about epoch 18 on, and their loss "
                "goes to 0. The loss on the validation images is lowest at about the same time, just below 0.4. Then "
                "it rises to 0.49: the network gets more confident, even where it is wrong. A gap between the two "
                "curves is normal. Overfitting begins where the loss on images that it does not train on rises "
                "again. With dropout it rises later and less, to 0.44. More images help far more: with all of them "
                "this network reads 98 % of new images, here 89 %.",
            ),
            _few(0.0).config,
            trials=(_few(0.0), _few(0.5)),
            floor=0.6,
        ),
        Step(
            "The optimizer",
            "Plain gradient descent (SGD) uses the same rate for all weights. For each weight, **RMSprop** keeps an "
            "average of how steep its slope, the **gradient**, has been, and divides by it. So it takes longer steps "
            "where slopes are gentle. Here are three epochs with each, at Keras's usual rates.",
            ("optimizer", "learning rate"),
            Question(
                "After three epochs, which one is ahead on the test images?",
                ("SGD", "RMSprop, by several percentage points", "They are equal"),
                1,
                "SGD has only started: after three epochs it reads fewer images than RMSprop after one. That does not "
                "make it a bad rule. With a higher rate, much of the difference goes away. The button below opens it "
                "on the Train page with a rate of 0.1.",
            ),
            dataclasses.replace(_SHORT, optimizer="sgd", learning_rate=0.1),
            trials=(
                Trial("RMSprop", _SHORT),
                Trial("SGD", dataclasses.replace(_SHORT, optimizer="sgd", learning_rate=0.01)),
            ),
        ),
        Step(
            "The loss",
            "The tutorial uses **cross-entropy** and names the **mean squared error** as another choice. "
            "Cross-entropy looks at the probability of the right digit. The mean squared error takes the ten "
            "differences between the answer and the one-hot label, squares them and averages them. Here the same "
            "network learns with each of them.",
            ("loss", "metric"),
            Question(
                "One run ends with a loss near 0.1, the other one near 0.01. Which of them is better?",
                ("The second one", "The first one", "You cannot say from these numbers"),
                2,
                "The two losses are different measures, like metres and litres. The accuracy means the same for "
                "both, and by it cross-entropy is ahead. With cross-entropy, the more confident a wrong answer is, "
                "the more it costs, without limit. A squared error is never above 0.2, and its slope (the gradient) "
                "gets small just where there is most to learn.",
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
            "look at what the layer before them found. Here is a second layer of 512 neurons, also with dropout.",
            ("deep and shallow", "counting parameters"),
            Question(
                "The second layer adds 262,656 weights and biases. How much does it add to the test accuracy on MNIST?",
                ("Half a percentage point at most", "About 2 percentage points", "It halves the mistakes"),
                0,
                "The tutorial reports 98.1 and 98.2 of 100, and another seed can reverse the order. But an epoch "
                "takes longer: see the table. Depth helps where there is more to find than in these small pictures, "
                "or with layers of another kind.",
            ),
            _TWO,
            trials=(Trial("one layer", _ONE), Trial("two layers", _TWO)),
            floor=0.9,
        ),
        Step(
            "What a convolution sees",
            "A dense layer does not know which pixels are neighbours. A **convolution** moves a small **filter** "
            "(also called a kernel) of 3 by 3 weights over the whole picture. The filter answers at every place, so "
            "it finds an edge wherever it is. Choose a filter and look at its answers to a digit. They are blue "
            "where it finds its pattern, and orange where it finds the opposite.",
            ("convolution",),
            Question(
                "A layer has 32 such filters. How many numbers does it learn?",
                ("288", "320", "25,088"),
                1,
                "There are 32 times nine weights, and one bias for each filter. The same nine weights are used at "
                "every place. So the layer sees the whole picture and learns only 320 numbers. A dense layer of 32 "
                "neurons has 25,120.",
            ),
            PRESETS["cnn"].config,
            "convolution",
        ),
        Step(
            "A small convolutional network",
            "Torres and Morgan both name convolutional networks as the next step. This one has 32 filters, and then "
            "64 filters that look at what the first ones found. After each of these two layers, **pooling** halves "
            "the picture: it keeps the strongest answer of four. Compare two epochs with two epochs of the wide "
            "layer. This run takes longer than the others.",
            ("convolution", "deep and shallow"),
            Question(
                "It learns a twelfth as many numbers as the wide layer. After two epochs it makes …",
                ("… more mistakes", "… as many mistakes", "… fewer mistakes"),
                2,
                "It knows that neighbours belong together, and that a stroke is a stroke wherever it is. So it does "
                "not have to learn this from examples. The price is time: each filter is applied at hundreds of "
                "places. After five epochs it reads 98.8 of 100 of MNIST's test images, more than any network of the "
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
