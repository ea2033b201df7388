"""The courses of the Learn page."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING

from mnist_core.lessons import how_it_learns, misconceptions, published_results, trust, what_helps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_core.lessons.course import Course, Step

COURSES: Mapping[str, Course] = types.MappingProxyType(
    {
        "how": how_it_learns.COURSE,
        "better": what_helps.COURSE,
        "trust": trust.COURSE,
        "true": misconceptions.COURSE,
        "published": published_results.COURSE,
    }
)
"""The courses by their keys, which links contain."""

FORMER: Mapping[str, tuple[str, ...]] = types.MappingProxyType(
    {
        "kite": (
            "examples", "kinds", "file", "numbers", "splits", "neuron", "parameters", "shares", "learn",
            "printed-matrix", "neurons",
        ),
        "torres": (
            "tensors", "numbers", "splits", "neuron", "parameters", "loss", "downhill", "learn", "published", "longer",
            "how-sure", "outcomes", "mushrooms",
        ),
        "morgan": (
            "scaling", "no-hidden-layer", "depth", "neurons", "overfitting", "optimizer", "loss", "depth",
            "convolution", "cnn",
        ),
    }
)  # fmt: skip
"""The steps of earlier courses, one for each tutorial: the key of the step that has their content now.

Links to them stay valid.
"""


def find_step(key: str) -> tuple[str, int] | None:
    """The course and the place, from 0, of the step with this key; None if there is none."""
    return next(((name, at) for name, course in COURSES.items() if (at := course.place(key)) is not None), None)


def step_of(key: str) -> Step:
    """The step with this key. It has to exist."""
    found = find_step(key)
    assert found is not None, key
    return COURSES[found[0]].steps[found[1]]


def linked_step(course: str, step: str) -> tuple[str, int] | None:
    """The course and the place, from 0, of the step that a link names; None if it names none.

    Args:
        course: the course in the link; only earlier links, which number the steps, need it.
        step: the key of a step, or its number from 1 in an earlier course.
    """
    former = FORMER.get(course)
    if former is None:
        return find_step(step)
    is_number = step.isascii() and step.isdigit() and len(step) < 3 and 1 <= int(step) <= len(former)
    return find_step(former[int(step) - 1]) if is_number else None
