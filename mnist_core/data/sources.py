"""The table of data sets. To add a data set, add an entry to `SOURCES`."""

from __future__ import annotations

import types
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mnist_core.config import CLASSES
from mnist_core.errors import DataError
from mnist_core.language import Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DIGITS: Final = tuple(str(digit) for digit in range(CLASSES))
"""The class names of a data set of digits."""
_UNUSED: Final = "unused "
# Pages show names within their texts, so a name must mean nothing in Markdown or HTML.
_NAME_SIGNS: Final = " -'/+&"
_NAME_KINDS: Final = ("L", "M", "N", "So", "Sk")  # of Unicode: letters, marks, numbers, pictures and their colors


def _is_plain(sign: str) -> bool:
    return sign.isalnum() if sign.isascii() else unicodedata.category(sign).startswith(_NAME_KINDS)


MAX_NAME = 24
"""The most letters of a class name."""


def ten_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return a name for each of a network's ten outputs: these class names, and "unused 3" and so on for the others.

    Raises:
        DataError: there are not 2 to 10 different names; a name is empty, too long, or has other signs than letters,
            digits, pictures, spaces and ``-'/+&``, with one of the first three in front; or it is like those for
            outputs without a class.
    """
    found = [str(name).strip() for name in names]
    if not 2 <= len(found) <= CLASSES or len({name.casefold() for name in found}) != len(found):
        count = Message("1 name") if len(found) == 1 else Message("{count} names", count=len(found))
        raise DataError(
            "These are not class names.", Message("Give 2 to {classes} different names.", classes=CLASSES), count
        )
    for number, name in enumerate(found, 1):
        # The name is not repeated: a page would show it as Markdown.
        problem = Message("The name of class {number} cannot be used.", number=number)
        if not _is_plain(name[:1]) or not all(_is_plain(sign) or sign in _NAME_SIGNS for sign in name):
            raise DataError(problem, "Use letters, digits, emoji and spaces.")
        if len(name) > MAX_NAME or name.casefold().startswith(_UNUSED):
            raise DataError(
                problem,
                Message(
                    'Use at most {most} letters, and do not begin with "{beginning}".',
                    most=MAX_NAME,
                    beginning=_UNUSED.strip(),
                ),
            )
    return (*found, *(f"{_UNUSED}{output}" for output in range(len(found), CLASSES)))


def classes_of(class_names: Sequence[str]) -> range:
    """Return the outputs of a network that stand for a class, given the names of all ten."""
    return range(sum(name != f"{_UNUSED}{output}" for output, name in enumerate(class_names)))


def outputs_to_show(class_names: Sequence[str], answer: int | None = None) -> list[int]:
    """Return `classes_of`, and the network's answer if that is an output without a class."""
    classes = classes_of(class_names)
    return [*classes, *([answer] if answer is not None and answer not in classes else [])]


def noun_of(class_names: Sequence[str]) -> str:
    """Return what to call one of these classes: "digit" or "class"."""
    return Message("digit") if tuple(class_names) == DIGITS else Message("class")


@dataclass(frozen=True)
class DataFile:
    """A published IDX file.

    Args:
        name: without ``.gz``.
        sha256: hash of the uncompressed content, in hexadecimal.
        size: bytes of the uncompressed content.
        packed_size: bytes of the gzip file.
    """

    name: str
    sha256: str
    size: int
    packed_size: int

    @property
    def limit(self) -> int:
        """The most bytes to accept, compressed or not: gzip makes incompressible content a little larger."""
        return self.size + self.size // 1000 + 1024


@dataclass(frozen=True)
class DataSource:
    """What is known about a data set before it is loaded.

    Args:
        name: its key in `SOURCES`, links and saved runs, and the name of its cache folder. Never change it.
        title: the name to show.
        files: training images, training labels, test images and test labels. Empty for a data set that is generated.
        mirrors: URLs of folders that hold the files with ``.gz``, in the order to try.
        class_names: ten names, the name of label 0 first.
        keras_name: the name of its module in `keras.datasets`; None if Keras does not have it.
        has_groups: whether several training images are made from one original, see `Dataset.train_groups`.
    """

    name: str
    title: str
    files: tuple[DataFile, ...] = ()
    mirrors: tuple[str, ...] = ()
    class_names: tuple[str, ...] = DIGITS
    keras_name: str | None = None
    has_groups: bool = False


# fmt: off
MNIST: Final = DataSource(
    "mnist",
    "MNIST",
    files=(
        DataFile("train-images-idx3-ubyte",
                 "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 47_040_016, 9_912_422),
        DataFile("train-labels-idx1-ubyte",
                 "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60_008, 28_881),
        DataFile("t10k-images-idx3-ubyte",
                 "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 7_840_016, 1_648_877),
        DataFile("t10k-labels-idx1-ubyte",
                 "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10_008, 4_542),
    ),
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    keras_name="mnist",
)
"""MNIST (LeCun, Cortes, Burges): 60,000 training images and 10,000 test images."""
# fmt: on

EMBEDDED: Final = DataSource("embedded", Message("Embedded digits"), has_groups=True)
"""Made by `mnist_core.data.embedded`, without a download. It replaces a data set that cannot be downloaded."""

SOURCES: Final[Mapping[str, DataSource]] = types.MappingProxyType({source.name: source for source in (MNIST, EMBEDDED)})
"""All data sets by name, in the order to show them."""


def has_published_figures(name: str) -> bool:
    """Whether the figures of the articles are for this data set. All of them are for MNIST."""
    return name == MNIST.name
