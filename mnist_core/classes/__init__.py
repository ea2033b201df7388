"""Classes: a lesson that a teacher leads, task by task. What is saved of one is in `store.classes`."""

from mnist_core.classes.names import draw_name
from mnist_core.classes.phases import Move, added, moves, removed, share_right, start_of
from mnist_core.classes.plan import (
    Ask,
    Asked,
    Draw,
    Look,
    Task,
    Train,
    config_for,
    config_of,
    from_json,
    known_questions,
    order_of,
    question_of,
    step_of,
    to_json,
    wanted,
)

__all__ = [
    "Ask",
    "Asked",
    "Draw",
    "Look",
    "Move",
    "Task",
    "Train",
    "added",
    "config_for",
    "config_of",
    "draw_name",
    "from_json",
    "known_questions",
    "moves",
    "order_of",
    "question_of",
    "removed",
    "share_right",
    "start_of",
    "step_of",
    "to_json",
    "wanted",
]
