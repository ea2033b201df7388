"""Read saved runs: the list of a workspace, and whole runs."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from mnist_core.errors import PlaygroundError, RunNotFoundError
from mnist_core.network import TrainedNetwork, parameter_count
from mnist_core.network.layers import weight_shapes
from mnist_core.store import records
from mnist_core.store.records import RunSummary, StoredRun
from mnist_core.store.tables import in_workspace, parts, runs
from mnist_core.store.workspaces import key_of, workspace_key
from mnist_core.training import Status, codec
from mnist_core.training.moments import Moments

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.engine import Connection

    from mnist_core.config import RunConfig
    from mnist_core.network.layers import Weights
    from mnist_core.store.database import Database
    from mnist_core.training.codec import Parts
    from mnist_core.training.moments import Place

# The parts that may hold the final network of a run.
_NETWORKS = ("weights", "best", "network")
_SUMMARY = [runs.c[field.name.removesuffix("_text")].label(field.name) for field in dataclasses.fields(RunSummary)]


class Reading:
    """The methods of `RunStore` that read runs."""

    _database: Database

    def list(self, workspace: str) -> tuple[RunSummary, ...]:
        """The workspace's runs, newest first, without arrays."""
        with self._database.reading() as connection:
            return list_runs(connection, in_workspace(workspace_key(workspace)))

    def load(self, workspace: str, run_id: str) -> StoredRun:
        """Load a run with everything that was saved of it.

        Raises:
            RunNotFoundError: there is no such run, or it was deleted.
            StoreError: also if a part of it is damaged.
        """
        key = key_of(workspace, run_id)
        with self._database.reading() as connection:
            return load_run(self._database, connection, key, run_id)

    def load_moment(self, workspace: str, run_id: str, place: Place) -> Weights:
        """The weights of a run at a kept moment, float32.

        Raises:
            RunNotFoundError: there is no such run or moment, or it was deleted.
            StoreError: also if it is damaged.
        """
        return _load_moment(self._database, key_of(workspace, run_id), run_id, place)

    def load_weights(self, workspace: str, run_id: str, epoch: int) -> Weights:
        """The weights after the last finished epoch of a run, float32.

        Raises:
            RunNotFoundError: there is no such run, it was deleted, or another epoch is its last one.
            StoreError: also if they are damaged.
        """
        return _load_weights(self._database, key_of(workspace, run_id), run_id, epoch)


def list_runs(connection: Connection, condition: sa.ColumnElement[bool]) -> tuple[RunSummary, ...]:
    """The runs that fulfil a condition, newest first."""
    query = sa.select(*_SUMMARY).where(condition).order_by(runs.c.created.desc(), runs.c.id)
    return tuple(_summary(row) for row in connection.execute(query).mappings())


def load_run(database: Database, connection: Connection, key: str, run_id: str) -> StoredRun:
    """As `RunStore.load`, within a transaction and by the workspace's key."""
    summary, network = _summary_and_network(connection, key, run_id)
    names = _part_names(connection, key, run_id)
    # They are read when the run goes on after its last finished epoch.
    is_apart = bool(network) and network != "weights" and "weights" in names
    found = read_parts(connection, key, run_id, set(codec.PARTS) - ({"weights"} if is_apart else set()))
    state = codec.unpack_state(summary.config, found, is_ended=not summary.status.is_active)
    if (state.epoch if state else 0) != summary.epochs:
        raise codec.damaged("history")
    rates = codec.unpack_rates(found["rates"]) if "rates" in found else state.rates if state else ()
    return StoredRun(
        summary,
        summary.config,
        records.read_versions(summary.versions_text),
        state,
        codec.unpack_points(found.get("points", b"")),
        rates,
        _network(summary, found, network) if network else None,
        codec.unpack_evaluation(summary.config, found),
        Moments(
            parameter_count(summary.config),
            codec.moment_places(names),
            functools.partial(_load_moment, database, key, run_id),
        ),
        functools.partial(_load_weights, database, key, run_id, summary.epochs) if is_apart else None,
    )


def load_network(connection: Connection, key: str, run_id: str) -> TrainedNetwork | None:
    """The network that a run has ended with, within a transaction and by the workspace's key; None for none.

    Raises:
        RunNotFoundError: there is no such run, or it was deleted.
        StoreError: it is damaged.
    """
    summary, name = _summary_and_network(connection, key, run_id)
    return _network(summary, read_parts(connection, key, run_id, [name]), name) if name else None


def saved_moments(connection: Connection, key: str, run_id: str) -> tuple[Place, ...]:
    """Where a run has saved moments."""
    return codec.moment_places(_part_names(connection, key, run_id))


def _part_names(connection: Connection, key: str, run_id: str) -> frozenset[str]:
    query = sa.select(parts.c.name).where(parts.c.workspace == key, parts.c.run == run_id)
    return frozenset(connection.execute(query).scalars())


def _load_moment(database: Database, key: str, run_id: str, place: Place) -> Weights:
    """As `Reading.load_moment`, by the workspace's key."""
    return codec.unpack_moment(*_config_and_part(database, key, run_id, codec.moment_name(place)))


def _load_weights(database: Database, key: str, run_id: str, epoch: int) -> Weights:
    """As `Reading.load_weights`, by the workspace's key."""
    config, data = _config_and_part(database, key, run_id, "weights", runs.c.epochs == epoch)
    return codec.unpack_arrays(data, weight_shapes(config.layers), codec.PARTS["weights"])


def _config_and_part(
    database: Database, key: str, run_id: str, name: str, *conditions: sa.ColumnElement[bool]
) -> tuple[RunConfig, bytes]:
    """The config of a run that fulfils the conditions, and one of its parts.

    Raises:
        RunNotFoundError: there is no such run or part.
        StoreError: the config or the part is damaged.
    """
    with database.reading() as connection:
        query = sa.select(runs.c.config).where(in_workspace(key), runs.c.id == run_id, *conditions)
        config = connection.execute(query).scalar_one_or_none()
        found = read_parts(connection, key, run_id, (name,))
    if config is None or not found:
        raise RunNotFoundError
    return records.read_config(config), found[name]


def read_parts(connection: Connection, key: str, run_id: str, names: Collection[str]) -> Parts:
    """The parts of a run with these names, as they were written.

    Raises:
        StoreError: one of them is damaged.
    """
    of_run = (parts.c.workspace == key, parts.c.run == run_id)
    query = sa.select(parts.c.name, parts.c.checksum, parts.c.data).where(*of_run, parts.c.name.in_(names))
    found: Parts = {}
    for name, checksum, data in connection.execute(query):
        if not isinstance(data, bytes) or codec.checksum(data) != checksum:
            raise codec.damaged(codec.PARTS.get(name, "moments"))
        found[name] = data
    return found


def _summary_and_network(connection: Connection, key: str, run_id: str) -> tuple[RunSummary, str | None]:
    """A run without arrays, and which of its parts is its final network; None for none."""
    query = sa.select(*_SUMMARY, runs.c.network).where(in_workspace(key), runs.c.id == run_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise RunNotFoundError
    values = dict(row)
    network = values.pop("network")
    return _summary(values), network


def _summary(values: Mapping[Any, Any]) -> RunSummary:
    return RunSummary(**(dict(values) | {"status": Status(values["status"])}))


def _network(summary: RunSummary, found: Parts, name: str) -> TrainedNetwork:
    try:
        # Use the name of the data set it was trained on, which may differ from the one in its config.
        config = dataclasses.replace(summary.config, dataset=summary.dataset)
    except PlaygroundError as error:
        raise codec.damaged("data set") from error
    data = found.get(name, b"") if name in _NETWORKS else b""
    return TrainedNetwork(config, codec.unpack_arrays(data, weight_shapes(config.layers), "network"))
