"""Who leads a race and who has won it, counted by hand."""

from __future__ import annotations

import pytest

from mnist_core.training import EpochMetrics
from pages.widgets.compare.standing import Standing, best_of, guess_text, standing

TRAINING, VALIDATION = "training images", "validation images"


def history(*accuracies: float, validation: tuple[float, ...] = ()) -> list[EpochMetrics]:
    """Epochs with these accuracies, on training images and, if there are any, on validation images."""
    return [
        EpochMetrics(i + 1, 1.0, one, 1.0 if validation else None, validation[i] if validation else None, 0.1)
        for i, one in enumerate(accuracies)
    ]


@pytest.mark.parametrize(
    ("histories", "expected"),
    [
        ({}, None),
        ({"a": history(0.9), "b": []}, None),
        ({"a": history(0.9), "b": history(0.8)}, Standing(("a",), 0.9, TRAINING, 1)),
        # b has overtaken in the second epoch.
        ({"a": history(0.9, 0.91), "b": history(0.8, 0.92)}, Standing(("b",), 0.92, TRAINING, 2)),
        # b is ahead by epochs, so its first one counts.
        ({"a": history(0.9), "b": history(0.8, 0.92, 0.95)}, Standing(("a",), 0.9, TRAINING, 1)),
        ({"a": history(0.9), "b": history(0.9), "c": history(0.8)}, Standing(("a", "b"), 0.9, TRAINING, 1)),
        (
            {"a": history(0.9, validation=(0.7,)), "b": history(0.8, validation=(0.75,))},
            Standing(("b",), 0.75, VALIDATION, 1),
        ),
        # c has no validation images.
        (
            {"a": history(0.9, validation=(0.7,)), "b": history(0.8, validation=(0.75,)), "c": history(0.5)},
            Standing(("a",), 0.9, TRAINING, 1),
        ),
    ],
    ids=["nobody", "not-yet", "first", "overtaken", "ahead", "equal", "validation", "one-without-validation"],
)
def test_standing(histories: dict[str, list[EpochMetrics]], expected: Standing | None) -> None:
    assert standing(histories) == expected


def test_equal_accuracies_have_no_leader() -> None:
    assert Standing(("a", "b"), 0.9, TRAINING, 1).leader is None
    assert Standing(("a",), 0.9, TRAINING, 1).leader == "a"


def test_best_of() -> None:
    assert best_of({"a": 0.5, "b": 0.9, "c": 0.9}) == ("b", "c")
    assert best_of({"a": 0.0}) == ("a",)


@pytest.mark.parametrize(
    ("guess", "winners", "text"),
    [
        ("a", ["a"], "Your guess was right."),
        ("a", ["b"], "Your guess was a; b won."),
        ("a", ["b", "a"], "Your guess was right: a is one of the best."),
        ("a", ["b", "c"], "Your guess was a; b and c won."),
    ],
)
def test_guess(guess: str, winners: list[str], text: str) -> None:
    assert guess_text(guess, winners) == text
