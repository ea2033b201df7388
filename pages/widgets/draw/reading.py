"""Networks read a drawing: which networks, their answers, and explanations."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from mnist_core.charts.answers import answer_bars
from mnist_core.charts.network import signed_mosaic
from mnist_core.config import CLASSES, IMAGE_SIZE
from mnist_core.data.sources import DIGITS, classes_of, noun_of, outputs_to_show
from mnist_core.drawing import diagnosis, pieces, preprocessing
from mnist_core.evaluation import Prediction, Predictor, explanation, shipped
from mnist_core.language import Message, format_number, ngettext
from mnist_core.language import gettext as _
from mnist_core.runs.network_run import Run
from pages.widgets.common import explanations, pictures, run_picker, time_machine, vega_chart
from pages.widgets.common.misconception import misconception_link
from pages.widgets.state import controls, editor_state, visitor_runs
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    from streamlit.delta_generator import DeltaGenerator

    from mnist_core.config import LayerConfig
    from mnist_core.drawing import Drawing

SHIPPED = "shipped"
_SHIPPED_NAME = Message("Built-in network")
_MOST_NETWORKS = 3
_MOST_FEATURES = 32
# The augmentation that helped Morgan's network most with other handwriting.
_SUGGESTED = 0.8

_NETWORKS: Key[tuple[Sequence[str], Sequence[str]]] = Key("networks-noted", ((), ()))


def reader_menu() -> dict[str, Predictor]:
    """A menu of networks; returns the chosen ones by name. There is the built-in one and the visitor's own."""
    own = run_picker.readable_runs(networks_only=True)
    names = own | {SHIPPED: _(_SHIPPED_NAME)}
    preferred = visitor_runs.preferred_run_id() if visitor_runs.preferred_run_id() in own else next(iter(own), None)
    # At first, show the visitor's newest network next to the built-in one, which reads well.
    at_first = [SHIPPED] if preferred is None else [preferred, SHIPPED]
    chosen = st.multiselect(
        _("Networks"),
        list(names),
        key=controls.seed_several("networks", at_first, list(names), _NETWORKS.get()),
        default=controls.value_of("networks"),
        format_func=names.__getitem__,
        max_selections=_MOST_NETWORKS,
        placeholder=_("Choose networks"),
        help=_(
            "Up to {most} read the same drawing side by side. Your own appear here once they are trained.",
            most=_MOST_NETWORKS,
        ),
    )
    _NETWORKS.set((chosen, list(names)))
    found: dict[str, Predictor] = {}
    for one in chosen:
        if one == SHIPPED:
            found[_(_SHIPPED_NAME)] = shipped()
        else:
            found |= _predictor(one, names[one])
    return found


def _predictor(run_id: str, name: str) -> dict[str, Predictor]:
    """The predictor of a run at the chosen moment, with its name; if it cannot be opened, shows an error."""
    run = run_picker.opened_run(run_id)
    if not isinstance(run, Run) or run.snapshot.network is None:
        return {}
    network = run.snapshot.network
    whose = _("{title} (run {number})", title=run_picker.run_title(run), number=run.number)
    place = time_machine.moment_slider(run, _("Moment of {whose}", whose=run_picker.escape_markdown(whose)))
    then = None if place is None else time_machine.network_at(run, place)
    if place is not None and then is not None:
        network, name = then, f"{whose}, {time_machine.moment_text(run, place)}"
    return {name: Predictor(network, run.dataset.class_names, run.id)}


def network_answers(predictors: dict[str, Predictor], image: npt.NDArray[np.float32]) -> dict[str, Prediction]:
    """The networks' answers side by side; returns them."""
    found = {name: predictor(image) for name, predictor in predictors.items()}
    for name, place in _places(list(found)):
        with place:
            prediction, classes = found[name], predictors[name].class_names
            # Screen readers announce these boxes when they change.
            (st.info if prediction.is_confident else st.warning)(answer_sentence(prediction, classes))
            _bars(prediction, classes)
    st.caption(_shares_add_up([one.class_names for one in predictors.values()]))
    misconception_link("sure")
    return found


def empty_answers(predictors: dict[str, Predictor], reason: str) -> None:
    """The reason why there is no answer, if any, and empty bars, so that nothing moves when an answer comes."""
    for name, place in _places(list(predictors) or [""]):
        with place:
            if reason:
                st.info(reason)
            _bars(None, predictors[name].class_names if name else DIGITS)
    st.caption(_shares_add_up([one.class_names for one in predictors.values()]))
    misconception_link("sure")


def _shares_add_up(class_names: Sequence[Sequence[str]]) -> str:
    """What adds up to 100 %: with fewer than ten classes, the outputs without a class count too."""
    if any(len(classes_of(names)) < CLASSES for names in class_names):
        return _("All ten outputs, also those without a class, add up to 100%. Even at 99% the network can be wrong.")
    return _("The ten numbers add up to 100%. Even at 99% the network can be wrong.")


def _places(names: list[str]) -> Iterator[tuple[str, DeltaGenerator]]:
    for name, place in zip(names, st.columns(len(names)), strict=True):
        if len(names) > 1:
            place.caption(name)
        yield name, place


def _bars(prediction: Prediction | None, names: Sequence[str]) -> None:
    shares = np.zeros(CLASSES, np.float32) if prediction is None else prediction.probabilities
    best = None if prediction is None else int(prediction.digit)
    shown = outputs_to_show(names, best)
    table = pd.DataFrame({"digit": [names[label] for label in shown], "probability": shares[shown]})
    table["best"] = [label == best for label in shown]
    noun = noun_of(names)
    if best is None:
        alt = _("Empty bars, one for each {noun}: there is nothing to read yet.", noun=noun)
    else:
        winner = _("the {name}", name=names[best]) if noun == "digit" else names[best]
        alt = _(
            "Bars, one for each {noun}: {winner} has the largest share, {share}.",
            noun=noun,
            winner=winner,
            share=_share(float(shares[best])),
        )
    vega_chart.vega_chart(answer_bars([names[label] for label in shown]), table, alt=alt)


def network_input(drawn: Drawing | None) -> None:
    """The 28x28 image that the networks get; blank before anything is drawn."""
    blank = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.float32)
    image = blank if drawn is None else drawn.image
    alt = (
        _("Your drawing as the network sees it: 28 x 28 grey pixels.")
        if image.any()
        else _("Blank paper of 28 x 28 pixels.")
    )
    st.caption(_("What it sees: 28x28"))
    st.image(pictures.ink_url(image, 4), width=112, alt=alt)


def answer_sentence(prediction: Prediction, names: Sequence[str] = DIGITS) -> str:
    """The answer as a sentence with one of the ten class names, also if the network is not sure."""
    (digit, probability), (second, _second_share) = prediction.top(2)
    if not prediction.is_plausible:
        what = _("a digit") if noun_of(names) == "digit" else _("one of its classes")
        return _("This does not look like {what} to the network.", what=what)
    best = pictures.with_article(digit, names)
    if not prediction.is_confident:
        return _(
            "Not sure. Perhaps {best} ({probability:.0%}), perhaps {thing}.",
            best=best,
            probability=probability,
            thing=pictures.with_article(second, names),
        )
    return _("**It reads {best}** ({share})", best=best, share=_share(probability))


def _share(probability: float) -> str:
    return format_number(probability, ".1%") if probability < 0.9995 else _("over 99.9%")


def drawing_warnings(drawn: Drawing, rgba: npt.NDArray[np.uint8], names: Sequence[str]) -> bool:
    """What may mislead the networks, below their answers; returns whether the drawing looks like two digits.

    They are named, as the built-in network reads them, if the networks read digits.
    """
    pair = pieces.two_digits(rgba, shipped())
    found = pair if noun_of(names) == "digit" else None
    if found is not None:
        left, right = (pictures.with_article(digit) for digit in found)
        st.caption(
            _(
                ":material/lightbulb: This looks like two digits: {left} and {right}. Draw one digit at a time.",
                left=left,
                right=right,
            )
        )
    for warning in drawn.warnings:
        if found is None or warning not in preprocessing.SEVERAL:
            st.caption(f":material/lightbulb: {_(warning)}")
    return pair is not None


def no_digit_advice(
    predictors: dict[str, Predictor],
    found: dict[str, Prediction],
    image: npt.NDArray[np.float32],
) -> None:
    """Ask whether this is a digit, if the built-in network takes it for none, and say why others are confident."""
    sure = [name for name, one in predictors.items() if one.class_names == DIGITS and found[name].is_confident]
    if not shipped()(image).is_spread:
        return
    if sure:
        knows = ngettext(
            "{names} knows only digits, and must choose one of ten, whatever you draw.",
            "{names} know only digits, and must choose one of ten, whatever you draw.",
            len(sure),
            names=pictures.joined(sure),
        )
        doubt = _("Is this a digit? The built-in network does not think so: it has also seen letters and scribbles.")
        st.markdown(f"{doubt} {knows}")
    elif any(one.class_names == DIGITS for one in predictors.values()):
        st.caption(_(":material/lightbulb: Is this a letter or a scribble? The network knows only the digits 0 to 9."))


def augmentation_advice(
    predictors: dict[str, Predictor], found: dict[str, Prediction], image: npt.NDArray[np.float32]
) -> None:
    """Advice to train with augmentation, if a network of the visitor contradicts a sure built-in network.

    Only networks for digits can contradict it.
    """
    plain = [
        name
        for name, one in predictors.items()
        if one is not shipped() and one.class_names == DIGITS and not one.network.config.augmentation
    ]
    if not plain:
        return
    expected = shipped()(image)
    for name in plain:
        if expected.is_confident and found[name].digit != expected.digit:
            st.markdown(
                _(
                    "{name} has only seen the original training images. With augmentation it also "
                    "sees them turned, slanted and with other pens. That helps with other "
                    "handwriting, especially for large networks.",
                    name=name,
                )
            )
            again = dataclasses.replace(predictors[name].network.config, augmentation=_SUGGESTED)
            if st.button(
                _("Train it again with augmentation"), icon=":material/model_training:", key=f"augment-{name}"
            ):
                editor_state.load_config(again)
                st.switch_page("pages/train.py")


def preprocessing_steps(drawn: Drawing) -> None:
    """The preprocessing of the drawing to 28x28, step by step."""
    st.caption(_("From your drawing to what the network sees, step by step."))
    for step in drawn.steps:
        picture, text = st.columns([1, 3], vertical_alignment="center")
        scaled = pictures.ink_url(step.image, max(1, 196 // max(step.image.shape)))
        picture.image(scaled, width=84, alt=_("The drawing after this step: {name}.", name=step.name))
        text.markdown(f"**{_(step.name)}**  \n{_(step.explanation)}")


def diagnosis_findings(rgba: npt.NDArray[np.uint8], predictor: Predictor) -> None:
    """What is unusual about the drawing, and what the network reads when one step is changed."""
    found = diagnosis.diagnose(rgba)
    if not found:
        st.markdown(_("Nothing unusual. Size, place, lines and ink are as in MNIST."))
    for finding in found:
        other = preprocessing.to_mnist(rgba, finding.preparation).image
        picture, text = st.columns([1, 3], vertical_alignment="center")
        picture.image(pictures.ink_url(other, 7), width=84, alt=_("The drawing {trial}.", trial=finding.trial))
        digit, probability = predictor(other).top(1)[0]
        trial, name = _(finding.trial), predictor.class_names[digit]
        answer = f"{trial[0].upper() + trial[1:]}: **{name}** ({format_number(probability, '.0%')})."
        text.markdown(f"{_(finding.text)}  \n{answer}")


def answer_explanation(predictor: Predictor, image: npt.NDArray[np.float32], prediction: Prediction) -> None:
    """The pixels that support the answer, and the outputs of each layer."""
    network = predictor.network
    (digit, _first_share), (second, _second_share) = prediction.top(2)
    explanations.deciding_pixels(network, image, digit, second, predictor.class_names, _("the next best"))
    *hidden, _output = explanation.layer_outputs(network, image)
    for number, (layer, output) in enumerate(zip(network.config.layers, hidden, strict=True), 1):
        values = {"number": number, "units": layer.units, "first": _first(layer)}
        if layer.is_convolution:
            name = _("Layer {number}: activations of its {units} filters{first}", **values)
        else:
            name = _("Layer {number}: activations of its {units} units{first}", **values)
        st.caption(name)
        maps = np.moveaxis(output, -1, 0)[:_MOST_FEATURES] if output.ndim == 3 else output.reshape(-1, 1, 1)[:512]
        scaled = maps / max(float(np.abs(maps).max()), 1e-9)
        columns, side = (16, 36) if output.ndim == 3 else (32, 14)
        st.image(
            pictures.png_url(signed_mosaic(scaled, columns, side)),
            width="stretch",
            alt=_("{name}. Blue above 0, orange below, pale near 0.", name=name),
        )


def _first(layer: LayerConfig) -> str:
    most = _MOST_FEATURES if layer.is_convolution else 512
    return _(", the first {most}", most=most) if layer.units > most else ""
