"""The config in the editor: where it came from, the changes that can be undone, and when its controls are rebuilt."""

from __future__ import annotations

import dataclasses
import logging
import os
from dataclasses import dataclass
from typing import Any

from mnist_core import presets
from mnist_core.config import RunConfig
from mnist_core.data import datasets
from mnist_core.language import Message
from pages.widgets.state import workspace
from pages.widgets.state.keys import Key

logger = logging.getLogger(__name__)

_MOST_UNDONE = 100  # So many changes can be undone.


@dataclass(frozen=True)
class Origin:
    """What the editor was last filled from.

    Args:
        config: the config that was loaded.
        source: where it came from, such as "From a link"; empty for a preset, which has its own name.
    """

    config: RunConfig
    source: str = ""

    def is_changed(self, config: RunConfig) -> bool:
        """Whether `config` differs, apart from the data set."""
        return dataclasses.replace(config, dataset=self.config.dataset) != self.config


_DRAFT: Key[RunConfig | None] = Key("draft", None)
# What was in the editor before each change, and where that came from.
_PAST: Key[tuple[tuple[RunConfig, Origin], ...]] = Key("past-drafts", ())
_ORIGIN: Key[Origin | None] = Key("origin", None)
_EDITION = Key("edition", 0)


def draft() -> RunConfig:
    """The config in the editor."""
    return _DRAFT.get() or first_config()


def first_config() -> RunConfig:
    """The config that a new visitor finds in the editor."""
    return dataclasses.replace(presets.PRESETS[presets.FIRST].config, dataset=_first_data_set())


def _first_data_set() -> str:
    wanted = os.environ.get("MNIST_DATASET", RunConfig.dataset)
    if wanted in datasets.NAMES:
        return wanted
    logger.warning("MNIST_DATASET is %r; it must be one of %s. Using MNIST.", wanted, ", ".join(datasets.NAMES))
    return RunConfig.dataset


def set_draft(config: RunConfig) -> None:
    """Remember the config in the editor, for after another page, and the one before it for `undo`."""
    before = draft()
    if config != before:
        _PAST.set((*_PAST.get(), (before, origin()))[-_MOST_UNDONE:])
    _DRAFT.set(config)


def origin() -> Origin:
    """What the editor was last filled from."""
    return _ORIGIN.get() or Origin(first_config())


def load_preset(key: str) -> None:
    """Load a preset into the editor. The data set does not change."""
    load_config(dataclasses.replace(presets.PRESETS[key].config, dataset=draft().dataset), "")


def load_config(config: RunConfig, source: str = Message("Own network")) -> None:
    """Load `config` into the editor, and remember its source. `undo` can bring back changes that it replaces."""
    past, replaces_changes = _PAST.get(), origin().is_changed(draft())
    _fill(config, Origin(config, source))
    if not replaces_changes:
        _PAST.set(past)


def change(config: RunConfig) -> None:
    """Change the config in the editor, other than by its controls."""
    _fill(config, origin())


def go_back() -> None:
    """Load again what the editor was last filled from; the data set does not change."""
    start = origin()
    _fill(dataclasses.replace(start.config, dataset=draft().dataset), start)


def can_undo() -> bool:
    """Whether there is a change to undo."""
    return bool(_PAST.get())


def undo() -> None:
    """Undo the last change, or bring back the changes that a preset or a link has replaced."""
    past = _PAST.get()
    if past:
        _fill(*past[-1])
        _PAST.set(past[:-1])


def use_data_set(name: str, **changes: Any) -> None:
    """Change the data set in the editor, and other settings that it needs."""
    change(dataclasses.replace(draft(), dataset=name, **changes))


def _fill(config: RunConfig, start: Origin) -> None:
    """Fill the editor: its controls are rebuilt with the values of `config`."""
    set_draft(config)
    _ORIGIN.set(start)
    _EDITION.set(edition() + 1)
    workspace.IS_RESTORED.set(True)


def edition() -> int:
    """A number in the keys of the editor's controls. A new number rebuilds them."""
    return _EDITION.get()
