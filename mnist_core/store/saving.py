"""Save runs: create the record, replace it after each epoch, and close it at the end.

Each step is one transaction. After a crash the database holds a complete `TrainingState`, from which `training.train`
continues with identical results. So a run loses at most the epoch in progress.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc

from mnist_core.errors import ConfigError, RunClosedError, RunNotFoundError, StoreError
from mnist_core.network.layers import weight_shapes
from mnist_core.store import records
from mnist_core.store.quotas import remove_runs
from mnist_core.store.reading import read_parts, saved_moments
from mnist_core.store.records import TITLE_LENGTH, checked_text
from mnist_core.store.tables import ACTIVE, in_workspace, parts, runs
from mnist_core.store.takeover import record_heartbeat
from mnist_core.store.workspaces import RUN_ID, key_of, workspace_key
from mnist_core.training import Status, codec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.evaluation import Evaluation
    from mnist_core.network import TrainedNetwork
    from mnist_core.network.layers import Weights
    from mnist_core.store.database import Database
    from mnist_core.store.quotas import Quotas
    from mnist_core.training import Progress, RateChanged, TrainingState
    from mnist_core.training.codec import Parts
    from mnist_core.training.moments import Place


class Saving:
    """The methods of `RunStore` that save runs."""

    server: str
    quotas: Quotas
    _database: Database
    _clock: Callable[[], float]

    def create(
        self,
        workspace: str,
        run_id: str,
        config: RunConfig,
        dataset: Dataset,
        *,
        number: int = 0,
        title: str = "",
        start: TrainingState | None = None,
        versions: Mapping[str, str] | None = None,
    ) -> None:
        """Create the record of a run, with the status WAITING. Only this server may save it from now on.

        Args:
            workspace: the owner's token.
            run_id: 1 to 64 letters, digits, ``-`` and ``_``; new in this workspace.
            config: the run.
            dataset: the data it learns from. Only its name, provenance and fingerprint are saved.
            number: see `RunSummary`.
            title: at most 200 characters.
            start: the state it starts from; None for random weights.
            versions: `records.library_versions` of the server that trains it.

        Raises:
            StoreError: also if the workspace is full of runs that are pinned or active.
            ConfigError: the id is invalid or already used, or the title is too long.
        """
        if not RUN_ID.fullmatch(run_id):
            raise ConfigError("run_id", "is not an id.", "Use 1 to 64 letters, digits, - and _.", run_id)
        now = self._clock()
        key = workspace_key(workspace)
        row = {
            "workspace": key, "id": run_id, "number": number, "title": checked_text("title", title, TITLE_LENGTH),
            "notes": "", "is_pinned": False, "status": Status.WAITING.value, "message": "",
            "created": now, "updated": now, "seconds": 0.0, "size": 0, **_last_metrics(start),
            "dataset": dataset.name, "provenance": dataset.provenance.replace("\0", ""),
            "fingerprint": dataset.fingerprint, "config": config.to_json(), "network": "", "server": self.server,
            "versions": json.dumps(dict(versions or {})),
        }  # fmt: skip
        packed = codec.pack_state(config, start) if start else {}
        with self._database.writing() as connection:
            record_heartbeat(connection, self.server, now)
            try:
                connection.execute(runs.insert().values(row))
            except exc.IntegrityError as error:
                raise ConfigError("run_id", "is already used.", "Give each run its own id.") from error
            self._write(connection, key, run_id, packed, {})
            self.quotas.record_visit(connection, key)
            self.quotas.enforce_for_workspace(connection, key, run_id)
            self.quotas.enforce_for_all(connection, key, run_id)

    def save_epoch(
        self,
        workspace: str,
        run_id: str,
        state: TrainingState,
        points: Sequence[Progress] | None = None,
        seconds: float | None = None,
        moments: Mapping[Place, Weights | None] | None = None,
    ) -> None:
        """Save the state after an epoch. It replaces the state of the epoch before.

        Args:
            workspace: the owner's token.
            run_id: the run's id.
            state: of `EpochEnded`.
            points: the whole live curve so far; points after this epoch are not saved. None keeps the saved curve.
            seconds: training time so far; None keeps the saved one.
            moments: for each kept moment its weights, or None if it is saved already; others are removed. Without this
                mapping nothing changes.

        Raises:
            RunNotFoundError: there is no such run, or it was deleted.
            RunClosedError: it has ended, or another server has taken it over.
            StoreError: also if a later epoch is already saved, or the workspace has no space for it.
        """
        key = key_of(workspace, run_id)
        with self._database.writing() as connection:
            config, epochs = _lock(connection, key, run_id, self.server)
            if epochs > state.epoch:
                raise StoreError("A later epoch of this run is already saved.", "Load the run and continue from there.")
            packed = codec.pack_state(config, state)
            if points is not None:
                points = [point for point in points if point.epoch <= state.epoch]
            changes = {"status": Status.RUNNING.value, **_last_metrics(state)}
            if moments is not None:
                packed |= _replace_moments(connection, key, run_id, config, moments)
            self._write(connection, key, run_id, packed, changes, points, seconds)
            self.quotas.enforce_for_workspace(connection, key, run_id)
            if not epochs:  # Later epochs replace the first, so they need no more space.
                self.quotas.enforce_for_all(connection, key, run_id)

    def save_pause(self, workspace: str, run_id: str, is_paused: bool) -> None:
        """Save whether a run is paused. Saving an epoch ends this.

        Args:
            workspace: the owner's token.
            run_id: the run's id.
            is_paused: whether its status is PAUSED, else RUNNING.

        Raises:
            RunNotFoundError: there is no such run, or it was deleted.
            RunClosedError: it has ended, or another server has taken it over.
            StoreError: it cannot be written.
        """
        key = key_of(workspace, run_id)
        status = Status.PAUSED if is_paused else Status.RUNNING
        with self._database.writing() as connection:
            _lock(connection, key, run_id, self.server)
            self._write(connection, key, run_id, {}, {"status": status.value})

    def finish(
        self,
        workspace: str,
        run_id: str,
        status: Status,
        *,
        network: TrainedNetwork | None = None,
        evaluation: Evaluation | None = None,
        points: Sequence[Progress] | None = None,
        rates: Sequence[RateChanged] | None = None,
        seconds: float | None = None,
        message: str = "",
        moments: Mapping[Place, Weights | None] | None = None,
    ) -> None:
        """Save how a run ended. It will not be resumed, so the optimizer's averages are removed.

        The weights of the last finished epoch stay if a new run can go on from them, see `Status.can_go_on`.

        Args:
            workspace: the owner's token.
            run_id: the run's id.
            status: FINISHED, STOPPED or FAILED.
            network: the final network; saved again only if it differs from the last and the best epoch's.
            evaluation: of that network.
            points: the whole live curve; None keeps the saved curve.
            rates: every change of the learning rate; None for those in the last epoch's state.
            seconds: training time; None keeps the saved one.
            message: what people should know about how it ended.
            moments: as in `save_epoch`.

        Raises:
            RunNotFoundError: there is no such run, or it was deleted.
            RunClosedError: it has already ended, or another server has taken it over.
            ConfigError: `status` is not the status of an ended run.
        """
        if status.is_active:
            raise ConfigError(
                "status", "is not the status of an ended run.", "Give FINISHED, STOPPED or FAILED.", status
            )
        key = key_of(workspace, run_id)
        with self._database.writing() as connection:
            config, epochs = _lock(connection, key, run_id, self.server)
            packed = {} if rates is None else {"rates": codec.pack_rates(rates)}
            changes: dict[str, Any] = {"status": status.value, "message": message.replace("\0", "")}
            if network is not None:
                weights = codec.pack_arrays(network.weights, weight_shapes(config.layers))
                saved = read_parts(connection, key, run_id, ("weights", "best"))
                changes["network"] = next(
                    (name for name in ("weights", "best") if saved.get(name) == weights), "network"
                )
                if changes["network"] == "network":
                    packed["network"] = weights
            if evaluation is not None:
                packed |= codec.pack_evaluation(evaluation)
                changes |= {"test_loss": evaluation.loss, "test_accuracy": evaluation.accuracy}
            if moments is not None:
                packed |= _replace_moments(connection, key, run_id, config, moments)
            self._write(connection, key, run_id, packed, changes, points, seconds)
            unneeded = {"slots"}
            if network is not None:
                unneeded |= {"weights", "best"} - {changes["network"]}
                if status.can_go_on(epochs, config.epochs):
                    unneeded.discard("weights")
            _remove_parts(connection, key, run_id, unneeded)
            # Save the end of a run even if no other run can make space for it.
            self.quotas.enforce_for_workspace(connection, key, run_id, is_strict=False)
            self.quotas.enforce_for_all(connection, key, run_id, is_strict=False)

    def discard(self, workspace: str, run_id: str) -> None:
        """Remove a run permanently, without the possibility to restore it."""
        key = key_of(workspace, run_id)
        with self._database.writing() as connection:
            remove_runs(connection, sa.and_(runs.c.workspace == key, runs.c.id == run_id))

    def _write(
        self,
        connection: Connection,
        key: str,
        run_id: str,
        packed: Parts,
        changes: Mapping[str, object],
        points: Sequence[Progress] | None = None,
        seconds: float | None = None,
    ) -> None:
        changes = {"updated": self._clock(), **changes}
        if points is not None:
            packed = packed | {"points": codec.pack_points(points)}
        if seconds is not None:
            changes["seconds"] = seconds
        _replace_parts(connection, key, run_id, packed, changes)


def _last_metrics(state: TrainingState | None) -> dict[str, float | None]:
    """The metrics of the last finished epoch, for the list of runs."""
    last = state.history[-1] if state and state.history else None
    names = ("loss", "accuracy", "validation_loss", "validation_accuracy")
    return {"epochs": last.epoch if last else 0, **{name: getattr(last, name, None) for name in names}}


def _lock(connection: Connection, key: str, run_id: str, server: str) -> tuple[RunConfig, int]:
    """Lock a run that `server` may save until the transaction ends; return its config and number of finished epochs.

    Raises:
        RunNotFoundError: the workspace has no such run.
        RunClosedError: it has ended, or another server has taken it over.
        StoreError: its config is damaged.
    """
    query = sa.select(runs.c.server, runs.c.status, runs.c.epochs, runs.c.config)
    row = connection.execute(query.where(in_workspace(key), runs.c.id == run_id).with_for_update()).one_or_none()
    if row is None:
        raise RunNotFoundError
    if row.status not in ACTIVE:
        raise RunClosedError("The run has already ended.", "Start a new one.", row.status)
    if row.server != server:
        raise RunClosedError(
            "Another server has taken over this run.", "Stop it here, and load it to see how it continues."
        )
    return records.read_config(row.config), row.epochs


def _replace_moments(
    connection: Connection, key: str, run_id: str, config: RunConfig, moments: Mapping[Place, Weights | None]
) -> Parts:
    """Remove the saved moments that are not in `moments`, and pack the new ones."""
    kept = {codec.moment_name(place) for place in moments}
    stale = {codec.moment_name(place) for place in saved_moments(connection, key, run_id)} - kept
    if stale:
        which = (parts.c.workspace == key, parts.c.run == run_id, parts.c.name.in_(stale))
        connection.execute(parts.delete().where(*which))
    new = {codec.moment_name(place): weights for place, weights in moments.items() if weights is not None}
    return {name: codec.pack_moment(config, weights) for name, weights in new.items()}


def _replace_parts(connection: Connection, key: str, run_id: str, packed: Parts, values: Mapping[str, Any]) -> None:
    """Replace the parts and the values of a run that have the same names."""
    of_run = sa.and_(parts.c.workspace == key, parts.c.run == run_id)
    if packed:
        connection.execute(parts.delete().where(of_run, parts.c.name.in_(packed)))
        for name, data in packed.items():
            row = {"name": name, "checksum": codec.checksum(data), "size": len(data), "data": data}
            connection.execute(parts.insert().values(workspace=key, run=run_id, **row))
    size = sa.select(sa.func.coalesce(sa.func.sum(parts.c.size), 0)).where(of_run).scalar_subquery()
    change = runs.update().where(runs.c.workspace == key, runs.c.id == run_id)
    connection.execute(change.values(size=size, **values))


def _remove_parts(connection: Connection, key: str, run_id: str, names: Collection[str]) -> None:
    of_run = sa.and_(parts.c.workspace == key, parts.c.run == run_id)
    connection.execute(parts.delete().where(of_run, parts.c.name.in_(names)))
    _replace_parts(connection, key, run_id, {}, {})
