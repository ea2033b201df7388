"""The config in the editor: where it came from, how to undo changes, and when its controls are rebuilt."""

from __future__ import annotations

import dataclasses
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core import presets
from mnist_core.data import datasets
from pages.widgets.state import workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from mnist_core.config import RunConfig

logger = logging.getLogger(__name__)

_FIRST_PRESET = "kite"

_REPLACED: Key[tuple[RunConfig, Origin] | None] = Key("replaced-changes-noted", None)


@dataclass(frozen=True)
class Origin:
    """What the editor was last filled from.

    Args:
        config: what stood in the editor then.
        source: where it came from, such as "From a link"; empty for a preset, which has a name.
    """

    config: RunConfig
    source: str = ""

    def is_changed(self, config: RunConfig) -> bool:
        """Whether `config` is another network, or learns in another way; other data are no change of the network."""
        return dataclasses.replace(config, dataset=self.config.dataset) != self.config


_DRAFT: Key[RunConfig | None] = Key("draft", None)
_ORIGIN: Key[Origin | None] = Key("origin", None)
_EDITION = Key("edition", 0)


def draft() -> RunConfig:
    """The config in the editor."""
    return _DRAFT.get() or first_config()


def first_config() -> RunConfig:
    """What a new visitor finds in the editor."""
    return dataclasses.replace(presets.PRESETS[_FIRST_PRESET].config, dataset=_first_data_set())


def _first_data_set() -> str:
    wanted = os.environ.get("MNIST_DATASET", "mnist")
    if wanted in datasets.NAMES:
        return wanted
    logger.warning("MNIST_DATASET is %r; it must be one of %s. MNIST is taken.", wanted, ", ".join(datasets.NAMES))
    return "mnist"


def set_draft(config: RunConfig) -> None:
    """Note what the editor holds, so that it is there again after another page."""
    _DRAFT.set(config)


def origin() -> Origin:
    """What "Undo my changes" leads back to."""
    return _ORIGIN.get() or Origin(first_config())


def load_preset(key: str) -> None:
    """Put a preset into the editor; the data set stays as it was."""
    load_config(dataclasses.replace(presets.PRESETS[key].config, dataset=draft().dataset), "")


def load_config(config: RunConfig, source: str = "Own network") -> None:
    """Put `config` into the editor, noting where it comes from; changes that it replaces can be brought back."""
    if origin().is_changed(draft()):
        _REPLACED.set((draft(), origin()))
    _fill(config, Origin(config, source))


def has_replaced_changes() -> bool:
    """Whether `undo` can bring back changes that something else has replaced in the editor."""
    return _REPLACED.get() is not None


def undo() -> None:
    """Undo the changes of what the editor was filled from; without any, bring back once those that it replaced."""
    start, there, replaced = origin(), draft().dataset, _REPLACED.get()
    if start.is_changed(draft()):
        _fill(dataclasses.replace(start.config, dataset=there), start)
    elif replaced is not None:
        config, start = replaced
        _REPLACED.set(None)
        _fill(dataclasses.replace(config, dataset=there), start)


def use_data_set(name: str) -> None:
    """Let the network in the editor learn from another data set."""
    _fill(dataclasses.replace(draft(), dataset=name), origin())


def _fill(config: RunConfig, start: Origin) -> None:
    """Put `config` into the editor, whose controls are made again with its values."""
    set_draft(config)
    _ORIGIN.set(start)
    _EDITION.set(edition() + 1)
    workspace.IS_RESTORED.set(True)


def edition() -> int:
    """Changes whenever the editor's controls must be made anew; part of their keys."""
    return _EDITION.get()
