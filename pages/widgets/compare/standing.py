"""Who leads a race, who has won it, and what became of a guess."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.charts.training import TRAINING, VALIDATION
from mnist_core.language import gettext as _
from pages.widgets.common.pictures import joined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mnist_core.training import EpochMetrics


@dataclass(frozen=True)
class Standing:
    """A race after an epoch that all of its networks have finished.

    Args:
        firsts: the names of those with the highest accuracy; several if it is equal.
        accuracy: theirs, 0 to 1.
        images: on which images, `VALIDATION` or `TRAINING`.
        epoch: after which epoch, counted from 1.
    """

    firsts: tuple[str, ...]
    accuracy: float
    images: str
    epoch: int

    @property
    def leader(self) -> str | None:
        """Who leads; None if several are equal."""
        return self.firsts[0] if len(self.firsts) == 1 else None


def standing(histories: Mapping[str, Sequence[EpochMetrics]]) -> Standing | None:
    """The standing after the last epoch that all have finished; None before each has finished its first one.

    Like is compared with like: the same epoch of each, on validation images. If one of them has no validation images,
    it is the accuracy of all on their training images, over that epoch.

    Args:
        histories: the finished epochs of each network, by its name.
    """
    epoch = min(map(len, histories.values()), default=0)
    if not epoch:
        return None
    there = {name: history[epoch - 1] for name, history in histories.items()}
    validated = {name: one.validation_accuracy for name, one in there.items() if one.validation_accuracy is not None}
    is_validated = len(validated) == len(there)
    accuracies = validated if is_validated else {name: one.accuracy for name, one in there.items()}
    firsts = best_of(accuracies)
    return Standing(firsts, accuracies[firsts[0]], VALIDATION if is_validated else TRAINING, epoch)


def best_of(accuracies: Mapping[str, float]) -> tuple[str, ...]:
    """The names of those with the highest accuracy, in the order given; several if it is equal."""
    best = max(accuracies.values())
    return tuple(name for name, accuracy in accuracies.items() if accuracy == best)


def guess_text(guess: str, winners: Sequence[str]) -> str:
    """What became of a guess, in a sentence.

    Args:
        guess: the name of the network that was expected to win.
        winners: the names of those that won; several for a draw.
    """
    if guess in winners:
        return (
            _("Your guess was right.")
            if len(winners) == 1
            else _("Your guess was right: {guess} is one of the best.", guess=guess)
        )
    return _("Your guess was {guess}; {winners} won.", guess=guess, winners=joined(winners))
