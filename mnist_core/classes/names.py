"""Names for seats: drawn, never typed, so that there is nothing to moderate and nobody is known by name."""

from __future__ import annotations

import random
from typing import Final

_ADJECTIVES: Final = (
    "amber", "blue", "brave", "bright", "bronze", "busy", "calm", "clever", "coral", "curious", "daring", "eager",
    "early", "fair", "fast", "fierce", "gentle", "glad", "golden", "grand", "green", "happy", "honest", "indigo",
    "jolly", "keen", "kind", "lively", "loud", "lucky", "merry", "mighty", "neat", "noble", "orange", "patient",
    "polite", "proud", "purple", "quick", "quiet", "red", "silver", "sunny", "swift", "violet", "wise", "yellow",
)  # fmt: skip
_ANIMALS: Final = (
    "badger", "bat", "bear", "beaver", "bee", "bison", "camel", "cat", "cheetah", "crab", "crane", "crow",
    "deer", "dolphin", "eagle", "falcon", "ferret", "finch", "fox", "frog", "goose", "hare", "hawk", "heron",
    "horse", "koala", "lemur", "lion", "lizard", "lynx", "mole", "moose", "mouse", "newt", "octopus", "otter",
    "owl", "panda", "parrot", "puma", "raven", "robin", "seal", "swan", "tiger", "turtle", "whale", "wolf",
)  # fmt: skip


def draw_name(taken: frozenset[str], source: random.Random | None = None) -> str:
    """A name such as "blue otter" that is not taken; there are 2,304.

    Args:
        taken: the names of the class.
        source: of chance; the system's by default.
    """
    free = [name for one in _ADJECTIVES for animal in _ANIMALS if (name := f"{one} {animal}") not in taken]
    return (source or random.SystemRandom()).choice(free)
