"""The controls that describe a run. Each takes its choices and limits from `mnist_core.config`."""

from __future__ import annotations

import dataclasses

import streamlit as st

from mnist_core import config as settings
from mnist_core import script
from mnist_core.config import LayerConfig, RunConfig
from pages.widgets import data as data_sets
from pages.widgets import session


def _key(name: str) -> str:
    return f"{name}-{session.edition()}"


def network(draft: RunConfig) -> RunConfig:
    """The hidden layers' controls; returns `draft` with what they say."""
    count = st.slider(
        "Hidden layers",
        0,
        settings.MAX_LAYERS,
        **session.seeded(_key("layer-count"), len(draft.layers)),
        help="Layers between the pixels and the ten answers. More can learn finer things, and take longer.",
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
    left, right = st.columns(2)
    kind = left.selectbox(
        "Kind",
        kinds,
        **session.seeded_choice(_key(f"kind-{number}"), before.kind, kinds),
        format_func=settings.LAYER_KINDS.__getitem__,
        disabled=len(kinds) == 1,
        help="Dense: every unit sees everything. Convolution: small 3x3 filters slide over the picture; pooling "
        "then halves it. Convolutions come before dense layers, while there is picture left.",
    )
    is_conv = kind != "dense"
    limits = settings.FILTERS if is_conv else settings.UNITS
    # The kind is part of the key, since what is a usual number of units is too many filters.
    default = before.units if before.is_convolution == is_conv else (32 if is_conv else 128)
    units = right.number_input(
        "Filters" if is_conv else "Units",
        int(limits.low),
        int(limits.high),
        **session.seeded(_key(f"units-{kind}-{number}"), default),
        help=f"How many {'filters' if is_conv else 'neurons'} this layer has, {limits.text}.",
    )
    activations = list(settings.ACTIVATIONS)
    activation = left.selectbox(
        "Activation",
        activations,
        **session.seeded_choice(_key(f"activation-{number}"), before.activation, activations),
        format_func=settings.ACTIVATIONS.__getitem__,
        help="What each unit does with its weighted sum. Without a bend (linear), layers add nothing.",
    )
    dropout = right.slider(
        "Dropout",
        settings.DROPOUT.low,
        settings.DROPOUT.high,
        step=0.05,
        **session.seeded(_key(f"dropout-{number}"), before.dropout),
        help="Share of this layer's outputs silenced at random in every step, against learning by heart.",
    )
    return LayerConfig(kind, int(units), activation, float(dropout))


def recipe(draft: RunConfig) -> RunConfig:
    """The controls for how the network learns; returns `draft` with what they say."""
    left, right = st.columns(2)
    optimizers = list(settings.OPTIMIZERS)
    optimizer = left.selectbox(
        "Optimizer",
        optimizers,
        **session.seeded_choice(_key("optimizer"), draft.optimizer, optimizers),
        format_func=lambda name: settings.OPTIMIZERS[name].label,
        on_change=_suggest_learning_rate,
        help="The rule that turns gradients into new weights. Changing it sets its usual learning rate.",
    )
    learning_rate = right.number_input(
        "Learning rate",
        settings.LEARNING_RATE.low,
        settings.LEARNING_RATE.high,
        step=0.001,
        format="%g",
        **session.seeded(_key("learning-rate"), draft.learning_rate),
        help="How far each step goes. Too low crawls, too high jumps about or blows up.",
    )
    batch_size = left.number_input(
        "Batch size",
        int(settings.BATCH_SIZE.low),
        int(settings.BATCH_SIZE.high),
        **session.seeded(_key("batch-size"), draft.batch_size),
        help="Images looked at before each step. Small batches step more often, and more shakily.",
    )
    epochs = right.number_input(
        "Epochs",
        int(settings.EPOCHS.low),
        int(settings.EPOCHS.high),
        **session.seeded(_key("epochs"), draft.epochs),
        help="How often the network sees every training image.",
    )
    losses = list(settings.LOSSES)
    loss = left.selectbox(
        "Loss",
        losses,
        **session.seeded_choice(_key("loss"), draft.loss, losses),
        format_func=settings.LOSSES.__getitem__,
        help="How wrong an answer is, as a number: what training makes smaller.",
    )
    l2 = right.number_input(
        "L2 penalty",
        settings.L2.low,
        settings.L2.high,
        step=0.0001,
        format="%g",
        **session.seeded(_key("l2"), draft.l2),
        help="Adds the sum of squared weights, times this, to the loss: keeps weights small. 0 is off.",
    )
    seed = left.number_input(
        "Seed",
        int(settings.SEED.low),
        int(settings.SEED.high),
        **session.seeded(_key("seed"), draft.seed),
        help="Starting weights and order of images follow from it: the same seed repeats a run exactly.",
    )
    return dataclasses.replace(
        draft,
        optimizer=optimizer,
        learning_rate=float(learning_rate),
        batch_size=int(batch_size),
        epochs=int(epochs),
        loss=loss,
        l2=float(l2),
        seed=int(seed),
    )


def code(config: RunConfig) -> None:
    """The run as a Keras program, which changes as the controls do; folded away, and not made until it is wanted."""
    folded = st.expander("As Keras code", icon=":material/code:", on_change="rerun", key="code")
    if folded.open:
        with folded:
            st.code(script.keras_script(config), language="python")


def _suggest_learning_rate() -> None:
    optimizer = settings.OPTIMIZERS[session.chosen(_key("optimizer"))]
    session.choose(_key("learning-rate"), optimizer.default_learning_rate)


def data(draft: RunConfig) -> RunConfig:
    """The controls for what it learns from; returns `draft` with what they say."""
    names = data_sets.names()
    dataset = st.selectbox(
        "Data set",
        list(names),
        **session.seeded_choice(_key("dataset"), draft.dataset, list(names)),
        format_func=names.__getitem__,
        help="MNIST is what the tutorials use. The embedded digits need no download.",
    )
    splits = list(settings.SPLITS)
    split = st.selectbox(
        "Test images",
        splits,
        **session.seeded_choice(_key("split"), draft.split, splits),
        format_func=settings.SPLITS.__getitem__,
        help="Which images are kept from the network to test it at the end.",
    )
    scales = list(settings.PIXELS)
    pixels = st.selectbox(
        "Pixel values",
        scales,
        **session.seeded_choice(_key("pixels"), draft.pixels, scales),
        format_func=settings.PIXELS.__getitem__,
        help="The numbers that a network gets for white, grey and black. Large ones make large steps: from 0 to 255, "
        "the same learning rate is far too high.",
    )
    orders = list(settings.ORDERS)
    order = st.selectbox(
        "Order of images",
        orders,
        **session.seeded_choice(_key("order"), draft.order, orders),
        format_func=settings.ORDERS.__getitem__,
        help="In which order each epoch goes through the training images. In a file that is sorted by digit, a network "
        "that sees them as they stand forgets one digit over the next.",
    )
    augmentation = st.slider(
        "Augmentation",
        settings.AUGMENTATION.low,
        settings.AUGMENTATION.high,
        step=0.1,
        **session.seeded(_key("augmentation"), draft.augmentation),
        help="How much each training image is turned, slanted, bent and made thicker or thinner, anew each time. "
        "It makes a network slower to learn and better at other people's hands. 0 is off, as in the tutorials.",
    )
    left, right = st.columns(2)
    fraction = left.slider(
        "Validation share",
        settings.VALIDATION_FRACTION.low,
        settings.VALIDATION_FRACTION.high,
        step=0.05,
        **session.seeded(_key("validation"), draft.validation_fraction),
        help="Share of the training images set aside to watch how it does on images it does not learn from.",
    )
    patience = right.number_input(
        "Early stopping",
        int(settings.EARLY_STOPPING.low),
        int(settings.EARLY_STOPPING.high),
        **session.seeded(_key("patience"), draft.early_stopping),
        disabled=not fraction,
        help="Stop after so many epochs without a lower validation loss, and keep the best. 0 is off; "
        "needs a validation share.",
    )
    return dataclasses.replace(
        draft,
        dataset=dataset,
        split=split,
        validation_fraction=float(fraction),
        early_stopping=int(patience) if fraction else 0,
        augmentation=float(augmentation),
        pixels=pixels,
        order=order,
    )
