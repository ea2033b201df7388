"""Classes: a lesson that a teacher leads, task by task. What is saved of one is in `store.classes`."""

from mnist_core.classes.names import draw_name
from mnist_core.classes.phases import Move, moves, share_right
from mnist_core.classes.plan import Ask, Asked, from_json, known_questions, order_of, question_of, to_json

__all__ = [
    "Ask",
    "Asked",
    "Move",
    "draw_name",
    "from_json",
    "known_questions",
    "moves",
    "order_of",
    "question_of",
    "share_right",
    "to_json",
]
