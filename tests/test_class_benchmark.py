"""The benchmark of a class at once: what its runs note."""

from __future__ import annotations

from benchmarks import classroom
from tests.samples import blobs, small
from tests.scheduled_runs import wait_until


def test_runs_of_a_group_note_their_points_and_their_end() -> None:
    dataset = blobs()
    group = classroom.Group([small(epochs=2, seed=seed) for seed in range(2)], dataset)
    wait_until(lambda: all(run.ended for run in group.runs))
    group.stop()
    assert group.failures() == 0
    images = 2 * len(dataset.train_images)
    for run in group.runs:
        assert run.turns
        assert [count for _moment, count in run.points] == sorted({count for _moment, count in run.points})
        assert run.images_at(run.ended or 0.0) == images
