"""The first course: from the file of images to a confusion matrix, with one hidden layer."""

from __future__ import annotations

import dataclasses

from mnist_core.config import LayerConfig
from mnist_core.lessons.course import Course, Question, Step, Trial
from mnist_core.presets import PRESETS

_KITE = PRESETS["kite"].config


def _with_units(units: int) -> Trial:
    return Trial(f"{units} neurons", dataclasses.replace(_KITE, layers=(LayerConfig(units=units),)))


COURSE = Course(
    name="Kite",
    source=PRESETS["kite"].source,
    summary="From the bytes of a file to a network that reads handwritten digits, and to a matrix of its mistakes.",
    steps=(
        Step(
            "Learning from examples",
            'Could you write rules for reading digits? "A closed loop is a 0, a single stroke is a 1 ..." People '
            "write too differently for that. In **supervised learning** nobody writes rules. The program gets "
            "thousands of examples with their right answers. It adjusts its numbers until its own answers fit. Here "
            "an example is a small grey picture, and the right answer is the digit that its writer meant. Look at "
            "some pictures. Decide what each one shows before you uncover its label.",
            ("supervised learning",),
            Question(
                "What does supervised learning need besides the pictures?",
                ("A perfect drawing of each digit", "The right answer to each picture", "Rules for each digit"),
                1,
                "The right answers, called **labels**, make it supervised. Nobody writes rules, and no drawing is "
                "more perfect than the others. But there is a price: somebody had to label tens of thousands of "
                "pictures.",
            ),
            _KITE,
            "examples",
        ),
        Step(
            "How much, or which one",
            "You can ask two kinds of question about a picture. **Regression** asks how much. The answer is a "
            "number, and nearly right is nearly as good. **Classification** asks which one. The answer is one of a "
            "few classes, and it is either right or wrong. The points below are zeros and ones from the training "
            "images. First, put a line through them to predict the ink from the width. Then put a wall between them "
            "to separate the zeros from the ones.",
            ("regression and classification",),
            Question(
                "Reading a handwritten digit: which kind of question is it?",
                (
                    "Regression, because digits are numbers",
                    "Classification: a 3 read as a 4 is as wrong as a 3 read as a 9",
                    "Neither",
                ),
                1,
                "Digits are numbers, but here they are only the names of ten classes. So the network gets ten "
                "outputs, one for each class. A single output could say 3.5.",
            ),
            _KITE,
            "tasks",
        ),
        Step(
            "What is in the file",
            "The pictures come in a very simple file format, **IDX**. A header of four-byte numbers says what "
            "follows. It starts with a magic number: 2049 for labels, 2051 for images. Then comes how many there "
            "are, and for images also the numbers of rows and columns. After the header there is one byte for each "
            "label or pixel, and nothing else. The tutorial reads the file with a few lines of code. It says itself "
            "that a file from a stranger needs many more checks. Touch the bytes to see what each of them means.",
            ("file format",),
            Question(
                "How long is the unpacked file with 60,000 labels?",
                ("60,000 bytes", "60,008 bytes", "60,016 bytes"),
                1,
                "The header has two numbers of four bytes each, the magic number and the count. Then there is one "
                "byte for each label: 8 + 60,000. The file of images has four header numbers, which is 16 bytes, "
                "before its 60,000 times 784 pixels. If you bring your own files on the Data page, the magic number, "
                "the counts, the sizes and the labels are all checked.",
            ),
            _KITE,
            "file",
        ),
        Step(
            "From a picture to numbers",
            "A network calculates, so it needs numbers of a convenient size. The picture is **flattened**: its 28 "
            "rows are put one after the other, which makes 784 numbers. The pixels are **scaled**: each is divided "
            "by 255, so that it is between 0 (paper) and 1 (ink). The label becomes **one-hot**: ten numbers that "
            "are all 0, except for a single 1. The tutorial looks at image 999 of MNIST. If this is your data set, "
            "look it up.",
            ("scaling", "flattening", "one-hot labels"),
            Question(
                "What is the one-hot label of a 2?",
                ("0 0 1 0 0 0 0 0 0 0", "0 1 0 0 0 0 0 0 0 0", "2 0 0 0 0 0 0 0 0 0"),
                0,
                "The places are counted from 0, so the 1 is in the third place. In this form all pairs of digits are "
                "equally far apart, and the label can be compared with the ten outputs one by one.",
            ),
            _KITE,
            "one_image",
        ),
        Step(
            "Pictures that it never sees",
            "A student who has seen the exam passes it easily. Can a network really read, or does it only remember? "
            "To find out, some pictures are put aside before it learns: the **test** images, or held-out images. "
            "This tutorial uses only the 60,000 training images of MNIST. It holds back a quarter of them at random, "
            "which leaves 45,000 to learn from. Move the slider: what do you lose at each end?",
            ("splits",),
            Question(
                "What is wrong with testing a network on the same images that it has learned from?",
                (
                    "Nothing: they are digits like all others",
                    "It takes longer",
                    "It looks better than it is on new digits",
                ),
                2,
                "With enough neurons a network can learn its images by heart and still be bad at new ones. Only "
                "images that were not used for training can show how good it is.",
            ),
            _KITE,
            "hold_back",
        ),
        Step(
            "A neuron",
            "A **neuron** multiplies each input by its own weight. It adds up the results, and then adds one more "
            "number, the bias. This sum goes through an **activation**. The activation ReLU, for example, keeps "
            "every sum above 0 and turns all other sums into 0. That is all. A network learns its weights and biases.",
            ("neuron", "activation"),
            Question(
                "Inputs 1 and 0.5, weights 2 and -4, bias 0.5, ReLU: what does the neuron answer?",
                ("0", "0.5", "4.5"),
                1,
                "1 x 2 + 0.5 x (-4) + 0.5 = 0.5. This is above 0, so ReLU keeps it. With a bias of 0 or less the sum "
                "would not be above 0, and the neuron would answer 0. Try it with the sliders.",
            ),
            _KITE,
            "neuron",
        ),
        Step(
            "Layers",
            "The neurons of a network are in **layers**. The input layer is the picture itself: 784 numbers. Each "
            "neuron of a hidden layer looks at all of them. The output layer has one neuron for each digit and looks "
            "at the answers of the hidden layer. The weights and biases together are the **parameters**, which the "
            "network has to learn. Change the numbers below and watch how many there are.",
            ("layers", "counting parameters"),
            Question(
                "784 pixels, 128 hidden neurons, 10 outputs: how many numbers does it learn?",
                ("922", "101,632", "101,770"),
                2,
                "784 x 128 weights and 128 biases make 100,480. 128 x 10 weights and 10 biases make 1,290 more. If "
                "you forget the biases, you get 101,632. By the way: the tutorial's summary says that its network "
                "has two hidden layers. It has only one; the other layer is the output.",
            ),
            _KITE,
            "layers",
        ),
        Step(
            "Ten answers that sum to one",
            "The ten output neurons give ten scores of any size. **Softmax** turns them into ten shares that add up "
            "to 1. It makes every score positive (e to the power of the score) and divides it by the total. People "
            'read these shares as "how sure the network is". But there is no guarantee: a network that gives a digit '
            "99 % can be wrong. Move a score and watch the other shares.",
            ("softmax",),
            Question(
                "You raise the score of one digit and leave the other nine as they are. Their shares …",
                ("… stay as they are", "… rise a little too", "… fall"),
                2,
                "The sum stays 1. What one digit gains, the others lose. The tutorial prints ten such values for a "
                "held-out image: 0.99889 for the 4, and 1.0000001 in total, because they are rounded. But its text "
                "calls the image a 6. To read such a list, look for the highest value and count its place from 0.",
            ),
            _KITE,
            "softmax",
        ),
        Step(
            "Let it learn",
            "Now everything together. The weights start at random values. The network looks at 128 images, a "
            "**batch**. Then each weight moves a little in the direction that makes the answers less wrong, and the "
            "next batch follows. The rule for these moves is the **optimizer**, here plain gradient descent (SGD). "
            "One pass through all training images is an **epoch**. The tutorial trains for 20 epochs. Each took 7 to "
            "10 seconds on a laptop of 2019.",
            ("epochs and batches", "optimizer"),
            Question(
                "After 20 epochs, how many of MNIST's held-out images will it read?",
                ("About half of them", "About 93 %", "All of them, or nearly"),
                1,
                "It learns most in the first epochs, and less in each later one. With MNIST, grey points show the "
                "values that the tutorial printed. Your values will differ a little: the random weights, the random "
                "order of the images and the held-out quarter are different.",
            ),
            _KITE,
            trials=(Trial("Kite's network", _KITE),),
            article="kite",
        ),
        Step(
            "Which digits does it mix up?",
            "One number does not show what goes wrong. A **confusion matrix** has a row for each true digit and a "
            "column for each answer. The numbers on the diagonal count right answers. All others count mistakes, and "
            "their place says which mistake. Below are two printed matrices: one from the tutorial, and one from a "
            "later retelling of it.",
            ("confusion matrix",),
            Question(
                "Which mistake is the most frequent one in the tutorial's matrix?",
                ("A 9 read as a 4", "A 1 read as a 7", "A 0 read as an 8"),
                0,
                "It happened 58 times, and 40 times the other way round: both digits are a loop with a tail. You can "
                "also check a matrix: its diagonal divided by its sum is the accuracy. 13,896 of 15,000 is 0.9264, "
                "as the tutorial says. The retelling prints 0.9264 too, but the diagonal of its matrix adds up to "
                "13,916, which is 0.9277. So its matrix and its accuracy come from different runs.",
            ),
            _KITE,
            "matrices",
        ),
        Step(
            "More neurons, better network?",
            "The tutorial ends with questions for its readers. Can more neurons, or fewer, raise the accuracy? Here "
            "is the same recipe on the same images with 8, 128 and 512 neurons.",
            ("layers",),
            Question(
                "On MNIST, 512 neurons instead of 128: how much will the accuracy rise?",
                ("By less than 2 percentage points", "By about 5 percentage points", "It will fall"),
                0,
                "On MNIST, eight neurons already read about 90 %. Above 128 neurons, each doubling brings little and "
                "costs much time. The slow recipe holds this network back. The Morgan course shows what 512 neurons "
                "can do with another optimizer. There is more under **Questions** at the top of this page: layers "
                "against time, and the random forest.",
            ),
            _KITE,
            trials=(_with_units(8), _with_units(128), _with_units(512)),
        ),
    ),
)
