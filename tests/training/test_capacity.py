"""Capacity: free memory from a setting, the system and handwritten container files."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mnist_core.config import LayerConfig, RunConfig
from mnist_core.errors import CapacityError
from mnist_core.network import training_bytes
from mnist_core.presets import PRESETS
from mnist_core.training import capacity
from tests.samples import small

MB = 2**20
WIDE = RunConfig(layers=(LayerConfig(units=2048),) * 6, optimizer="adam")


def check(config: RunConfig, promised: int = 0) -> None:
    capacity.check(training_bytes(config), "Use fewer units.", promised)


def container(folder: Path, limit: str, used: int, stat: str = "") -> Path:
    (folder / "memory.max").write_text(limit)
    (folder / "memory.current").write_text(f"{used}\n")
    if stat:
        (folder / "memory.stat").write_text(stat)
    return folder


def test_explicit_setting_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MEMORY_MB", "700")
    assert capacity.free_bytes() == 700 * MB


@pytest.mark.parametrize("setting", ["", "lots", "-5", "1.5", "²", "700 MB"])
def test_setting_that_is_not_a_number_is_ignored(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MEMORY_MB", setting)
    assert capacity.free_bytes() > 0


def test_smaller_of_system_and_container_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNIST_MEMORY_MB", raising=False)
    for system, inside, free in ((900, 800, 800), (700, 800, 700), (900, None, 900), (None, 800, 800)):
        monkeypatch.setattr(capacity, "_system_free", lambda mb=system: mb and mb * MB)
        monkeypatch.setattr(capacity, "_container_free", lambda _folder, mb=inside: mb and mb * MB)
        assert capacity.free_bytes() == free * MB


def test_unknown_memory_counts_as_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNIST_MEMORY_MB", raising=False)
    monkeypatch.setattr(capacity, "_system_free", lambda: None)
    monkeypatch.setattr(capacity, "_container_free", lambda _folder: None)
    assert 256 * MB <= capacity.free_bytes() <= 1024 * MB


def test_container_with_a_limit(tmp_path: Path) -> None:
    assert capacity._container_free(container(tmp_path, f"{700 * MB}\n", 300 * MB)) == 400 * MB


def test_container_without_a_limit(tmp_path: Path) -> None:
    assert capacity._container_free(container(tmp_path, "max\n", 300 * MB)) is None


def test_container_above_its_limit(tmp_path: Path) -> None:
    assert capacity._container_free(container(tmp_path, f"{100 * MB}\n", 300 * MB)) == 0


def test_container_with_missing_files(tmp_path: Path) -> None:
    assert capacity._container_free(tmp_path) is None
    (tmp_path / "memory.max").write_text("1000000")
    assert capacity._container_free(tmp_path) is None


def test_file_cache_counts_as_free_memory(tmp_path: Path) -> None:
    """The kernel counts its file cache as used memory, but frees it on demand."""
    stat = f"anon {100 * MB}\nfile {550 * MB}\ninactive_anon 7\ninactive_file {500 * MB}\nactive_file {50 * MB}\n"
    assert capacity._container_free(container(tmp_path, f"{700 * MB}\n", 690 * MB, stat)) == 510 * MB


def test_run_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MEMORY_MB", "700")
    for preset in PRESETS.values():
        check(preset.config)


def test_run_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MEMORY_MB", "700")
    with pytest.raises(CapacityError, match="needs about") as caught:
        check(WIDE)
    assert f"{training_bytes(WIDE) / MB:,.0f} MB" in caught.value.problem
    assert "fewer units" in caught.value.remedy


def test_reserved_memory_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MEMORY_MB", "700")
    check(small(), promised=500 * MB)
    with pytest.raises(CapacityError, match="has only 0 MB free"):
        check(small(), promised=700 * MB)


def test_estimate_increases_with_work() -> None:
    kite = PRESETS["kite"].config
    alone = capacity.estimated_seconds(kite, 45_000)
    assert 0 < alone < capacity.estimated_seconds(dataclasses.replace(kite, epochs=40), 45_000)
    assert alone < capacity.estimated_seconds(kite, 60_000)
    assert alone < capacity.estimated_seconds(dataclasses.replace(kite, batch_size=8), 45_000)
    assert alone < capacity.estimated_seconds(dataclasses.replace(kite, layers=(LayerConfig(units=512),)), 45_000)


def test_estimate_uses_measured_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "_flops_per_second", 1e6)
    slow = capacity.estimated_seconds(WIDE, 60_000)
    measured = capacity.measure_speed()
    assert measured > 1e8
    assert capacity.estimated_seconds(WIDE, 60_000) < slow
