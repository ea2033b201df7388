"""The controls that describe a run. Each is made from its `Setting` in `mnist_core.config`."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import streamlit as st

from mnist_core import network
from mnist_core.config import (
    LAYER_KINDS,
    LAYER_SETTINGS,
    MAX_LAYERS,
    OPTIMIZERS,
    SETTINGS,
    LayerConfig,
    RunConfig,
    picture_sides,
    to_text,
)
from mnist_core.errors import ConfigError
from mnist_core.export import keras_script
from mnist_core.language import Message, format_number
from mnist_core.language import gettext as _
from pages.widgets.state import controls, data_sets, editor_state
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from mnist_core.config import Setting


# Brief, since a row has room for a word.
_BRIEF_KINDS = {"dense": Message("Dense"), "conv": Message("Conv + pool"), "conv_only": Message("Conv")}
# In pixels. Boxes this narrow have no buttons for the next number.
_WIDTHS = {"kind": 128, "units": 68, "activation": 108, "dropout": 80, "learning_rate": 112, "epochs": 80}

# What a button does to which layer.
_ORDER: Key[tuple[int, str] | None] = Key("layer-order-noted", None)


def _key(name: str) -> str:
    return f"{name.replace('_', '-')}-{editor_state.edition()}"


def layer_rows(draft: RunConfig) -> RunConfig:
    """A row of controls for each hidden layer; returns `draft` with what they say."""
    layers: list[LayerConfig] = []
    for number, before in enumerate(draft.layers):
        with st.container(key=f"layer-{number}", horizontal=True, vertical_alignment="bottom", gap="xxsmall"):
            layers.append(_layer(number, before, layers))
            _order_button(
                number, "up", "arrow_upward", _("Move layer {number} up", number=number + 1), is_off=not number
            )
            _order_button(number, "remove", "close", _("Remove layer {number}", number=number + 1))
    config = dataclasses.replace(draft, layers=tuple(layers))
    order = _ORDER.get()
    if order is not None:
        _ORDER.forget()
        editor_state.set_draft(config)  # A number that was typed just before is a change of its own, for Undo.
        editor_state.change(_obeyed(config, *order))
        st.rerun()
    return config


def add_layer_button(config: RunConfig) -> None:
    """A button that adds a dense layer after the others."""
    st.button(
        _("Add a hidden layer"),
        key="add-layer",
        icon=":material/add:",
        on_click=_ORDER.set,
        args=((len(config.layers), "add"),),
        type="tertiary",
        disabled=len(config.layers) == MAX_LAYERS,
        help=_(SETTINGS["layers"].help),
    )


def _order_button(number: int, order: str, icon: str, help_text: str, *, is_off: bool = False) -> None:
    st.button(
        "",
        key=_key(f"{order}-{number}"),
        icon=f":material/{icon}:",
        on_click=_ORDER.set,
        args=((number, order),),
        type="tertiary",
        disabled=is_off,
        help=help_text,
    )


def _obeyed(config: RunConfig, number: int, order: str) -> RunConfig:
    """The config after an order of a button; the same one where there would be a convolution after a dense layer."""
    layers = list(config.layers)
    if order == "add":
        layers.append(LayerConfig())
    elif number < len(layers):  # Not if the button was pressed twice.
        layer = layers.pop(number)
        if order == "up":
            layers.insert(number - 1, layer)
    try:
        return dataclasses.replace(config, layers=tuple(layers))
    except ConfigError as error:
        st.toast(_(error.message), icon=":material/error:")
        return config


def _layer(number: int, before: LayerConfig, earlier: list[LayerConfig]) -> LayerConfig:
    look: dict[str, Any] = {"label_visibility": "collapsed" if number else "visible"}
    key = _key(f"kind-{number}")
    kinds = {kind: _BRIEF_KINDS[kind] for kind in _possible_kinds(earlier)}
    # The box of the units is too narrow for a sign of its own: in German or Spanish it would break the label.
    units = before.settings["units"]
    about = f"{_(LAYER_SETTINGS['kind'].help)}\n\n**{_(units.label)}**: {_help_with_range(units)}"
    kind = _choice(st, LAYER_SETTINGS["kind"], key, before.kind, kinds, width=_WIDTHS["kind"], **look, help=about)
    layer = dataclasses.replace(before, kind=kind)
    if layer.is_convolution != before.is_convolution:
        layer = dataclasses.replace(layer, units=layer.settings["units"].default)
    keys = {name: f"{name}-{number}" for name in layer.settings}
    # With the kind, since what is a usual number of units is too many filters.
    keys["units"] = f"units-{kind}-{number}"
    looks = {name: {"width": _WIDTHS[name], **look} for name in layer.settings}
    looks["units"]["help"] = None
    values = {
        name: _control(st, setting, _key(keys[name]), getattr(layer, name), **looks[name])
        for name, setting in layer.settings.items()
        if name != "kind"
    }
    return dataclasses.replace(layer, **values)


def _possible_kinds(earlier: list[LayerConfig]) -> list[str]:
    """A convolution needs a picture: it comes first or after another one, while there is picture left."""
    if not all(layer.is_convolution for layer in earlier):
        return ["dense"]
    return [kind for kind in LAYER_KINDS if kind == "dense" or picture_sides([*earlier, LayerConfig(kind)])[-1] >= 1]


def main_controls(draft: RunConfig) -> RunConfig:
    """The controls that people use most, in a row; returns `draft` with what they say."""
    with st.container(key="main-settings", horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        values = {
            name: _control(st, setting, _key(name), getattr(draft, name), width=_WIDTHS.get(name, "stretch"))
            for name, setting in SETTINGS.items()
            if setting.section == "main"
        }
    return dataclasses.replace(draft, **values)


def data_set_menu(draft: RunConfig) -> RunConfig:
    """The menu of data sets; returns `draft` with its choice."""
    setting = SETTINGS["dataset"]
    return dataclasses.replace(draft, dataset=_choice(st, setting, _key("dataset"), draft.dataset, data_sets.names()))


def more_settings(draft: RunConfig) -> RunConfig:
    """The other controls, folded away, and not made until they are wanted; returns `draft` with what they say."""
    folded = st.popover(_("More settings"), icon=":material/tune:", on_change="rerun", key="more-settings")
    if not folded.open:
        return draft
    with folded:
        st.markdown(_("**Training**"))
        draft = _section(draft, "training")
        st.markdown(_("**Images**"))
        return _section(draft, "data")


def free_controls(draft: RunConfig, names: Collection[str]) -> RunConfig:
    """The controls of some settings only; returns `draft` with what they say.

    A setting that needs another one is left out while that one is off.
    """
    if "layers" in names:
        draft = layer_rows(draft)
        add_layer_button(draft)
    others = [setting for name, setting in SETTINGS.items() if name in names and name != "layers"]
    shown = [one for one in others if not one.needs or one.needs in names or getattr(draft, one.needs)]
    return dataclasses.replace(draft, **_controls(shown, draft))


def _section(draft: RunConfig, name: str) -> RunConfig:
    return dataclasses.replace(draft, **_controls([one for one in SETTINGS.values() if one.section == name], draft))


def keras_program(config: RunConfig) -> None:
    """The layers as Keras lists them, and the run as a Keras program; folded away, and not made until wanted."""
    folded = st.popover(_("As Keras code"), icon=":material/code:", on_change="rerun", key="code")
    if not folded.open:
        return
    rows = [
        f"| {row.name} | {' x '.join(map(str, row.output_shape))} | {format_number(row.parameters, ',')} |"
        for row in network.summary(config)
    ]
    with folded:
        st.markdown("\n".join([_("| Layer | Output | Parameters |"), "|:--|:--|--:|", *rows]))
        st.code(keras_script.keras_script(config), language="python")


def _controls(settings: Iterable[Setting], draft: RunConfig) -> dict[str, Any]:
    """A control for each setting, in order; those of half the width are side by side.

    Args:
        settings: of `draft`.
        draft: the first values.

    Returns:
        The values by name. A setting that needs another one has its default while that one is off.
    """
    values: dict[str, Any] = {}
    for is_half, group in itertools.groupby(settings, key=lambda setting: setting.is_half):
        places: Iterable[Any] = itertools.cycle(st.columns(2)) if is_half else itertools.repeat(st)
        for setting, place in zip(group, places, strict=False):
            name = setting.name
            is_off = bool(setting.needs) and not values.get(setting.needs, getattr(draft, setting.needs))
            value = _control(place, setting, _key(name), getattr(draft, name), is_off)
            values[name] = setting.default if is_off else value
    return values


def _control(place: Any, setting: Setting, key: str, value: Any, is_off: bool = False, **look: Any) -> Any:
    """The control of a setting that holds `value` at first, with the arguments `look`; returns what it holds."""
    if setting.choices is not None:
        return _choice(place, setting, key, value, setting.choices, **look)
    if setting.usual:
        return _usual_number(place, setting, key, value, **look)
    if setting.is_slider:
        return _slider(place, setting, key, value, **look)
    return _number(place, setting, key, value, is_off, **look)


def _choice(place: Any, setting: Setting, key: str, value: str, choices: Mapping[str, str], **look: Any) -> str:
    options = list(choices)
    chosen: str = place.selectbox(
        _(setting.label),
        options,
        **controls.seeded_choice(key, value, options),
        format_func=lambda name: _(choices[name]),
        on_change=_suggest_learning_rate if setting.name == "optimizer" else None,
        disabled=len(options) == 1,
        **{"help": _(setting.help), **look},
    )
    return chosen


def _suggest_learning_rate() -> None:
    chosen = controls.value_of(_key("optimizer"))
    if chosen is None:  # A browser has sent the value of a control that has been made again.
        return
    controls.set_value(_key("learning_rate"), to_text(OPTIMIZERS[chosen].default_learning_rate))


def _slider(place: Any, setting: Setting, key: str, value: float, **look: Any) -> float:
    assert setting.limits is not None
    return float(
        place.slider(
            _(setting.label),
            setting.limits.low,
            setting.limits.high,
            step=setting.step,
            **controls.seeded(key, value),
            help=_(setting.help),
            **look,
        )
    )


def _help_with_range(setting: Setting) -> str:
    assert setting.limits is not None
    return _("{help} From {range}.", help=setting.help, range=setting.limits.text)


def _number(place: Any, setting: Setting, key: str, value: float, is_off: bool, **look: Any) -> float:
    """A box for a number, with buttons for the next ones.

    To the browser a whole number has a fraction too: it would cut "12.5" to 12 and "1e4" to 1 without a word.
    """
    limits = setting.limits
    assert limits is not None
    place.number_input(
        _(setting.label),
        float(limits.low),
        float(limits.high),
        step=float(setting.step),
        format="%.0f" if limits.whole else "%g",
        **controls.seeded(key, float(value)),
        on_change=_round if limits.whole else None,
        args=(setting.label, key),
        disabled=is_off,
        **{"help": _help_with_range(setting), **look},
    )
    number = float(controls.value_of(key))
    return round(number) if limits.whole else number


def _round(label: str, key: str) -> None:
    typed = controls.value_of(key)
    if typed != round(typed):
        controls.set_value(key, float(round(typed)))
        st.toast(
            _(
                "{label}: whole numbers only. {typed:g} became {rounded}.",
                label=label,
                typed=typed,
                rounded=round(typed),
            ),
            icon=":material/info:",
        )


def _usual_number(place: Any, setting: Setting, key: str, value: float, **look: Any) -> float:
    """A box that offers usual numbers and takes any other that is typed."""
    assert setting.limits is not None
    number = value
    typed = controls.value_of(key)
    if typed is not None:
        try:
            read = setting.from_text(str(typed).strip())
            setting.check(read)
            number = read
        except ConfigError as error:
            st.toast(_("{label}: {error}", label=setting.label, error=error), icon=":material/error:")
        if typed != to_text(number):
            controls.set_value(key, to_text(number))
    texts = [to_text(one) for one in sorted({*setting.usual, number})]
    place.selectbox(
        _(setting.label),
        texts,
        **controls.seeded_choice(key, to_text(number), texts),
        accept_new_options=True,
        filter_mode="prefix",
        help=_("{help} Choose or type a number from {range}.", help=setting.help, range=setting.limits.text),
        **look,
    )
    return number
