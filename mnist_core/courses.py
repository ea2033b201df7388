"""The courses of the Learn page, each reliving one of the tutorials in words of its own."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING

from mnist_core import course_kite, course_morgan, course_torres

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_core.course import Course

COURSES: Mapping[str, Course] = types.MappingProxyType(
    {"kite": course_kite.COURSE, "torres": course_torres.COURSE, "morgan": course_morgan.COURSE}
)
"""The courses by their names in links."""
