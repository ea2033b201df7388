"""The config in the editor: where it came from, how to undo changes, and when its controls are rebuilt."""

from __future__ import annotations

import dataclasses
import logging
import os
from dataclasses import dataclass

from mnist_core import presets
from mnist_core.config import RunConfig
from mnist_core.data import datasets
from pages.widgets.state import workspace
from pages.widgets.state.keys import Key

logger = logging.getLogger(__name__)

_FIRST_PRESET = "kite"

_REPLACED: Key[tuple[RunConfig, Origin] | None] = Key("replaced-changes-noted", None)


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
_ORIGIN: Key[Origin | None] = Key("origin", None)
_EDITION = Key("edition", 0)


def draft() -> RunConfig:
    """The config in the editor."""
    return _DRAFT.get() or first_config()


def first_config() -> RunConfig:
    """The config that a new visitor finds in the editor."""
    return dataclasses.replace(presets.PRESETS[_FIRST_PRESET].config, dataset=_first_data_set())


def _first_data_set() -> str:
    wanted = os.environ.get("MNIST_DATASET", RunConfig.dataset)
    if wanted in datasets.NAMES:
        return wanted
    logger.warning("MNIST_DATASET is %r; it must be one of %s. Using MNIST.", wanted, ", ".join(datasets.NAMES))
    return RunConfig.dataset


def set_draft(config: RunConfig) -> None:
    """Remember the config in the editor, so that it is there again after another page."""
    _DRAFT.set(config)


def origin() -> Origin:
    """What "Undo my changes" goes back to."""
    return _ORIGIN.get() or Origin(first_config())


def load_preset(key: str) -> None:
    """Load a preset into the editor. The data set does not change."""
    load_config(dataclasses.replace(presets.PRESETS[key].config, dataset=draft().dataset), "")


def load_config(config: RunConfig, source: str = "Own network") -> None:
    """Load `config` into the editor, and remember its source. `undo` can bring back changes that it replaces."""
    if origin().is_changed(draft()):
        _REPLACED.set((draft(), origin()))
    _fill(config, Origin(config, source))


def has_replaced_changes() -> bool:
    """Whether `undo` can bring back changes that `load_config` has replaced."""
    return _REPLACED.get() is not None


def undo() -> None:
    """Undo the changes since the last load. If there are none, bring back the changes that it replaced, once."""
    start, there, replaced = origin(), draft().dataset, _REPLACED.get()
    if start.is_changed(draft()):
        _fill(dataclasses.replace(start.config, dataset=there), start)
    elif replaced is not None:
        config, start = replaced
        _REPLACED.set(None)
        _fill(dataclasses.replace(config, dataset=there), start)


def use_data_set(name: str) -> None:
    """Change the data set in the editor."""
    _fill(dataclasses.replace(draft(), dataset=name), origin())


def _fill(config: RunConfig, start: Origin) -> None:
    """Fill the editor: its controls are rebuilt with the values of `config`."""
    set_draft(config)
    _ORIGIN.set(start)
    _EDITION.set(edition() + 1)
    workspace.IS_RESTORED.set(True)


def edition() -> int:
    """A number in the keys of the editor's controls. A new number rebuilds them."""
    return _EDITION.get()
