"""A short fuzzing campaign for each reader, and tests of the campaign itself. ``make fuzz`` runs long ones."""

from __future__ import annotations

import pytest

from tests.fuzz import campaign
from tests.fuzz.mutations import mutated_input
from tests.fuzz.readers import READERS


@pytest.mark.parametrize("name", READERS)
def test_damaged_input_is_accepted_or_refused(name: str) -> None:
    counts = campaign.run(name, 200, seed=1)
    assert not counts.faults
    assert counts.accepted + counts.refused == 200


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("faulty-type", "TypeError at faulty.py"),
        ("faulty-endless", "killed by its limit of 1 s"),
        ("faulty-greedy", "MemoryError"),
        ("faulty-dead", "killed by SIGABRT"),
        ("faulty-talkative", "a message of"),
    ],
)
def test_failing_reader_is_detected(name: str, what: str) -> None:
    counts = campaign.run(name, 6, seed=1)
    assert [fault.number for fault in counts.faults][:1] == [2]
    assert counts.faults[0].what.startswith(what)
    assert campaign.input_of(counts.faults[0]) == b"sound"


def test_inputs_depend_only_on_the_seed() -> None:
    reader = READERS["settings"]
    inputs = [
        [mutated_input(reader.seeds(), reader.mutation, "settings", seed, i) for i in range(50)] for seed in (1, 1, 2)
    ]
    assert inputs[0] == inputs[1]
    assert inputs[0] != inputs[2]
