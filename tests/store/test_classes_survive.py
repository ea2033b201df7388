"""A server is killed while a class votes: what it has confirmed is saved."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from mnist_core.store.class_records import OPEN, seat_token
from mnist_core.store.runs import RunStore
from mnist_core.store.workspaces import new_workspace

ROOT = Path(__file__).parents[2]

# Votes for one seat after the other, again and again, and says so after each.
VOTE = """
import itertools, sys
from mnist_core.store.runs import RunStore
url, class_id, *tokens = sys.argv[1:]
classes = RunStore(url).classes
for at in itertools.count():
    seat, choice = at % len(tokens), at // len(tokens) % 3
    classes.vote(class_id, tokens[seat], "q1", 1, choice)
    print(seat + 1, choice, flush=True)
"""


def test_confirmed_votes_survive_the_death_of_their_server(url: str) -> None:
    classes, teacher = RunStore(url).classes, new_workspace()
    now = classes.create(teacher, "", "[]", "q1")
    tokens = [seat_token(new_workspace()) for _ in range(5)]
    for token in tokens:
        classes.join(now.id, token, lambda taken: f"pupil {len(taken)}")
    now = classes.move(teacher, now.id, now.revision, phase=OPEN)
    child = subprocess.Popen(
        [sys.executable, "-c", VOTE, url, now.id, *tokens],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert child.stdout is not None
    seen = [child.stdout.readline() for _ in range(23)]
    assert all(seen), child.communicate()[1]
    child.kill()
    rest, _errors = child.communicate()
    assert child.returncode == -signal.SIGKILL
    lines = [*seen, *rest.splitlines(keepends=True)]
    confirmed = [line.split() for line in lines if line.endswith("\n")]
    last = {int(seat): int(choice) for seat, choice in confirmed}  # The newest of each seat.
    found = RunStore(url).classes.board(now.id).votes[1]
    # The vote under way may have been saved without a word.
    under_way = len(confirmed) % 5 + 1
    assert {seat: choice for seat, choice in found.items() if seat != under_way} == {
        seat: choice for seat, choice in last.items() if seat != under_way
    }
    assert found[under_way] in (last[under_way], (last[under_way] + 1) % 3)

    # Another server goes on.
    now = classes.move(teacher, now.id, now.revision, phase=OPEN, round=2)
    classes.vote(now.id, tokens[0], "q1", 2, 1)
    assert RunStore(url).classes.board(now.id).votes[2] == {1: 1}
