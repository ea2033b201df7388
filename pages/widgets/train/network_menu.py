"""The menu of networks, which names the network in the editor, and the buttons that undo changes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import presets
from mnist_core.language import gettext as _
from pages.widgets.common import run_picker
from pages.widgets.state import controls, editor_state
from pages.widgets.state.keys import Key
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from mnist_core.config import RunConfig

_KEY = "preset"
_OWN = "own"

_NAME = Key("network-name-noted", "")
# The chosen preset, until it is loaded or the visitor would rather keep their changes.
_WANTED = Key("preset-wanted-noted", "")


def preset_menu(config: RunConfig) -> None:
    """A menu of presets. If the editor holds something else, that is the first entry.

    A preset that would replace changes is loaded only when the visitor agrees; until then the menu names what is in the
    editor. When the network is changed, the chosen entry changes its name but not its place. A browser that does not
    know the new name yet sends the old one; it is ignored.
    """
    start = editor_state.origin()
    there = presets.key_of(start.config) or _OWN
    names = {key: _(preset.name) for key, preset in presets.PRESETS.items()}
    names = {_OWN: "", **names} if there == _OWN else names
    names[there] = network_name(config)
    if controls.value_of(_KEY) != there or _NAME.get() != names[there]:
        controls.set_value(_KEY, there)
        _NAME.set(names[there])
    st.selectbox(
        _("Network"),
        list(names),
        **controls.seeded_choice(_KEY, there, list(names)),
        format_func=names.__getitem__,
        on_change=_want,
        help=_("Networks from the tutorials, with their settings, and a small convolutional one."),
    )
    # Here, not in the callback: a number that was typed just before is in `config` by now.
    wanted = _WANTED.get()
    if wanted and start.is_changed(config):
        # Escape, and a click beside it, mean the same as "Keep mine".
        ask = st.dialog(_("Replace your changes?"), on_dismiss=_WANTED.forget)(_ask)
        ask(network_name(config), wanted)
    elif wanted:
        _load(wanted)


def network_name(config: RunConfig) -> str:
    """The name of the network in the editor."""
    start = editor_state.origin()
    changed = _(" (changed)") if start.is_changed(config) else ""
    recipe = presets.recipe_of(start.config)
    if recipe is None:
        return f"{_(start.source)}: {_(presets.title_of(config))}{changed}"
    seed = "" if presets.preset_of(start.config) else _(", seed {seed}", seed=start.config.seed)
    return f"{_(recipe.name)}{seed}{changed}"


def undo_buttons(config: RunConfig) -> None:
    """Undo, and the way back to the network that the editor was filled from, while there is something to undo."""
    st.button(
        _("Undo"),
        key="undo",
        icon=":material/undo:",
        on_click=editor_state.undo,
        type="tertiary",
        disabled=not editor_state.can_undo(),
        help=_("Undo your last change."),
    )
    start = editor_state.origin()
    if start.is_changed(config):
        name = network_name(start.config)
        st.button(
            _("Back to {name}", name=name.partition(":")[0]),
            key="go-back",
            icon=":material/restart_alt:",
            on_click=editor_state.go_back,
            type="tertiary",
            help=_("Back to {name}.", name=name),
        )


def _want() -> None:
    chosen, there = controls.value_of(_KEY), presets.key_of(editor_state.origin().config)
    # Streamlit reports a choice once more after the `st.rerun` of `_load`.
    _WANTED.set(chosen if chosen in presets.PRESETS and chosen != there else "")


def _load(key: str) -> None:
    def load() -> None:
        _WANTED.forget()
        editor_state.load_preset(key)

    uninterrupted(load)
    st.rerun()


def _ask(mine: str, key: str) -> None:
    names = [run_picker.escape_markdown(name) for name in (mine, _(presets.PRESETS[key].name))]
    st.markdown(" → ".join(names))
    with st.container(horizontal=True):
        if st.button(_("Replace"), key="replace-changes", type="primary"):
            _load(key)
        if st.button(_("Keep mine"), key="keep-changes"):
            _WANTED.forget()
            st.rerun()
