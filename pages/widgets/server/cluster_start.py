"""A server that uses a cluster connects to it when it starts; with unsafe settings it does not start."""

from __future__ import annotations

import functools
import os


def connect() -> None:
    """Connect to the cluster that ``DASK_SCHEDULER`` names, if it names one.

    Raises:
        SystemExit: the settings are wrong or unsafe; its text says what to do.
    """
    if not os.environ.get("DASK_SCHEDULER"):
        return
    from mnist_core.errors import ConfigError
    from mnist_core.runs import cluster, scheduler

    try:
        address = cluster.configured()
    except ConfigError as error:
        raise SystemExit(f"The playground does not start. {error}") from None
    scheduler.use(functools.partial(cluster.Cluster, address))
    scheduler.shared()
