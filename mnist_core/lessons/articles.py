"""The figures that the tutorials printed, their comparison with a run, and the tutorials' mistakes.

`presets` has the recipes and test results. This module adds logs, confusion matrices, single answers and times.
"""

from __future__ import annotations

import types
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from mnist_core import network
from mnist_core.evaluation.metrics import class_metrics
from mnist_core.language import Message, format_number, gettext
from mnist_core.presets import PRESETS, Published

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from mnist_core.config import RunConfig
    from mnist_core.evaluation import Evaluation
    from mnist_core.training import EpochMetrics


@dataclass(frozen=True)
class LogLine:
    """A line of a printed training log.

    Args:
        epoch: counted from 1.
        loss: mean over the training images.
        accuracy: share of right answers on them, 0 to 1.
    """

    epoch: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Answer:
    """The answer of a network to one image, as an article printed it.

    Args:
        image: index of the image among the held-out images, counted from 0.
        digit: the digit that the image shows.
        probabilities: the printed probabilities by digit, 0 to 1. Digits without a printed one are missing.
    """

    image: int
    digit: int
    probabilities: Mapping[int, float]


@dataclass(frozen=True)
class Mistake:
    """Something in an article that is wrong, missing or misleading.

    Args:
        title: a few words.
        text: what it is, and how the reader can check it here.
    """

    title: str
    text: str


@dataclass(frozen=True, eq=False)
class Article:
    """What one article printed about one network. None stands for what the article does not give.

    Args:
        key: its key in `ARTICLES`.
        title: its name on the screen.
        source: author and date.
        config: its recipe, which is the preset's.
        log: the printed lines of its training log.
        test_loss: mean loss on the held-out images.
        test_accuracy: share of right answers on the held-out images, 0 to 1.
        parameters: how many numbers the network learns.
        confusion: (10, 10) int64, read-only; rows are true digits, columns are answers.
        answer: to a single image.
        epoch_seconds: the shortest and the longest epoch, in seconds.
        total_seconds: the whole training, in seconds.
        mistakes: what is wrong, missing or misleading in it.
    """

    key: str
    title: str
    source: str
    config: RunConfig
    log: tuple[LogLine, ...] = ()
    test_loss: float | None = None
    test_accuracy: float | None = None
    parameters: int | None = None
    confusion: NDArray[np.int64] | None = None
    answer: Answer | None = None
    epoch_seconds: tuple[float, float] | None = None
    total_seconds: float | None = None
    mistakes: tuple[Mistake, ...] = ()


@dataclass(frozen=True)
class Row:
    """A published figure and ours.

    Args:
        figure: what the figure measures.
        published: the printed value; the lower end if a range was printed.
        ours: our value; None if there is none yet, or none that can be compared.
        unit: ``"accuracy"``, ``"loss"``, ``"count"``, ``"seconds"`` or ``"probability"``.
        published_to: the upper end if a range was printed.
    """

    figure: str
    published: float
    ours: float | None
    unit: str
    published_to: float | None = None


def compare(
    article: Article,
    epochs: Sequence[EpochMetrics],
    evaluation: Evaluation | None,
    seconds_an_epoch: float | None,
) -> list[Row]:
    """Compare all figures of an article with a run of its recipe on MNIST.

    Args:
        article: the article.
        epochs: the finished epochs of the run.
        evaluation: of the run's network, on the images that `article.config` holds out; None if there is none yet.
        seconds_an_epoch: duration of an epoch in the run; None if it is unknown.

    Returns:
        One row for each figure, in reading order.
    """
    rows = []
    if article.parameters is not None:
        rows.append(Row("parameters", article.parameters, network.parameter_count(article.config), "count"))
    rows += _log_rows(article, {metrics.epoch: metrics for metrics in epochs})
    if article.test_loss is not None:
        ours = None if evaluation is None else evaluation.loss
        rows.append(Row("test loss", article.test_loss, ours, "loss"))
    accuracy = None if evaluation is None else evaluation.accuracy
    if article.test_accuracy is not None:
        rows.append(Row("test accuracy", article.test_accuracy, accuracy, "accuracy"))
    if article.confusion is not None:
        share = float(article.confusion.trace() / article.confusion.sum())
        rows.append(Row("accuracy, counted from the printed matrix", share, accuracy, "accuracy"))
        for printed in class_metrics(article.confusion):
            recall = None if evaluation is None else evaluation.per_class[printed.digit].recall
            rows.append(
                Row(Message("recall of digit {digit}", digit=printed.digit), printed.recall, recall, "accuracy")
            )
    if article.answer is not None:
        rows += _answer_rows(article.answer, article.config.split == "official", evaluation)
    rows += _seconds_rows(article, len(epochs), seconds_an_epoch)
    return rows


def _log_rows(article: Article, epochs: Mapping[int, EpochMetrics]) -> Iterator[Row]:
    for line in article.log:
        ours = epochs.get(line.epoch)
        loss, accuracy = (None, None) if ours is None else (ours.loss, ours.accuracy)
        yield Row(Message("training loss, epoch {epoch}", epoch=line.epoch), line.loss, loss, "loss")
        yield Row(Message("training accuracy, epoch {epoch}", epoch=line.epoch), line.accuracy, accuracy, "accuracy")


def _answer_rows(answer: Answer, is_same_image: bool, evaluation: Evaluation | None) -> Iterator[Row]:
    figure = Message("image {image}, a {digit}", image=answer.image, digit=answer.digit)
    if is_same_image:
        chosen = slice(answer.image, answer.image + 1)
    else:
        # The article drew its held-out images at random, so our image at this index is another one.
        figure = Message(
            "its {figure} (our image there is different: the median of all our {digit}s)",
            figure=figure,
            digit=answer.digit,
        )
        chosen = slice(None)
    for digit, published in answer.probabilities.items():
        ours = None
        if evaluation is not None:
            of_digit = evaluation.labels[chosen] == answer.digit
            # In other data sets than MNIST, this image may show another digit.
            if of_digit.any():
                ours = float(np.median(evaluation.probabilities[chosen][of_digit, digit]))
        yield Row(
            Message("probability of {digit} for {figure}", digit=digit, figure=figure), published, ours, "probability"
        )


def _seconds_rows(article: Article, done: int, seconds_an_epoch: float | None) -> Iterator[Row]:
    if article.epoch_seconds is not None:
        low, high = article.epoch_seconds
        yield Row("seconds an epoch", low, seconds_an_epoch, "seconds", high if high > low else None)
    if article.total_seconds is not None:
        epochs = article.config.epochs
        total = seconds_an_epoch * epochs if seconds_an_epoch is not None and done >= epochs else None
        yield Row(
            Message("seconds in total (ours: {epochs} epochs)", epochs=epochs), article.total_seconds, total, "seconds"
        )


_FORMATS: Final[Mapping[str, str]] = {
    "accuracy": ".4f",
    "loss": ".4f",
    "count": ",.0f",
    "seconds": ",.2f",
    "probability": ".5f",
}


def format_value(value: float | None, unit: str) -> str:
    """Format a figure for a table, with at least as many digits as the articles print. None becomes a dash."""
    if value is None:
        return "-"
    written = format_number(value, _FORMATS[unit])
    return gettext("{seconds} s", seconds=written) if unit == "seconds" else written


def format_published(row: Row) -> str:
    """Format the published figure, or the range, for a table."""
    ends = [value for value in (row.published, row.published_to) if value is not None]
    low, high = format_value(ends[0], row.unit), format_value(ends[-1], row.unit)
    return low if len(ends) == 1 else gettext("{low} to {high}", low=low, high=high)


def _published(key: str) -> Published:
    published = PRESETS[key].published
    assert published is not None
    return published


def _matrix(rows: list[list[int]]) -> NDArray[np.int64]:
    matrix = np.array(rows, np.int64)
    matrix.setflags(write=False)
    return matrix


_KITE_CONFUSION: Final = _matrix(
    [
        [1413, 0, 10, 3, 2, 12, 12, 2, 10, 1],
        [0, 1646, 12, 6, 3, 8, 0, 5, 9, 3],
        [16, 9, 1353, 16, 22, 1, 18, 28, 44, 3],
        [1, 6, 27, 1420, 0, 48, 11, 16, 25, 17],
        [3, 7, 5, 1, 1403, 1, 12, 3, 7, 40],
        [15, 13, 7, 36, 5, 1194, 24, 6, 18, 15],
        [10, 8, 9, 1, 21, 16, 1363, 0, 9, 0],
        [2, 14, 18, 4, 16, 4, 2, 1491, 1, 27],
        [4, 28, 19, 31, 10, 28, 13, 2, 1280, 25],
        [5, 13, 1, 21, 58, 10, 1, 36, 13, 1333],
    ]
)
_RETOLD_CONFUSION: Final = _matrix(
    [
        [1402, 0, 4, 3, 1, 6, 20, 2, 21, 2],
        [1, 1684, 9, 5, 4, 9, 1, 3, 9, 3],
        [13, 8, 1280, 9, 19, 5, 12, 15, 17, 8],
        [6, 8, 37, 1404, 1, 53, 3, 17, 33, 15],
        [4, 7, 8, 0, 1345, 1, 18, 3, 8, 54],
        [17, 8, 9, 31, 25, 1157, 25, 3, 24, 12],
        [9, 6, 10, 0, 10, 12, 1431, 0, 6, 1],
        [3, 11, 17, 4, 23, 2, 1, 1484, 5, 40],
        [11, 16, 24, 40, 9, 25, 13, 3, 1348, 25],
        [5, 5, 6, 16, 31, 6, 0, 43, 7, 1381],
    ]
)
_KITE_LOG: Final = (
    LogLine(1, 1.3758, 0.6651),
    LogLine(2, 0.6496, 0.8504),
    LogLine(5, 0.3963, 0.8931),
    LogLine(10, 0.3163, 0.9117),
    LogLine(20, 0.2526, 0.9302),
)
_RETOLD_LOG: Final = (LogLine(1, 1.3391, 0.6710), LogLine(2, 0.6489, 0.8454), LogLine(20, 0.2584, 0.9279))
_TORRES_LOG: Final = (
    LogLine(1, 2.1822, 0.2916),
    LogLine(2, 1.9180, 0.5283),
    LogLine(3, 1.6978, 0.5937),
    LogLine(4, 1.5102, 0.6537),
    LogLine(5, 1.3526, 0.7034),
)
_TORRES_ANSWER: Final = (0.06, 0.01, 0.17, 0.01, 0.05, 0.04, 0.54, 0.0, 0.11, 0.02)

_UNCHECKED: Final = Mistake(
    "The files are not checked",
    "The program does not check the headers of the data files. The article itself says that more checks are needed. "
    "Never trust a file from an unknown source without checking it. On the Data page, **The file** shows what is in a "
    "header. Upload a file of your own there that is cut short or has other content, and read why it is refused.",
)
_MISNAMED: Final = Mistake(
    "A 4 called a 6",
    "In one place the text says 6, but the image and the network's answer both say 4. This is easy to mix up: image "
    "999 of MNIST's training files, the article's example of a label, is a 6. Look at it on the Data page, under "
    "**One image**.",
)
_MISCOUNTED: Final = Mistake(
    "One hidden layer, called two",
    "The summary says that the network has two hidden layers. It has one: the second layer with weights is the "
    "output. The Train page draws the network and lists its layers. Add a second hidden layer there to see the "
    "difference.",
)
_NO_NORMALIZE: Final = Mistake(
    "An option that does not exist",
    "The article describes a helper function that draws the confusion matrix. It mentions an option `normalize`, but "
    "the function does not have it. The Evaluate page has what it promises: **Shares of each true digit** divides "
    "each row by its sum.",
)
_NO_VALIDATION: Final = Mistake(
    "No validation curve",
    "The article shows the accuracy only for the images that the network learns from. So nobody would see if it "
    "only memorised them. Set a validation share on the Train page. Then a second curve shows how well the network "
    "reads images that it does not learn from.",
)
_OTHER_MATRIX: Final = Mistake(
    "A matrix from another run",
    Message(
        "The accuracy is that of the first article, {test_accuracy}, but the matrix is from a "
        "later run. Its diagonal adds up to {right:,} of {every:,} images, which is "
        "{share:.4f}. Train the network with two seeds and add up each diagonal on the Evaluate "
        "page. The accuracy and the matrix of one run always agree. Those of two runs almost never "
        "do.",
        test_accuracy=_published("kite").test_accuracy,
        right=_RETOLD_CONFUSION.trace(),
        every=_RETOLD_CONFUSION.sum(),
        share=_RETOLD_CONFUSION.trace() / _RETOLD_CONFUSION.sum(),
    ),
)
_TORRES_CLAIM: Final = Mistake(
    "An accuracy that five epochs do not reach",
    Message(
        "The text gives {test_accuracy} on the test images, but its own log ends at {accuracy} on "
        "the training images. Test images are rarely that much easier. Train the recipe as it is "
        "and look at the result. Then try 40 epochs, or a learning rate of 0.1.",
        test_accuracy=_published("torres").test_accuracy,
        accuracy=_TORRES_LOG[-1].accuracy,
    ),
)
_TORRES_SURE: Final = Mistake(
    "An answer that is too sure for five epochs",
    Message(
        "Test image 11 is a 6. In the text it gets a probability of {probability}. After five "
        "epochs none of the seeds that we tried gave it as much as 0.3, and most read another "
        "digit. With 40 epochs, or with 5 at a learning rate of 0.1, it gets about half or more. "
        "So the network in the text had probably learned for longer than the log shows, or faster. "
        "Train it in these three ways and look at MNIST's test image 11 on the Evaluate page, "
        "under **One image**.",
        probability=_TORRES_ANSWER[6],
    ),
)
_TORRES_SUM: Final = Mistake(
    Message("Probabilities that add up to {total:.2f}", total=sum(_TORRES_ANSWER)),
    "The ten answers for one image should add up to 1. Each was rounded to two digits, and this alone can change the "
    "sum by as much as 0.05. Ours have five digits. Add them up. Then round each to two digits and add them up again.",
)
_TORRES_VALIDATION: Final = Mistake(
    "Validation: explained, but not used",
    "The text explains training, validation and test images, but its program has no validation images. Set a "
    "validation share on the Train page. Then look under **Split** on the Data page to see how the images are "
    "divided.",
)
_MORGAN_EPOCHS: Final = Mistake(
    "The number of epochs is missing",
    Message(
        "The article does not say for how many epochs its networks were trained. So nobody can "
        "repeat its figures exactly. Here it is {epochs}. Also try 5 and 20, and see what changes: "
        "the accuracy, the loss, or both.",
        epochs=PRESETS["morgan-0"].config.epochs,
    ),
)


def _from_preset(key: str) -> Article:
    """The article of a preset, with the fields that the preset has."""
    preset, published = PRESETS[key], _published(key)
    return Article(
        key,
        preset.name,
        preset.source,
        preset.config,
        test_loss=published.test_loss,
        test_accuracy=published.test_accuracy,
    )


def _morgan(layers: int, seconds: float | None = None) -> Article:
    return replace(_from_preset(f"morgan-{layers}"), total_seconds=seconds, mistakes=(_MORGAN_EPOCHS,))


_ALL: Final = (
    replace(
        _from_preset("kite"),
        log=_KITE_LOG,
        parameters=101_770,
        confusion=_KITE_CONFUSION,
        answer=Answer(1010, 4, types.MappingProxyType({4: 0.99889})),
        epoch_seconds=(7, 10),
        mistakes=(_UNCHECKED, _MISNAMED, _MISCOUNTED, _NO_NORMALIZE, _NO_VALIDATION),
    ),
    replace(
        _from_preset("kite"),
        key="kite-retold",
        title="Kite, retold: the same network, another run",
        source="Alex, after Kite's article",
        log=_RETOLD_LOG,
        test_loss=None,
        confusion=_RETOLD_CONFUSION,
        epoch_seconds=(2, 2),
        mistakes=(_OTHER_MATRIX,),
    ),
    replace(
        _from_preset("torres"),
        log=_TORRES_LOG,
        parameters=7_960,
        answer=Answer(11, 6, types.MappingProxyType(dict(enumerate(_TORRES_ANSWER)))),
        epoch_seconds=(1, 1),
        mistakes=(_TORRES_CLAIM, _TORRES_SURE, _TORRES_SUM, _TORRES_VALIDATION),
    ),
    _morgan(0, seconds=30),
    _morgan(1),
    _morgan(2),
)

ARTICLES: Final[Mapping[str, Article]] = types.MappingProxyType({article.key: article for article in _ALL})
"""The articles' networks by key, in reading order."""
