"""The seat of this tab in a class that a teacher leads, and how much of the class it has seen."""

from __future__ import annotations

from pages.widgets.state.keys import Key

OWN: Key[tuple[str, int] | None] = Key("class-seat-noted", None)
"""The class and the number of the seat; None for none."""
SEEN: Key[int] = Key("class-revision-noted", 0)
"""The revision of the class that its page has shown last."""
