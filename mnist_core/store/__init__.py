"""The store: saved runs, shares and workspaces in a database."""

from mnist_core.store.runs import RunStore

__all__ = ["RunStore"]
