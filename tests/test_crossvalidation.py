"""Cross-validation by writer: the folds, and the accuracies."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from benchmarks import crossvalidation
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.drawing.strokes import PenDigit
from mnist_core.errors import DataError
from mnist_core.network import TrainedNetwork
from mnist_core.training import pretraining
from tests.samples import blobs

SHAPES = {0: [[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]], 1: [[0, 0], [0, 10]], 7: [[0, 0], [8, 0], [3, 10]]}
SOURCES = {
    "spanish": [PenDigit(d, (np.array(SHAPES[d], float),), f"s{w}") for w in range(5) for d in SHAPES],
    "turkish": [PenDigit(d, (np.array(SHAPES[d], float),), f"t{w}") for w in range(4) for d in SHAPES],
}
RECIPE = RunConfig(layers=(LayerConfig(units=12),), optimizer="adam", learning_rate=0.002, epochs=1, batch_size=64)


def test_folds_hold_out_each_writer_once_from_each_source() -> None:
    folds = crossvalidation.folds(SOURCES, 3)
    assert sorted(writer for fold in folds for writer in fold) == ["s0", "s1", "s2", "s3", "s4", "t0", "t1", "t2", "t3"]
    assert all({writer[0] for writer in fold} == {"s", "t"} for fold in folds)
    assert folds == crossvalidation.folds(SOURCES, 3)


def test_more_folds_than_writers_are_refused() -> None:
    with pytest.raises(DataError, match="turkish has fewer writers than folds"):
        crossvalidation.folds(SOURCES, 5)


def test_network_learns_only_from_the_other_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    learned, was_read = record_writers(monkeypatch)
    found = crossvalidation.run(blobs(), SOURCES, 2, RECIPE)
    everybody = {one.writer for digits in SOURCES.values() for one in digits}
    assert [one | other for one, other in zip(learned, was_read, strict=True)] == [everybody] * 2
    assert [one & other for one, other in zip(learned, was_read, strict=True)] == [set()] * 2
    assert {name: source["digits"] for name, source in found["sources"].items()} == {"spanish": 15, "turkish": 12}


def test_evaluation_only_writers_are_never_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    learned, was_read = record_writers(monkeypatch)
    crossvalidation.run(blobs(), SOURCES, 2, RECIPE, learn=["s*"])
    assert all(writer[0] == "s" for writers in learned for writer in writers)
    assert {"t0", "t1", "t2", "t3"} <= set.union(*was_read)


def record_writers(monkeypatch: pytest.MonkeyPatch) -> tuple[list[set[str]], list[set[str]]]:
    """Record the writers that each network trains on, and those whose digits it reads."""
    learned: list[set[str]] = []
    was_read: list[set[str]] = []
    material, read = pretraining.material, crossvalidation.read

    def noting(sources: list[list[PenDigit]], seed: int) -> pretraining.Material:
        learned.append({one.writer for digits in sources for one in digits})
        was_read.append(set())
        return material(sources, seed)

    def reading(network: TrainedNetwork, digits: list[PenDigit]) -> crossvalidation.Answers:
        was_read[-1] |= {one.writer for one in digits}
        return read(network, digits)

    monkeypatch.setattr(pretraining, "_FORMS", 20)
    monkeypatch.setattr(pretraining, "_NO_DIGITS", 10)
    monkeypatch.setattr(pretraining, "material", noting)
    monkeypatch.setattr(crossvalidation, "read", reading)
    return learned, was_read


def test_accuracies_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    """Two digits in seven settings: six answers are right for the first writer, three for the second."""
    sure = np.eye(10, dtype=np.float32)
    said = np.array([[5, 5, 5, 5, 5, 5, 0], [3, 3, 3, 0, 0, 0, 0]]).T
    answers = crossvalidation.Answers(np.array([5, 3]), np.array(["anna", "berk"]), sure[said])
    found = crossvalidation._figures(answers)
    assert found["writer"] == {"anna": round(6 / 7, 4), "berk": round(3 / 7, 4)}
    assert found["digit"] == {"3": round(3 / 7, 4), "5": round(6 / 7, 4)}
    assert found["overall"] == round(9 / 14, 4)
    assert found["settings"]["pen 10, size 0.65"] == {"accuracy": 1.0, "calibration_error": 0.0, "not_sure": 0.0}
    assert found["settings"]["pen 30, size 0.65"]["calibration_error"] == 1.0
    crossvalidation._print_tables({"made up": found})
    assert "| made up | 2      | 2       | 64.29%     |" in capsys.readouterr().out


def test_pen_widths_from_10_to_30() -> None:
    assert [setting.pen for setting in crossvalidation.SETTINGS] == [10, 12, 14, 18, 22, 26, 30]


def test_folds_partition_all_digits() -> None:
    network = pretraining.pretrain(blobs(), no_extra(), RECIPE)
    parts = [crossvalidation.read(network, digits) for digits in SOURCES.values()]
    whole = crossvalidation.concatenate(parts)
    assert whole.probabilities.shape == (7, 27, 10)
    assert whole.writers.tolist() == [one.writer for digits in SOURCES.values() for one in digits]
    np.testing.assert_array_equal(whole.is_correct.sum(), sum(part.is_correct.sum() for part in parts))


def no_extra() -> pretraining.Material:
    few = dataclasses.replace(blobs())
    return pretraining.Material(few.train_images[:10], few.train_labels[:10], few.train_images[:5])
