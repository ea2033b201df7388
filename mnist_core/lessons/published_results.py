"""A track for readers of the tutorials: what they print, step by step, and whether it can be reproduced."""

from __future__ import annotations

import dataclasses

from mnist_core.lessons.course import Course, Question, Step, Trial, Wrong
from mnist_core.presets import PRESETS

_KITE = PRESETS["kite"].config
_TORRES = PRESETS["torres"].config
_NONE = PRESETS["morgan-0"].config
_AS_PRINTED = Trial("5 epochs, as printed", _TORRES)
_QUICK = Trial("5 epochs, rate 0.1", dataclasses.replace(_TORRES, learning_rate=0.1))

COURSE = Course(
    "Check a published result",
    "Three Keras tutorials, Kite, Torres and Morgan: what they print, and whether you get the same.",
    (
        Step(
            "file",
            "What is in the file",
            "MNIST comes in a very simple file format, **IDX**. A header of four-byte numbers says what follows. It "
            "starts with a magic number: 2049 for labels, 2051 for images. Then comes how many there are. For images, "
            "the numbers of rows and columns follow. After the header there is one byte for each label or pixel, and "
            "nothing else.",
            Question(
                "How long is the unpacked file with 60,000 labels?",
                "60,008 bytes",
                "The header has two numbers of four bytes each, the magic number and the count. Then there is one byte "
                "for each label: 8 + 60,000. The Kite tutorial reads such a file with a few lines of code. But never "
                "trust a file from an unknown source without checking it. The Data page checks your own files: magic "
                "number, counts, sizes and labels.",
                (
                    Wrong("60,000 bytes", "That leaves out the header."),
                    Wrong("60,016 bytes", "16 bytes is the header of images. Labels have no rows and columns."),
                ),
                try_it="Touch the bytes below to see what each of them means.",
            ),
            4,
            ("file format",),
            "file",
        ),
        Step(
            "kinds",
            "How much, or which one",
            "You can ask two kinds of questions about an image. **Regression** asks how much. The answer is a number, "
            "and nearly right is nearly as good. **Classification** asks which one. The answer is one of a few "
            "classes, and it is either right or wrong.",
            Question(
                "Reading a handwritten digit: which kind of question is it?",
                "Classification: it is one of ten",
                "A 3 read as a 4 is as wrong as a 3 read as a 9. Here digits are only the names of ten classes. So the "
                "network gets ten outputs, one for each class. A single output could say 3.5.",
                (
                    Wrong("Regression, because digits are numbers", "A 4 is not a better guess for a 3 than a 9 is."),
                    Wrong("Both at once", "Nobody asks how much of a 3 it is. It is a 3 or it is not."),
                ),
                try_it="Below you can try both kinds on zeros and ones. First place a line that predicts the ink from "
                "the width. Then place a wall that separates the zeros from the ones.",
            ),
            4,
            ("regression and classification",),
            "tasks",
        ),
        Step(
            "tensors",
            "Tensors",
            "The Torres tutorial starts with tensors. A **tensor** is an array of numbers. Its **rank** is how many "
            "indices you need to name one place in it. Its **shape** says how many rows, columns and so on it has. "
            "Its **dtype** says what kind of numbers it holds. All training images together are one tensor.",
            Question(
                "Images in colour have three numbers for each pixel: shape (60000, 28, 28, 3). What is the rank?",
                "4",
                "You need four numbers to name a place: image, row, column and colour. MNIST is grey, so three are "
                "enough. If you fix the image, rank 2 is left. If you fix the row too, rank 1 is left. A single pixel "
                "is a tensor of rank 0.",
                (
                    Wrong("3, one for each colour", "That is the size of one index, not the number of indices."),
                    Wrong("60,000", "That is the size of the first index, not the number of indices."),
                ),
                try_it="Try it below.",
            ),
            3,
            ("tensors",),
            "tensor",
        ),
        Step(
            "parameters",
            "Counting parameters",
            "The Torres tutorial counts weight by weight how many numbers its network learns. There is one weight "
            "from each input to each neuron, and each neuron has one bias.",
            Question(
                "784 → 10 → 10 learns 7,960 numbers. How many of them belong to the output layer?",
                "110",
                "The ten outputs have ten weights each, and ten biases. The other 784 x 10 + 10 = 7,850 belong to the "
                "hidden layer: most of a small network is in its first layer. The network of the Kite tutorial has "
                "128 hidden neurons: 100,480 + 1,290 = 101,770 numbers. Its summary says that it has two hidden "
                "layers. It has one; the other layer is the output.",
                (
                    Wrong("100", "That leaves out the ten biases."),
                    Wrong("7,850", "That is the hidden layer. It looks at 784 pixels."),
                ),
            ),
            3,
            ("counting parameters", "layers"),
            "layers",
            config=_TORRES,
        ),
        Step(
            "shares",
            "Ten shares that add up to 1",
            "Softmax turns ten scores into ten shares. It makes every score positive (e to the power of the score) "
            "and divides by the total, so the ten shares add up to 1.",
            Question(
                "You raise the score of one digit and leave the other nine as they are. Their shares …",
                "… fall",
                "The sum stays 1. What one digit gains, the others lose. The Kite tutorial prints ten shares for one "
                "image: 0.99889 for the 4, and 1.0000001 in total, because they are rounded. Its text calls the image "
                "a 6. To read such a list, look for the highest share and count its place from 0.",
                (
                    Wrong("… stay as they are", "Then the sum would be more than 1."),
                    Wrong("… rise a little too", "Then the sum would be more than 1."),
                ),
                try_it="Move a score below.",
            ),
            4,
            ("softmax",),
            "softmax",
        ),
        Step(
            "printed-matrix",
            "Two printed matrices",
            "The Kite tutorial prints a confusion matrix: a row for each true digit, a column for each answer. A "
            "later article tells the same story again and prints another matrix. Both give the same accuracy: 0.9264.",
            Question(
                "In the first matrix, row 9, column 4 says 58. What happened 58 times?",
                "A 9 was read as a 4",
                "It is the most frequent mistake. The other way round it happened 40 times. You can also check the "
                "accuracy: it is the sum of the diagonal divided by the sum of all cells. 13,896 of 15,000 is 0.9264. "
                "But the diagonal of the second matrix adds up to 13,916, which is 0.9277. So that matrix and its "
                "accuracy come from different runs.",
                (
                    Wrong("A 4 was read as a 9", "A row is the true digit, a column is the answer."),
                    Wrong("A 9 and a 4 were swapped", "That would be two mistakes, in two cells."),
                ),
                try_it="Both matrices are below.",
            ),
            4,
            ("confusion matrix",),
            "matrices",
            config=_KITE,
        ),
        Step(
            "longer",
            "Where could 0.9018 come from?",
            "The Torres tutorial reports a test accuracy of 0.9018. The program that it prints, with five epochs at a "
            "learning rate of 0.01, does not reach that. Perhaps the author had other settings. Try some: more epochs, "
            "or larger steps.",
            Question(
                "Which of these will read 90% of MNIST's test images?",
                "40 epochs, or 5 with a learning rate of 0.1",
                "Eight times as many epochs reach about 90%. Steps that are ten times as long reach it too, in an "
                "eighth of the time. Nobody can know what the author ran. You find out what is possible by running it.",
                (
                    Wrong("10 epochs instead of 5", "Twice as many steps help, but not so much."),
                    Wrong("20 epochs instead of 5", "It gets close, but not to 90%."),
                    Wrong("None of them", "The network can do it: it needs more or longer steps."),
                ),
            ),
            6,
            ("learning rate", "epochs and batches"),
            trials=(
                _AS_PRINTED,
                Trial("10 epochs", dataclasses.replace(_TORRES, epochs=10)),
                Trial("20 epochs", dataclasses.replace(_TORRES, epochs=20)),
                Trial("40 epochs", dataclasses.replace(_TORRES, epochs=40)),
                _QUICK,
            ),
            config=dataclasses.replace(_TORRES, learning_rate=0.1),
        ),
        Step(
            "how-sure",
            "How sure is it?",
            "The Torres tutorial looks at test image 11 of MNIST, a 6, and prints its ten shares. The largest is 0.54, "
            "for the 6. Then come 0.17 for the 2 and 0.11 for the 8.",
            Question(
                "What do you make of it?",
                "It reads a 6, but it is not very sure",
                "The digit with the largest share is the answer. The others show which digits it nearly chose. After "
                "five epochs the network is hardly sure of anything: in eleven runs with different seeds, none gave "
                "the 6 more than 0.26. With the larger rate all gave it 0.49 or more. So this value, too, fits a "
                "network that has learned more than the printed program lets it learn.",
                (
                    Wrong(
                        "The image is 54% a 6 and 17% a 2",
                        "The image is a 6. The shares say something about the network, not about the image.",
                    ),
                    Wrong(
                        "It is broken: the shares do not add up to 1",
                        "The printed ones add up to 1.01, because each of them was rounded.",
                    ),
                ),
                try_it="Compare this value with the runs below.",
            ),
            5,
            ("softmax",),
            "answer",
            (_AS_PRINTED, _QUICK),
            config=_TORRES,
        ),
        Step(
            "no-hidden-layer",
            "The smallest possible network",
            "The Morgan tutorial starts with 784 pixels, ten outputs, and nothing between them. Statisticians call "
            "this model **logistic regression**. Its author first wrote a network by hand, without Keras. After 20 "
            "minutes it read 69% of the images.",
            Question(
                "How many of MNIST's test images will this network read?",
                "About 92%",
                "The tutorial reports 92.4% after half a minute. For each digit the network has one pattern: one "
                "weight for each pixel. Most people write most digits alike, so one pattern for each digit is enough "
                "for nine images in ten.",
                (
                    Wrong("About 30%", "Ten patterns are enough for much more."),
                    Wrong("About 69%", "Keras learns faster than the network that was written by hand."),
                ),
                try_it="You see the ten patterns below.",
            ),
            4,
            ("layers", "deep and shallow"),
            "patterns",
            (Trial("no hidden layer", _NONE),),
            config=_NONE,
        ),
    ),
    (
        "A printed figure can be checked: count, add up, or run it again.",
        "A figure that does not fit its program belongs to another run.",
        "Results differ a little from run to run. Large differences have a reason.",
    ),
)
