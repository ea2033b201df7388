"""The courses of the Learn page. Each follows one tutorial, in words of its own."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING

from mnist_core.lessons import kite, morgan, torres

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mnist_core.lessons.course import Course

COURSES: Mapping[str, Course] = types.MappingProxyType(
    {"kite": kite.COURSE, "torres": torres.COURSE, "morgan": morgan.COURSE}
)
"""The courses by their keys, which links contain."""
