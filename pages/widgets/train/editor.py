"""The controls that describe a run. Each takes its choices and limits from `mnist_core.config`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import config as settings
from mnist_core.config import LayerConfig, Range, RunConfig
from mnist_core.errors import ConfigError
from mnist_core.export import keras_script
from pages.widgets.state import controls, data_sets, editor_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamlit.delta_generator import DeltaGenerator


# What the boxes offer; any other number in range can be typed.
_LEARNING_RATES = (1e-05, 3e-05, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_BATCH_SIZES = tuple(2.0**power for power in range(11))


def _key(name: str) -> str:
    return f"{name}-{editor_state.edition()}"


def _whole_number(
    place: DeltaGenerator,
    label: str,
    name: str,
    limits: Range,
    value: int,
    hint: str,
    step: int = 1,
    disabled: bool = False,
) -> int:
    """A box for a whole number, with buttons for the next ones.

    To the browser it is a number with a fraction, since it would cut "12.5" to 12 and "1e4" to 1 without a word.
    """
    key = _key(name)
    place.number_input(
        label,
        float(limits.low),
        float(limits.high),
        step=float(step),
        format="%.0f",
        **controls.seeded(key, float(value)),
        on_change=_round,
        args=(label, key),
        help=f"{hint} From {limits.text}.",
        disabled=disabled,
    )
    return round(float(controls.chosen(key)))


def _round(label: str, key: str) -> None:
    typed = controls.chosen(key)
    if typed != round(typed):
        controls.choose(key, float(round(typed)))
        st.toast(f"{label}: whole numbers only. {typed:g} became {round(typed)}.", icon=":material/info:")


def _usual_number(
    place: DeltaGenerator, label: str, name: str, usual: Sequence[float], limits: Range, value: float, hint: str
) -> float:
    """A box that offers usual numbers and takes any other that is typed."""
    key = _key(name)
    number = value
    typed = controls.chosen(key)
    if typed is not None:
        try:
            number = settings.read_number(name.replace("-", "_"), str(typed).strip(), limits)
        except ConfigError as error:
            st.toast(f"{label}: {error}", icon=":material/error:")
        if typed != settings.number_text(number):
            controls.choose(key, settings.number_text(number))
    texts = [settings.number_text(one) for one in sorted({*usual, number})]
    place.selectbox(
        label,
        texts,
        **controls.seeded_choice(key, settings.number_text(number), texts),
        accept_new_options=True,
        filter_mode="prefix",
        help=f"{hint} Choose or type a number from {limits.text}.",
    )
    return number


def network(draft: RunConfig) -> RunConfig:
    """The hidden layers' controls; returns `draft` with what they say."""
    count = st.slider(
        "Hidden layers",
        0,
        settings.MAX_LAYERS,
        **controls.seeded(_key("layer-count"), len(draft.layers)),
        help="Layers between the pixels and the ten answers. More layers take longer. They do not always read better: "
        "try.",
    )
    layers: list[LayerConfig] = []
    if count:
        for number, tab in enumerate(st.tabs([f"Layer {number + 1}" for number in range(count)])):
            with tab:
                before = draft.layers[number] if number < len(draft.layers) else LayerConfig()
                layers.append(_layer(number, before, layers))
    return dataclasses.replace(draft, layers=tuple(layers))


def _possible_kinds(earlier: list[LayerConfig]) -> list[str]:
    """A convolution needs a picture: it comes first or after another one, while there is picture left."""
    if not all(layer.is_convolution for layer in earlier):
        return ["dense"]
    return [
        kind
        for kind in settings.LAYER_KINDS
        if kind == "dense" or settings.picture_sides([*earlier, LayerConfig(kind)])[-1] >= 1
    ]


def _layer(number: int, before: LayerConfig, earlier: list[LayerConfig]) -> LayerConfig:
    kinds = _possible_kinds(earlier)
    kind = st.selectbox(
        "Kind",
        kinds,
        **controls.seeded_choice(_key(f"kind-{number}"), before.kind, kinds),
        format_func=settings.LAYER_KINDS.__getitem__,
        disabled=len(kinds) == 1,
        help="Dense: every unit sees everything. Convolution: small 3x3 filters slide over the picture; pooling "
        "then halves it. Convolutions come before dense layers, while there is picture left.",
    )
    left, right = st.columns(2)
    is_conv = kind != "dense"
    limits = settings.FILTERS if is_conv else settings.UNITS
    # The kind is part of the key, since what is a usual number of units is too many filters.
    default = before.units if before.is_convolution == is_conv else (32 if is_conv else 128)
    units = _whole_number(
        left,
        "Filters" if is_conv else "Units",
        f"units-{kind}-{number}",
        limits,
        default,
        f"How many {'filters' if is_conv else 'neurons'} this layer has.",
        step=8 if is_conv else 16,
    )
    activations = list(settings.ACTIVATIONS)
    activation = right.selectbox(
        "Activation",
        activations,
        **controls.seeded_choice(_key(f"activation-{number}"), before.activation, activations),
        format_func=settings.ACTIVATIONS.__getitem__,
        help="What each unit does with its weighted sum. Without a bend (linear), layers add nothing.",
    )
    dropout = st.slider(
        "Dropout",
        settings.DROPOUT.low,
        settings.DROPOUT.high,
        step=0.05,
        **controls.seeded(_key(f"dropout-{number}"), before.dropout),
        help="Randomly switches off this share of the units during training, to reduce overfitting.",
    )
    return LayerConfig(kind, units, activation, float(dropout))


def recipe(draft: RunConfig) -> RunConfig:
    """The controls for how the network learns; returns `draft` with what they say."""
    left, right = st.columns(2)
    optimizers = list(settings.OPTIMIZERS)
    optimizer = left.selectbox(
        "Optimizer",
        optimizers,
        **controls.seeded_choice(_key("optimizer"), draft.optimizer, optimizers),
        format_func=lambda name: settings.OPTIMIZERS[name].label,
        on_change=_suggest_learning_rate,
        help="The rule that turns gradients into new weights. Changing it sets its usual learning rate.",
    )
    learning_rate = _usual_number(
        right,
        "Learning rate",
        "learning-rate",
        _LEARNING_RATES,
        settings.LEARNING_RATE,
        draft.learning_rate,
        "How far each step goes. Too low: slow. Too high: unstable.",
    )
    batch_size = _usual_number(
        left,
        "Batch size",
        "batch-size",
        _BATCH_SIZES,
        settings.BATCH_SIZE,
        draft.batch_size,
        "Images looked at before each step. Small batches: more updates per epoch, but noisier ones.",
    )
    epochs = _whole_number(
        right, "Epochs", "epochs", settings.EPOCHS, draft.epochs, "How often the network sees every training image."
    )
    losses = list(settings.LOSSES)
    loss = left.selectbox(
        "Loss",
        losses,
        **controls.seeded_choice(_key("loss"), draft.loss, losses),
        format_func=settings.LOSSES.__getitem__,
        help="How wrong an answer is, as a number: what training makes smaller.",
    )
    l2 = right.number_input(
        "L2 penalty",
        settings.L2.low,
        settings.L2.high,
        step=0.0001,
        format="%g",
        **controls.seeded(_key("l2"), draft.l2),
        help="Adds the sum of squared weights, times this, to the loss: keeps weights small. 0 is off. "
        f"From {settings.L2.text}.",
    )
    seed = _whole_number(
        left,
        "Seed",
        "seed",
        settings.SEED,
        draft.seed,
        "Sets the first weights and the order of the images: the same seed repeats a run exactly.",
    )
    return dataclasses.replace(
        draft,
        optimizer=optimizer,
        learning_rate=learning_rate,
        batch_size=round(batch_size),
        epochs=epochs,
        loss=loss,
        l2=float(l2),
        seed=seed,
    )


def code(config: RunConfig) -> None:
    """The run as a Keras program, which changes as the controls do; folded away, and not made until it is wanted."""
    folded = st.expander("As Keras code", icon=":material/code:", on_change="rerun", key="code")
    if folded.open:
        with folded:
            st.code(keras_script.keras_script(config), language="python")


def _suggest_learning_rate() -> None:
    chosen = controls.chosen(_key("optimizer"))
    if chosen is None:  # A browser has sent the value of a control that has been made again.
        return
    optimizer = settings.OPTIMIZERS[chosen]
    controls.choose(_key("learning-rate"), settings.number_text(optimizer.default_learning_rate))


def data(draft: RunConfig) -> RunConfig:
    """The controls for what it learns from; returns `draft` with what they say."""
    names = data_sets.names()
    dataset = st.selectbox(
        "Data set",
        list(names),
        **controls.seeded_choice(_key("dataset"), draft.dataset, list(names)),
        format_func=names.__getitem__,
        help="MNIST is what the tutorials use. The embedded digits need no download.",
    )
    splits = list(settings.SPLITS)
    split = st.selectbox(
        "Test images",
        splits,
        **controls.seeded_choice(_key("split"), draft.split, splits),
        format_func=settings.SPLITS.__getitem__,
        help="Which images are kept from the network to test it at the end.",
    )
    images = st.number_input(
        "Training images",
        int(settings.TRAINING_IMAGES.low),
        int(settings.TRAINING_IMAGES.high),
        step=1000,
        **controls.seeded(_key("training-images"), draft.training_images),
        help="Learn from the first so many training images only. The fewer there are, the sooner a network overfits. "
        f"From {settings.TRAINING_IMAGES.text}; 0 takes all.",
    )
    scales = list(settings.PIXELS)
    pixels = st.selectbox(
        "Pixel values",
        scales,
        **controls.seeded_choice(_key("pixels"), draft.pixels, scales),
        format_func=settings.PIXELS.__getitem__,
        help="The numbers that a network gets for white, grey and black. Large ones make large steps: from 0 to 255, "
        "the same learning rate is far too high.",
    )
    orders = list(settings.ORDERS)
    order = st.selectbox(
        "Order of images",
        orders,
        **controls.seeded_choice(_key("order"), draft.order, orders),
        format_func=settings.ORDERS.__getitem__,
        help="In which order each epoch goes through the training images. In a file that is sorted by digit, a network "
        "that sees them as they stand forgets one digit over the next.",
    )
    augmentation = st.slider(
        "Augmentation",
        settings.AUGMENTATION.low,
        settings.AUGMENTATION.high,
        step=0.1,
        **controls.seeded(_key("augmentation"), draft.augmentation),
        help="How much each training image is turned, slanted, bent and made thicker or thinner, differently each "
        "time. The network learns more slowly, and reads other people's handwriting better. 0 is off, as in the "
        "tutorials.",
    )
    left, right = st.columns(2)
    fraction = left.slider(
        "Validation share",
        settings.VALIDATION_FRACTION.low,
        settings.VALIDATION_FRACTION.high,
        step=0.05,
        **controls.seeded(_key("validation"), draft.validation_fraction),
        help="Share of the training images set aside to watch how it does on images it does not learn from.",
    )
    patience = _whole_number(
        right,
        "Early stopping",
        "patience",
        settings.EARLY_STOPPING,
        draft.early_stopping,
        "Stop after so many epochs without a lower validation loss, and keep the best. 0 is off; "
        "needs a validation share.",
        disabled=not fraction,
    )
    return dataclasses.replace(
        draft,
        dataset=dataset,
        split=split,
        validation_fraction=float(fraction),
        early_stopping=patience if fraction else 0,
        augmentation=float(augmentation),
        pixels=pixels,
        order=order,
        training_images=int(images),
    )
