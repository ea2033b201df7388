"""What is done to kept runs within one transaction: rows and parts, read, checked, written and removed."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc

from mnist_core.errors import ConfigError, PlaygroundError, RunClosedError, RunNotFoundError, StoreError
from mnist_core.network import TrainedNetwork
from mnist_core.network.layers import weight_shapes
from mnist_core.store import records
from mnist_core.store.records import RunSummary, StoredRun
from mnist_core.store.tables import parts, runs, servers
from mnist_core.store.workspaces import workspace_key
from mnist_core.training import Status, codec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.engine import Connection

    from mnist_core.config import RunConfig
    from mnist_core.training.codec import Parts

ACTIVE = tuple(status.value for status in Status if status.is_active)
RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# The parts that may hold the network that a run left.
NETWORKS = ("weights", "best", "network")
_SUMMARY = [runs.c[field.name.removesuffix("_text")].label(field.name) for field in dataclasses.fields(RunSummary)]


def key_of(workspace: str, run_id: str) -> str:
    """The key of a run's workspace; an id that no run can have is refused before a database stumbles over it.

    Raises:
        WorkspaceError: `workspace` is no workspace's token.
        RunNotFoundError: `run_id` is no run's.
    """
    key = workspace_key(workspace)
    if not RUN_ID.fullmatch(run_id):
        raise RunNotFoundError
    return key


def kept(key: str) -> sa.ColumnElement[bool]:
    """The runs of the workspace `key` that are not deleted."""
    return sa.and_(runs.c.workspace == key, runs.c.deleted.is_(None))


def summaries(connection: Connection, condition: sa.ColumnElement[bool]) -> tuple[RunSummary, ...]:
    """The runs that fulfil a condition, the newest first."""
    query = sa.select(*_SUMMARY).where(condition).order_by(runs.c.created.desc(), runs.c.id)
    return tuple(_summary(row) for row in connection.execute(query).mappings())


def _summary(values: Mapping[Any, Any]) -> RunSummary:
    return RunSummary(**(dict(values) | {"status": Status(values["status"])}))


def load(connection: Connection, key: str, run_id: str) -> StoredRun:
    """One run, whole.

    Raises:
        RunNotFoundError: the workspace has no such run.
        StoreError: something of it is damaged.
    """
    query = sa.select(*_SUMMARY, runs.c.network).where(kept(key), runs.c.id == run_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise RunNotFoundError
    values = dict(row)
    network = values.pop("network")
    summary = _summary(values)
    found = read_parts(connection, key, run_id)
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
    )


def _network(summary: RunSummary, found: Parts, name: str) -> TrainedNetwork:
    try:
        # It was trained on what there was, which may have stood in for what was asked for.
        config = dataclasses.replace(summary.config, dataset=summary.dataset)
    except PlaygroundError as error:
        raise codec.damaged("data set") from error
    data = found.get(name, b"") if name in NETWORKS else b""
    return TrainedNetwork(config, codec.unpack_arrays(data, weight_shapes(config.layers), "network"))


def read_parts(connection: Connection, key: str, run_id: str, names: Collection[str] | None = None) -> Parts:
    """The parts of a run, those of `names` or all, as they were written.

    Raises:
        StoreError: one of them is damaged.
    """
    query = sa.select(parts.c.name, parts.c.checksum, parts.c.data).where(
        parts.c.workspace == key, parts.c.run == run_id
    )
    if names is not None:
        query = query.where(parts.c.name.in_(names))
    found: Parts = {}
    for name, checksum, data in connection.execute(query):
        if not isinstance(data, bytes) or codec.checksum(data) != checksum:
            raise codec.damaged(codec.PARTS.get(name, "record"))
        found[name] = data
    return found


def held(connection: Connection, key: str, run_id: str, server: str) -> tuple[RunConfig, int]:
    """The config and the finished epochs of a run that `server` may save, held until the transaction ends.

    Raises:
        RunNotFoundError: the workspace has no such run.
        RunClosedError: it has ended, or another server has taken it over.
        StoreError: its config is damaged.
    """
    query = sa.select(runs.c.server, runs.c.status, runs.c.epochs, runs.c.config)
    row = connection.execute(query.where(kept(key), runs.c.id == run_id).with_for_update()).one_or_none()
    if row is None:
        raise RunNotFoundError
    if row.status not in ACTIVE:
        raise RunClosedError("The run has ended already, and is kept as it was then.", "Begin a new one.", row.status)
    if row.server != server:
        raise RunClosedError(
            "Another server goes on with this run.", "Stop it here, and load it to see how it goes on."
        )
    return records.read_config(row.config), row.epochs


def write(connection: Connection, key: str, run_id: str, packed: Parts, values: Mapping[str, Any]) -> None:
    """Put parts and values of a run in place of what there was under their names."""
    of_run = sa.and_(parts.c.workspace == key, parts.c.run == run_id)
    if packed:
        connection.execute(parts.delete().where(of_run, parts.c.name.in_(packed)))
        for name, data in packed.items():
            row = {"name": name, "checksum": codec.checksum(data), "size": len(data), "data": data}
            connection.execute(parts.insert().values(workspace=key, run=run_id, **row))
    size = sa.select(sa.func.coalesce(sa.func.sum(parts.c.size), 0)).where(of_run).scalar_subquery()
    change = runs.update().where(runs.c.workspace == key, runs.c.id == run_id)
    connection.execute(change.values(size=size, **values))


def trim(connection: Connection, key: str, run_id: str, network: str) -> None:
    """Remove the arrays of an ended run that only training needs: all but its network, if it left one."""
    of_run = sa.and_(parts.c.workspace == key, parts.c.run == run_id)
    unneeded = {"slots", *({"weights", "best"} - {network} if network else ())}
    connection.execute(parts.delete().where(of_run, parts.c.name.in_(unneeded)))
    write(connection, key, run_id, {}, {})


def remove(connection: Connection, condition: sa.ColumnElement[bool]) -> int:
    """Remove the runs that fulfil a condition for good: how many there were."""
    going = sa.select(runs.c.workspace, runs.c.id).where(condition)
    connection.execute(parts.delete().where(sa.tuple_(parts.c.workspace, parts.c.run).in_(going)))
    return connection.execute(runs.delete().where(condition)).rowcount


def make_room(
    connection: Connection, key: str, run_id: str, max_runs: int, max_bytes: int, *, is_strict: bool = True
) -> None:
    """Bring a workspace within its quota: others than `run_id` go, first the deleted ones, then the oldest.

    Raises:
        StoreError: if `is_strict` and all that is left is pinned or under way.
    """
    own = runs.c.workspace == key
    count, size = connection.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(runs.c.size), 0)).where(own)
    ).one()
    if count <= max_runs and size <= max_bytes:
        return
    is_ended = sa.and_(~runs.c.is_pinned, runs.c.status.not_in(ACTIVE))
    candidates = sa.select(runs.c.id, runs.c.size).where(
        own, runs.c.id != run_id, sa.or_(runs.c.deleted.is_not(None), is_ended)
    )
    going = []
    for row in connection.execute(candidates.order_by(runs.c.deleted.is_(None), runs.c.updated, runs.c.id)):
        if count <= max_runs and size <= max_bytes:
            break
        going.append(row.id)
        count, size = count - 1, size - row.size
    if is_strict and (count > max_runs or size > max_bytes):
        raise StoreError(
            "Your workspace is full of runs that are pinned or under way.",
            f"Unpin, delete or stop some: it keeps {max_runs:,} runs and {max_bytes / 2**20:,.0f} MB.",
        )
    if going:
        remove(connection, sa.and_(own, runs.c.id.in_(going)))


def beat(connection: Connection, server: str, now: float) -> None:
    """Note that a server is alive."""
    if connection.execute(servers.update().where(servers.c.id == server).values(seen=now)).rowcount:
        return
    # Of two threads that are the first, one is the second.
    with contextlib.suppress(exc.IntegrityError), connection.begin_nested():
        connection.execute(servers.insert().values(id=server, seen=now))


def abandoned(key: str, server: str, running: Collection[str], alive_since: float) -> sa.ColumnElement[bool]:
    """Runs under way of which `server` does not hold one of `running`, nor another server that was seen lately one."""
    alive = sa.select(servers.c.id).where(servers.c.seen > alive_since)
    is_own = runs.c.server == server
    is_held = sa.or_(sa.and_(is_own, runs.c.id.in_(running)), sa.and_(~is_own, runs.c.server.in_(alive)))
    return sa.and_(kept(key), runs.c.status.in_(ACTIVE), ~is_held)


def checked_text(field: str, text: str, most: int) -> str:
    """A text that people have written, if every database can keep it.

    Raises:
        ConfigError: it has more than `most` characters, or some that are none.
    """
    if len(text) > most:
        raise ConfigError(field, "is too long.", f"Use at most {most:,} characters.", f"{len(text):,} characters")
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ConfigError(field, "holds characters that cannot be kept.", "Write it with ordinary letters.")
    return text
