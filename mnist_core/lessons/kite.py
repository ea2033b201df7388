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
            "thousands of examples with the right answer and adjusts its numbers until its answers fit. Here an "
            "example is a small grey picture, and the answer is the digit that its writer meant. Look at some, and "
            "decide before you uncover the answer.",
            ("supervised learning",),
            Question(
                "What does supervised learning need besides the pictures?",
                ("A perfect drawing of each digit", "The right answer to each picture", "Rules for each digit"),
                1,
                "The answers, called **labels**, are what makes it supervised. Nobody writes rules, and no drawing is "
                "more perfect than the others. The price: somebody had to label tens of thousands of pictures.",
            ),
            _KITE,
            "examples",
        ),
        Step(
            "How much, or which one",
            "Two kinds of question can be asked of a picture. **Regression** asks how much: the answer is a number, "
            "and being nearly right is nearly as good. **Classification** asks which one: the answer is one of a few "
            "kinds, and an answer is right or wrong. The points below are zeros and ones from the training images. "
            "Put a line through them to guess the ink from the width; then put a wall between them to tell one kind "
            "from the other.",
            ("regression and classification",),
            Question(
                "Reading a handwritten digit: which kind of question is it?",
                (
                    "Regression, since digits are numbers",
                    "Classification, since a 3 read as a 4 is no better than a 3 read as a 9",
                    "Neither",
                ),
                1,
                "Though digits are numbers, here they are only names of ten kinds. So the network gets ten outputs, "
                "one for each kind, and not one output that could say 3.5.",
            ),
            _KITE,
            "tasks",
        ),
        Step(
            "What is in the file",
            "The pictures come in a format as plain as can be, **IDX**. A header of four-byte numbers says what "
            "follows: first a magic number, 2049 for labels and 2051 for images, then how many there are, for images "
            "also their rows and columns. After the header comes one byte for each label or pixel and nothing else. "
            "The tutorial reads it with a few lines, and says itself that a file from a stranger would deserve many "
            "more checks than it makes. Touch the bytes to see what each of them means.",
            ("file format",),
            Question(
                "How long is the unpacked file of 60,000 labels?",
                ("60,000 bytes", "60,008 bytes", "60,016 bytes"),
                1,
                "Two header numbers of four bytes, magic and count, and then a byte a label: 8 + 60,000. The file of "
                "images has four header numbers, hence 16 bytes, before its 60,000 times 784 pixels. When you bring "
                "files of your own on the Data page, magic, counts, sizes and labels are all checked.",
            ),
            _KITE,
            "file",
        ),
        Step(
            "From a picture to numbers",
            "A network calculates, so all that it meets must be numbers of a handy size. The 28 rows of a picture are "
            "laid one after the other, which makes 784 numbers in a row: it is **flattened**. Each is divided by 255, "
            "so that it lies between 0, paper, and 1, ink: it is **scaled**. And the label becomes ten numbers, all 0 "
            "but one: it is **one-hot**. With MNIST, the tutorial looks at image 999; look it up.",
            ("scaling", "flattening", "one-hot labels"),
            Question(
                "What is the one-hot label of a 2?",
                ("0 0 1 0 0 0 0 0 0 0", "0 1 0 0 0 0 0 0 0 0", "2 0 0 0 0 0 0 0 0 0"),
                0,
                "The places are counted from 0, so the 1 stands at the third place. This way no two digits are closer "
                "to each other than any other two, and the label can be compared with the ten outputs one by one.",
            ),
            _KITE,
            "one_image",
        ),
        Step(
            "Pictures that it never sees",
            "Whoever has seen the exam passes it. To learn whether a network can read, and not only remember, some "
            "pictures are put aside before it learns: the **test** or held-out images. This tutorial has only the "
            "60,000 training images of MNIST at hand and holds a quarter of them back at random, which leaves 45,000 "
            "to learn from. Move the slider: what do you lose at each end?",
            ("splits",),
            Question(
                "What is wrong with testing on the very images that it has learned from?",
                (
                    "Nothing: they are digits like all others",
                    "It takes longer",
                    "It looks better than it will be on new digits",
                ),
                2,
                "With enough neurons a network can learn its images by heart and still be poor at new ones. Only "
                "images that had no part in its training can tell.",
            ),
            _KITE,
            "hold_back",
        ),
        Step(
            "A neuron",
            "A **neuron** multiplies each of its inputs by a weight of its own, adds all of it up, and adds one more "
            "number, the bias. That sum goes through an **activation**: ReLU, for instance, lets what is above 0 pass "
            "and turns all else into 0. There is no more to it. What a network learns are the weights and biases.",
            ("neuron", "activation"),
            Question(
                "Inputs 1 and 0.5, weights 2 and -4, bias 0.5, ReLU: what does the neuron answer?",
                ("0", "0.5", "4.5"),
                1,
                "1 x 2 + 0.5 x (-4) + 0.5 = 0.5, which is above 0, so ReLU lets it pass. With a bias of 0 or less the "
                "sum would not be above 0, and the neuron would be silent. Set the sliders so and see.",
            ),
            _KITE,
            "neuron",
        ),
        Step(
            "Layers",
            "Neurons stand side by side in **layers**. The input layer is the picture itself, 784 numbers. Each "
            "neuron of a hidden layer looks at all of them. The output layer has a neuron for each digit and looks at "
            "what the hidden layer answers. Change the numbers below, and watch how many weights and biases, its "
            "**parameters**, have to be learned.",
            ("layers", "counting parameters"),
            Question(
                "784 pixels, 128 hidden neurons, 10 outputs: how many numbers does it learn?",
                ("922", "101,632", "101,770"),
                2,
                "784 x 128 weights and 128 biases make 100,480; 128 x 10 weights and 10 biases make 1,290 more. "
                "Forget the biases, and you get 101,632. By the way: the tutorial's summary says that its network has "
                "two hidden layers. It has one; the other one is the output.",
            ),
            _KITE,
            "layers",
        ),
        Step(
            "Ten answers that sum to one",
            "The ten output neurons give ten scores, of any size. **Softmax** turns them into ten shares that add up "
            "to 1: it makes every score positive (e to the power of the score) and divides by the total. People read "
            'these shares as "how sure it is". That is a habit, not a guarantee: a network that gives a digit 99 % '
            "can be wrong. Move a score and watch the others.",
            ("softmax",),
            Question(
                "You raise the score of one digit and leave the other nine as they are. Their shares …",
                ("… stay as they are", "… rise a little, too", "… fall"),
                2,
                "The sum stays 1, so what one gains the others lose. The tutorial prints ten such values for a "
                "held-out image: 0.99889 for the 4, and together 1.0000001, since they are rounded. Its text then "
                "calls the image a 6: look for the highest value, and count its place from 0.",
            ),
            _KITE,
            "softmax",
        ),
        Step(
            "Let it learn",
            "Now all of it together. The weights begin at random. The network looks at 128 images, a **batch**, then "
            "each weight is moved a little in the direction that makes the answers less wrong, and the next batch "
            "follows. The rule for these moves is the **optimizer**, here plain gradient descent, SGD. Once through "
            "all training images is an **epoch**; the tutorial does 20, of 7 to 10 seconds each on a laptop of 2019.",
            ("epochs and batches", "optimizer"),
            Question(
                "After 20 epochs, how many of MNIST's held-out images will it read?",
                ("About half of them", "About 93 %", "All of them, or nearly"),
                1,
                "Most is learned in the first epochs, and each further one brings less. With MNIST, grey points show "
                "the values that the tutorial printed. Yours will not be the same to the last digit: other random "
                "weights, another random order, another quarter held back.",
            ),
            _KITE,
            trials=(Trial("Kite's network", _KITE),),
            article="kite",
        ),
        Step(
            "Which digits does it mix up?",
            "One number hides what goes wrong. A **confusion matrix** has a row for each true digit and a column for "
            "each answer: what stands on the diagonal is right, all else is a mistake, and its place says which. "
            "Below are the matrices that the tutorial and a later retelling of it printed.",
            ("confusion matrix",),
            Question(
                "Which mistake is the most frequent one in the tutorial's matrix?",
                ("A 9 read as a 4", "A 1 read as a 7", "A 0 read as an 8"),
                0,
                "58 times, and 40 times the other way round: both are a loop with a tail. A matrix can also be "
                "checked: its diagonal divided by its sum is the accuracy. 13,896 of 15,000 are 0.9264, as the "
                "tutorial says. The retelling prints 0.9264 as well, but beside a matrix whose diagonal sums to "
                "13,916, which are 0.9277. So that matrix is from another run than the accuracy.",
            ),
            _KITE,
            "matrices",
        ),
        Step(
            "More neurons, better network?",
            "The tutorial leaves its readers with questions: can more neurons, or fewer, raise the accuracy? Here are "
            "the same recipe and the same images with 8, 128 and 512 neurons.",
            ("layers",),
            Question(
                "On MNIST, 512 neurons instead of 128: how much will the accuracy rise?",
                ("By less than 2 percentage points", "By about 5 percentage points", "It will fall"),
                0,
                "Eight neurons already read about 90 % on MNIST, and beyond 128 each doubling brings little and "
                "costs much time. What holds this network back is its slow recipe: the Morgan course shows what "
                "another optimizer makes of 512 neurons. There is more under **Questions** at the top of this page: "
                "layers against time, and the random forest.",
            ),
            _KITE,
            trials=(_with_units(8), _with_units(128), _with_units(512)),
        ),
    ),
)
