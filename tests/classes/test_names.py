"""Drawn names."""

import random

import pytest

from mnist_core.classes import draw_name
from mnist_core.classes.names import _ADJECTIVES, _ANIMALS


def test_names_are_two_plain_words() -> None:
    for words in (_ADJECTIVES, _ANIMALS):
        assert len(set(words)) == len(words) == 48
        assert all(word.isalpha() and word.islower() for word in words)


def test_name_is_never_taken() -> None:
    taken: set[str] = set()
    for _ in range(200):
        name = draw_name(frozenset(taken))
        assert name not in taken
        taken.add(name)


def test_last_free_name_is_found() -> None:
    every = {f"{one} {animal}" for one in _ADJECTIVES for animal in _ANIMALS}
    assert len(every) == 48 * 48
    assert draw_name(frozenset(every - {"blue otter"})) == "blue otter"


def test_names_of_a_class_differ_from_those_of_another() -> None:
    first, second = (draw_name(frozenset(), random.Random(seed)) for seed in (1, 2))
    assert first != second


@pytest.mark.parametrize("name", ["blue otter", "quick fox"])
def test_names_fit_their_column(name: str) -> None:
    assert draw_name(frozenset()).count(" ") == 1
    assert max(map(len, _ADJECTIVES)) + 1 + max(map(len, _ANIMALS)) <= 40
    assert name.split(maxsplit=1)[0] in _ADJECTIVES
