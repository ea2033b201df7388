"""The drawing of the imports between rooms in CONTRIBUTING.md: ``python -m tests.rooms`` updates it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"
DRAWING = re.compile(r"(?<=<!-- rooms -->\n```\n).*?(?=```)", re.DOTALL)


def draw(arrows: Mapping[str, set[str]]) -> str:
    """Draw each room's line downwards, with a dot in each row whose room imports it.

    Args:
        arrows: room -> the rooms that it imports, which are above it in the drawing.
    """
    rooms = list(arrows)
    width = max(map(len, rooms)) + 2
    last = {room: max((row for row, other in enumerate(rooms) if room in arrows[other]), default=-1) for room in rooms}
    lines = []
    for row, room in enumerate(rooms):
        marks = [
            "●" if other in arrows[room] else "│" if row < last[other] else " " for other in rooms[:row]
        ]  # A line ends at its last dot.
        start = room.ljust(width) + "".join(f"{mark} " for mark in marks)
        lines.append((start[:-1] + "─┐" if last[room] > row else start).rstrip())
    return "\n".join(lines) + "\n"


def read(drawing: str) -> dict[str, set[str]]:
    """Return the arrows of a drawing, read from its dots."""
    lines = drawing.splitlines()
    columns = {line.index("┐"): line.split()[0] for line in lines if "┐" in line}
    return {line.split()[0]: {columns[place] for place, mark in enumerate(line) if mark == "●"} for line in lines}


def current_drawing() -> str:
    """Return the drawing in CONTRIBUTING.md."""
    found = DRAWING.search(CONTRIBUTING.read_text(encoding="utf-8"))
    assert found is not None, "CONTRIBUTING.md has no drawing of the rooms"
    return found[0]


def floors(arrows: Mapping[str, set[str]]) -> int:
    """Return the length of the longest chain of imports, in rooms."""
    heights: dict[str, int] = {}
    for room, below in arrows.items():
        heights[room] = 1 + max((heights[other] for other in below), default=0)
    return max(heights.values())


def counts(arrows: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield the numbers of rooms, arrows and floors, in words."""
    yield f"{len(arrows)} rooms"
    yield f"{sum(map(len, arrows.values()))} arrows"
    yield f"{floors(arrows)} floors"


def main() -> None:
    """Write the drawing into CONTRIBUTING.md, and print its counts."""
    from tests import test_layering

    arrows = test_layering.arrows()
    text = CONTRIBUTING.read_text(encoding="utf-8")
    CONTRIBUTING.write_text(DRAWING.sub(lambda _: draw(arrows), text), encoding="utf-8")
    print(", ".join(counts(arrows)))  # noqa: T201 - the output of the command.


if __name__ == "__main__":
    main()
