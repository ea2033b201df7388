"""The commands of ``python -m mnist_core``."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_core.__main__ import main
from mnist_core.config import LayerConfig
from mnist_core.data import datasets
from mnist_core.network.files import read_file
from mnist_core.store.runs import RunStore
from mnist_core.training import pretraining
from tests import mirror
from tests.samples import blobs

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network without hidden layers after two epochs on the embedded digits, trained by the command."""
    path = tmp_path_factory.mktemp("runs") / "deep" / "network.npz"
    command = ["train", "--preset", "morgan-0", "--dataset", "embedded", "--epochs", "2", "--network", str(path)]
    done = subprocess.run(
        [sys.executable, "-m", "mnist_core", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "epoch   2/2" in done.stdout
    assert "Published" not in done.stdout
    return path


def test_evaluate_prints_a_consistent_matrix(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--network", str(network)]) == 0
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("Confusion matrix, rows true, columns answers:") + 1
    matrix = np.array([[int(count) for count in line.split()] for line in lines[start : start + 10]])
    accuracy = float(lines[start - 2].split("accuracy ")[1].split(",")[0])
    assert matrix.sum() == 360
    assert accuracy == pytest.approx(np.trace(matrix) / 360, abs=1e-4)


def test_predict_reads_a_picture_of_a_zero(network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(picture).ellipse((60, 40, 140, 160), outline="black", width=16)
    picture.save(tmp_path / "zero.png")
    assert main(["predict", str(tmp_path / "zero.png"), "--network", str(network)]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("0  ")


def test_predict_uses_the_shipped_network_by_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(picture).line([(50, 50), (140, 50), (90, 160)], fill="black", width=12)
    picture.save(tmp_path / "seven.png")
    assert main(["predict", str(tmp_path / "seven.png")]) == 0
    digit, probability = capsys.readouterr().out.splitlines()[0].split()
    assert digit == "7"
    assert float(probability) > 0.9


@pytest.mark.parametrize("others", [[], ["--writers", "nobody"]])
def test_pretrain_refuses_a_file_without_digits(
    others: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none.jsonl").write_text("" if not others else '{"label": 1, "strokes": [[[0, 0], [1, 9]]]}')
    command = ["pretrain", str(tmp_path / "none.jsonl"), "--network", str(tmp_path / "net.npz"), *others]
    assert main(command) == 1
    assert "has no digit by these writers" in capsys.readouterr().err


@pytest.fixture
def small_pretraining(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a command that trains on two small files of pen digits and little else."""
    small = dataclasses.replace(blobs(), name="mnist")
    monkeypatch.setattr(datasets, "load", lambda name, progress: small)
    monkeypatch.setattr(pretraining, "_FORMS", 20)
    monkeypatch.setattr(pretraining, "_NO_DIGITS", 10)
    line = '{"label": 1, "strokes": [[[0, 0], [1, 9]]], "writer": "%s"}\n'
    (tmp_path / "uji.jsonl").write_text(line % "uji00" + line % "uji40")
    (tmp_path / "pen.jsonl").write_text(line % "pen01" + line % "pen02")
    files = [str(tmp_path / name) for name in ("uji.jsonl", "pen.jsonl")]
    return ["pretrain", *files, "--network", str(tmp_path / "net.npz"), "--epochs", "2", "--layers", "dense-8-relu"]


def control_c(_: object) -> str:
    raise KeyboardInterrupt


def test_pretrain_learns_only_from_training_writers_of_all_files(
    small_pretraining: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(small_pretraining) == 0
    printed = capsys.readouterr().out
    assert "uji.jsonl: 1 digits by 1 writers, each drawn 12 times" in printed
    assert "pen.jsonl: 2 digits by 2 writers, each drawn 12 times" in printed
    assert f"{300 + 3 * 12 + 20 + 10} images an epoch" in printed
    assert read_file(tmp_path / "net.npz").config.layers == (LayerConfig(units=8),)


def test_pretrain_continues_after_an_interruption(
    small_pretraining: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(small_pretraining) == 0
    whole = (tmp_path / "net.npz").read_bytes()
    command = [*small_pretraining, "--checkpoint", str(tmp_path / "run.checkpoint")]
    with monkeypatch.context() as patch:
        patch.setattr("mnist_core.__main__._metrics_text", control_c)  # while the line of the first epoch is printed
        assert main(command) == 130
    capsys.readouterr()
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "epoch   1/2" not in printed
    assert "epoch   2/2" in printed
    assert (tmp_path / "net.npz").read_bytes() == whole


def test_pretrain_rejects_a_checkpoint_of_another_training(
    small_pretraining: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*small_pretraining, "--checkpoint", str(tmp_path / "run.checkpoint")]
    assert main(command) == 0
    assert main([*command, "--epochs", "3"]) == 1
    assert "belongs to another recipe" in capsys.readouterr().err


def test_predict_refuses_an_empty_picture(network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (50, 50), 255).save(tmp_path / "empty.png")
    assert main(["predict", str(tmp_path / "empty.png"), "--network", str(network)]) == 1
    assert "empty" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_predict_refuses_a_file_that_is_not_a_picture(
    network: Path, tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd.png").write_bytes(content)
    assert main(["predict", str(tmp_path / "odd.png"), "--network", str(network)]) == 1
    assert "cannot be read as a picture" in capsys.readouterr().err


def test_missing_network_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate"]) == 1
    assert "python -m mnist_core train" in capsys.readouterr().err


def test_invalid_epochs_are_refused_before_training(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--dataset", "embedded", "--epochs", "0"]) == 1
    assert "epochs: is out of range" in capsys.readouterr().err


def test_fetch_gives_the_reason_for_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", mirror.closed_url())  # No server listens there, with or without a network.
    assert main(["fetch", "--dataset", "mnist", "--directory", str(tmp_path)]) == 1
    assert "MNIST could not be fetched" in capsys.readouterr().err


def test_check_prints_the_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    RunStore(url).checks.count("before", {"file": 0})
    monkeypatch.setenv("DATABASE_URL", url)
    assert main(["check"]) == 0
    assert "100% of     1" in capsys.readouterr().out
