"""What a pretend student chooses: always the same for the same student and task.

Those at the desk, `pretend`, hand it in to the store; those of `benchmarks.lesson` do the same on the pages. Their
numbers are those of their seats in a class that they have for themselves.
"""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING, Final

from mnist_core.classes.plan import config_for, question_of, wanted

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from mnist_core.classes.plan import Ask, Draw, Train
    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset

_SOONEST: Final = 0.05
_RIGHT: Final = {1: 0.5, 2: 0.75}
_UNITS: Final = (8, 16, 32, 64)
# Its multiples, without their whole parts, are spread evenly however many there are.
_GOLDEN_RATIO: Final = (1 + 5**0.5) / 2


def delay(student: int, slowest: float) -> float:
    """How long a student waits before acting, in seconds, if the slowest one waits so long."""
    return slowest * (_SOONEST + (1 - _SOONEST) * (student * _GOLDEN_RATIO % 1))


def vote(student: int, task: Ask, round_: int) -> int:
    """The place of a choice. Half of all first votes are right, and three of four of the second."""
    asked, chance = question_of(task), _chance(student, task, f"vote {round_}")
    if asked.right is not None and chance.random() < _RIGHT[round_]:
        return asked.right
    return chance.choice([at for at in range(len(asked.choices)) if at != asked.right])


def guess(student: int, task: Train) -> float:
    """The accuracy that a student expects, a whole percentage from 0.5 to 0.99."""
    return round(_chance(student, task, "guess").uniform(0.5, 0.99), 2)


def network(student: int, task: Train) -> RunConfig:
    """The network of a student's seat; if the layers are free, with other units in its first one, if it is dense."""
    config = config_for(task, student)
    if "layers" not in task.free or not config.layers or config.layers[0].is_convolution:
        return config
    units = _chance(student, task, "network").choice(_UNITS)
    return dataclasses.replace(config, layers=(dataclasses.replace(config.layers[0], units=units), *config.layers[1:]))


def drawing(student: int, task: Draw, n: int, dataset: Dataset) -> npt.NDArray[np.uint8]:
    """A test image of the wanted digit at place `n`, (28, 28), in place of a drawing."""
    places = (dataset.test_labels == wanted(task)[n]).nonzero()[0]
    image: npt.NDArray[np.uint8] = dataset.test_images[_chance(student, task, f"drawing {n}").choice(places.tolist())]
    return image


def _chance(student: int, task: Ask | Train | Draw, what: str) -> random.Random:
    return random.Random(f"{student} {task.id} {what}")  # Nothing secret is made with it.
