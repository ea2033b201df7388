"""Networks on a real Dask cluster: a scheduler, two workers, and what happens when one of them dies or leaves."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import dask_cluster
from benchmarks.dask_cluster import DaskCluster
from mnist_core.config import RunConfig
from mnist_core.data import Dataset
from mnist_core.errors import ConfigError
from mnist_core.runs.cluster import NO_WORKER, Address, Cluster, configured
from mnist_core.runs.network_run import Run
from mnist_core.runs.scheduler import Scheduler
from mnist_core.training import Status, loop
from tests.certificates import new_certificate
from tests.samples import blobs, small
from tests.scheduled_runs import assert_evaluated, assert_same_as_alone, wait_for_status, wait_until

MANY = blobs(3_000)


def long(seed: int, epochs: int = 100) -> RunConfig:
    """A run on `MANY` that the test stops: a tenth of a second an epoch."""
    return small(batch_size=1, epochs=epochs, learning_rate=0.01, seed=seed)


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster.running(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def workers(processes: DaskCluster) -> dict[str, subprocess.Popen[bytes]]:
    return {name: start_worker(processes) for name in ("one", "two")}


@pytest.fixture(scope="module")
def cluster(processes: DaskCluster) -> Iterator[Cluster]:
    turns = Cluster(configured(processes.settings))
    yield turns
    assert turns.close(30.0)


def start_worker(processes: DaskCluster, **settings: str) -> subprocess.Popen[bytes]:
    return processes.start_worker({"MNIST_DATASET": "embedded", **settings})


def wait_for_workers(cluster: Cluster, count: int) -> None:
    wait_until(lambda: cluster.workers == count)


def test_run_without_a_worker_waits_and_says_so(cluster: Cluster, processes: DaskCluster) -> None:
    run = cluster.submit(small(epochs=3), blobs())
    wait_until(lambda: run.snapshot.message == NO_WORKER)
    assert run.snapshot.status is Status.WAITING
    stopped = cluster.submit(small(), blobs())
    cluster.stop(stopped)
    wait_for_status(stopped, Status.STOPPED)
    assert cluster.active_runs == 1


def test_app_compiles_no_network_for_its_workers(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(loop, "compile_ahead")
    cluster.prepare(small(), blobs())


@pytest.mark.usefixtures("workers")
def test_numbers_are_those_of_runs_in_this_process(cluster: Cluster) -> None:
    wait_for_workers(cluster, 2)
    configs = [small(seed=seed, epochs=4) for seed in range(6)]
    runs = [cluster.submit(config, blobs()) for config in configs]
    for run in runs:
        wait_for_status(run, Status.FINISHED)
        assert_same_as_alone(run)
        assert_evaluated(run)
        assert not run.snapshot.message


@pytest.mark.usefixtures("workers")
def test_paused_run_does_steps_and_goes_on(cluster: Cluster) -> None:
    run = cluster.submit(small(), blobs(), paused=True)
    cluster.step(run)
    cluster.step(run)
    wait_until(lambda: len(run.snapshot.points) == 2 and run.snapshot.status is Status.PAUSED)
    cluster.resume(run)
    wait_for_status(run, Status.FINISHED)
    assert run.snapshot.epochs == run_here(small(), blobs()).snapshot.epochs


@pytest.mark.usefixtures("workers")
def test_ended_run_is_trained_further(cluster: Cluster) -> None:
    run = cluster.submit(small(), blobs())
    wait_for_status(run, Status.FINISHED)
    longer = cluster.go_on(run, 2)
    wait_for_status(longer, Status.FINISHED)
    assert longer.snapshot.epochs == run_here(small(epochs=4), blobs()).snapshot.epochs


@pytest.mark.usefixtures("workers")
def test_classical_model_learns_here(cluster: Cluster) -> None:
    run = cluster.submit_classical("bayes", blobs())
    wait_for_status(run, Status.FINISHED)
    assert run.snapshot.evaluation is not None


def test_worker_with_other_libraries_gets_no_runs(
    cluster: Cluster, processes: DaskCluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import platform\nplatform.python_version = lambda: '2.7'\n")
    other = start_worker(processes, PYTHONPATH=str(tmp_path))
    wait_until(lambda: "it has python 2.7" in caplog.text)
    wait_for_workers(cluster, 2)
    other.kill()
    other.wait()


def test_runs_go_on_when_a_worker_is_killed(
    cluster: Cluster, processes: DaskCluster, workers: dict[str, subprocess.Popen[bytes]]
) -> None:
    runs = start_long_runs(cluster)
    workers["one"].kill()
    workers["one"].wait()
    # How many of them it had is for Dask to choose, which may still count runs of an earlier test.
    wait_until(lambda: any("is gone" in run.snapshot.message for run in runs))
    wait_for_new_epochs(runs)
    workers["one"] = start_worker(processes)
    stop_and_compare(cluster, runs)


def test_worker_that_is_told_to_leave_hands_its_runs_over(
    cluster: Cluster, processes: DaskCluster, workers: dict[str, subprocess.Popen[bytes]]
) -> None:
    runs = start_long_runs(cluster)
    workers["two"].send_signal(signal.SIGTERM)
    assert workers["two"].wait() == 0
    wait_for_new_epochs(runs)
    assert any("left the cluster" in run.snapshot.message for run in runs)
    workers["two"] = start_worker(processes)
    stop_and_compare(cluster, runs)


@pytest.mark.usefixtures("workers")
def test_runs_go_on_when_the_scheduler_of_the_cluster_was_killed(cluster: Cluster, processes: DaskCluster) -> None:
    runs = start_long_runs(cluster)
    processes.scheduler.kill()
    processes.scheduler.wait()
    wait_for_workers(cluster, 0)
    processes.start_scheduler()
    wait_for_workers(cluster, 2)
    wait_for_new_epochs(runs)
    stop_and_compare(cluster, runs)


def test_cluster_with_certificates_trains_and_lets_no_other_in(tmp_path: Path) -> None:
    own, other = (new_certificate(tmp_path, name) for name in ("own", "other"))
    with dask_cluster.running(tmp_path, own) as processes:
        start_worker(processes)
        cluster = Cluster(configured(processes.settings))
        wait_for_workers(cluster, 1)
        files = {"DASK_TLS_CA_FILE": str(other[0]), "DASK_TLS_CERT": str(other[0]), "DASK_TLS_KEY": str(other[1])}
        stranger = Cluster(configured({**processes.settings, **files}))
        wait_until(lambda: "TLS handshake failed" in processes.log())
        run = cluster.submit(small(), blobs())
        wait_for_status(run, Status.FINISHED)
        assert_same_as_alone(run)
        assert (cluster.workers, stranger.workers) == (1, 0)
        assert stranger.close(30.0)
        assert cluster.close(30.0)


def start_long_runs(cluster: Cluster) -> list[Run]:
    """Runs on both workers, each after an epoch or more."""
    wait_for_workers(cluster, 2)
    runs = [cluster.submit(long(seed), MANY) for seed in range(6)]
    wait_until(lambda: all(len(run.snapshot.epochs) > 1 for run in runs))
    return runs


def wait_for_new_epochs(runs: list[Run]) -> None:
    seen = [len(run.snapshot.epochs) for run in runs]
    wait_until(lambda: all(len(run.snapshot.epochs) > before for run, before in zip(runs, seen, strict=True)))


def stop_and_compare(cluster: Cluster, runs: list[Run]) -> None:
    """Stop the runs; no epoch is missing or there twice, and all are those of a run without an interruption."""
    for run in runs:
        cluster.stop(run)
    for run in runs:
        wait_for_status(run, Status.STOPPED)
        assert_evaluated(run)
        done = run.snapshot.epochs
        places = [(point.epoch, point.step) for point in run.snapshot.points]
        assert places == sorted(set(places))
        assert done == run_here(long(run.config.seed, len(done)), MANY).snapshot.epochs


def run_here(config: RunConfig, dataset: Dataset) -> Run:
    run = Scheduler().submit(config, dataset)
    wait_for_status(run, Status.FINISHED)
    return run


TLS = {"DASK_SCHEDULER": "tls://host:8786"}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "is no address"),
        ({"DASK_SCHEDULER": "host:8786"}, "is no address"),
        ({"DASK_SCHEDULER": "tls://"}, "is no address"),
        ({"DASK_SCHEDULER": "tcp://host:8786"}, "can run code on the cluster.*DASK_INSECURE=1"),
        ({"DASK_SCHEDULER": "tcp://host:8786", "DASK_INSECURE": "yes"}, "can run code on the cluster"),
        (TLS, "needs certificates"),
        (TLS | {"DASK_INSECURE": "1"}, "needs certificates"),
        (TLS | {"DASK_TLS_CA_FILE": __file__, "DASK_TLS_CERT": __file__}, "DASK_TLS_KEY: is no file"),
    ],
)
def test_unprotected_cluster_is_refused(settings: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        configured(settings)


def test_cluster_on_a_private_network_or_with_certificates_is_used() -> None:
    url = "tcp://10.0.0.1:8786"
    assert configured({"DASK_SCHEDULER": url, "DASK_INSECURE": "1"}) == Address(url)
    files = {"DASK_TLS_CA_FILE": __file__, "DASK_TLS_CERT": __file__, "DASK_TLS_KEY": __file__}
    assert configured(TLS | files) == Address(TLS["DASK_SCHEDULER"], __file__, __file__, __file__)
