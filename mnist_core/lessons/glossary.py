"""The terms of the courses, in plain words."""

from __future__ import annotations

import re
import types
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GLOSSARY: Final[Mapping[str, str]] = types.MappingProxyType(
    {
        "accuracy": "The share of answers that are right.",
        "activation": "What a neuron does with its sum. ReLU keeps sums above 0 and turns all others into 0.",
        "batch": "The images of one training step, for example 128 of them.",
        "bias": "A number that a neuron adds to its sum. It is learned, like a weight.",
        "classification": "The question: which one of a few classes is it?",
        "confusion matrix": "A table of all answers: a row for each true digit, a column for each answer.",
        "convolution": "A layer that moves small filters over the whole image.",
        "cross-entropy": "A loss: the smaller the share of the right digit, the higher it is.",
        "deep": "A deep network has several hidden layers.",
        "dense layer": "A layer in which each neuron looks at all outputs of the layer before it.",
        "dropout": "Switches off a random share of the neurons in each training step, against overfitting.",
        "dtype": "The kind of numbers in a tensor, for example whole numbers from 0 to 255.",
        "epoch": "One pass through all training images.",
        "error": "How far one answer is from the right one.",
        "false negative": "It is one, but it was missed.",
        "false positive": "It is none, but it was called one.",
        "filter": "The small grid of weights of a convolution, for example 3 by 3. Also called kernel.",
        "flattened": "All rows of an image put one after the other: 784 numbers.",
        "gradient": "How fast the loss changes with a weight: the slope. It says which way is down.",
        "gradient descent": "Training in small steps downhill: each weight moves against its gradient.",
        "hidden layer": "A layer between the pixels and the ten outputs.",
        "IDX": "The file format of MNIST: a header, then one byte for each number.",
        "label": "The right answer to an image: the digit that it shows.",
        "layer": "Neurons side by side. Each layer looks at the outputs of the layer before it.",
        "leak": "Test images that were also used for training. The test is then worth nothing.",
        "learning rate": "How long the training steps are: the step of a weight is its gradient times this number.",
        "logistic regression": "A network without a hidden layer.",
        "loss": "How wrong the answers are. Training makes it smaller.",
        "mean squared error": "A loss: the differences from the one-hot label, squared and averaged.",
        "metric": "A number that people want to know, such as the accuracy. Training does not use it.",
        "naive Bayes": "A method that assumes: once you know the digit, one pixel tells nothing about another.",
        "nearest neighbours": "A method that stores all training images and looks for the most similar ones.",
        "neuron": "Multiplies its inputs by weights, adds them up with a bias, and applies its activation.",
        "one-hot": "A label as ten numbers: 1 for the right digit, 0 for the others.",
        "optimizer": "The rule that moves the weights in each training step.",
        "overfitting": "The network fits its training images better and better, and new images worse.",
        "parameters": "All weights and biases of a network: what it learns.",
        "pixel": "One point of an image, as a number: 0 is paper, 255 is ink.",
        "pooling": "Makes an image smaller: of four answers it keeps the strongest.",
        "random forest": "A method: many decision trees that vote.",
        "rank": "How many indices you need to name one place in a tensor.",
        "recall": "Of all images of a digit, the share that was found.",
        "regression": "The question: how much is it?",
        "RMSprop": "An optimizer that gives every weight its own step size.",
        "scaled": "Divided by 255, so that all pixels are between 0 and 1.",
        "seed": "The number that decides the random weights at the start and the order of the images.",
        "SGD": "Plain gradient descent, with one learning rate for all weights.",
        "shape": "How many rows, columns and so on a tensor has.",
        "softmax": "Turns ten scores into ten shares that add up to 1.",
        "split": "Which images are for training, for validation, and for the test.",
        "supervised learning": "Learning from examples with their right answers.",
        "tensor": "An array of numbers.",
        "test": "Images that are used once, at the end, to see how good the network is.",
        "training": "Images that the network learns from.",
        "true negative": "It is none, and it was not called one.",
        "true positive": "It is one, and it was found.",
        "validation": "Images that are held back to check the network while it trains, and to choose settings.",
        "weight": "A number that a neuron multiplies an input by. The network learns it.",
    }
)
"""What each term means, in one or two sentences, in alphabetical order."""


def terms_in(text: str) -> Iterator[str]:
    """The terms of the glossary that a text uses, also in the plural, in alphabetical order.

    >>> list(terms_in("Each **neuron** has one bias and many weights."))
    ['bias', 'neuron', 'weight']
    """
    plain = text.replace("*", "")
    for term in GLOSSARY:
        # "test" and "training" are common words: only the images are meant.
        ending = r"\s+images" if term in ("test", "training", "validation") else r"(s|es)?"
        if re.search(rf"(?<![\w-]){re.escape(term)}{ending}(?![\w-])", plain, re.IGNORECASE):
            yield term
