"""Draw a digit. See what networks read, and why."""

import streamlit as st

from mnist_core.data.sources import DIGITS, classes_of
from mnist_core.drawing import preprocessing, test_set
from mnist_core.errors import PlaygroundError
from mnist_core.language import gettext as _
from pages.widgets.common import board, explanations
from pages.widgets.draw import own_digits, reading
from pages.widgets.state import controls, data_sets, editor_state, own_work, warmup
from pages.widgets.state.keys import Key

STRAIGHT = Key("straight-noted", False)


st.title(_("Draw a digit"))
# Side by side on a wide screen, one below the other on a phone.
both = st.container(horizontal=True, gap="medium")
with both.container(width=board.WIDTH, key="sheet"):  # It stays in view beside a long explanation.
    wanted = st.container()
    sheet = board.drawing_board()
with both.container():
    # The answer comes first, so that it is near the canvas on a phone too. Its settings are below.
    with st.container(horizontal=True):
        answer = st.container()
        seen = st.container(width=112)
    settings = st.container(horizontal=True, vertical_alignment="bottom")
    # A closed expander computes nothing, so the answer is shown sooner.
    why = st.expander(_("Why this answer?"), icon=":material/search:", on_change="rerun", key="why")
    way = st.expander(_("How the drawing became 28x28"), icon=":material/image:", on_change="rerun", key="way")
    doctor = st.expander(
        _("What is unusual about this drawing?"), icon=":material/stethoscope:", on_change="rerun", key="doctor"
    )
    alike = st.expander(
        _("For comparison: training images most like yours"), icon=":material/apps:", on_change="rerun", key="alike"
    )
    own = st.expander(_("Your own test set"), icon=":material/collections_bookmark:", on_change="rerun", key="own")

drawn = as_mnist = None
name, names = "", DIGITS
hint = sheet.hint
try:
    with settings:
        predictors = reading.reader_menu()
        is_straight = st.toggle(
            _("Skip centring (just resize)"),
            **controls.seeded("straight", STRAIGHT.get()),
            help=_("Most demos just make the canvas smaller. See what that costs: draw small, or in a corner."),
        )
        STRAIGHT.set(is_straight)
    name = next(iter(predictors), "")
    names = predictors[name].class_names if name else DIGITS
    if sheet.rgba is not None:
        as_mnist = preprocessing.to_mnist(sheet.rgba)
        drawn = preprocessing.to_mnist(sheet.rgba, preprocessing.RESIZE_ONLY) if is_straight else as_mnist
        hint = as_mnist.warnings[0] if as_mnist.is_dot else hint
except PlaygroundError as error:
    hint = ""
    answer.error(_(error.message), icon=":material/error:")

classes = ", ".join(names[label] for label in classes_of(names))
wanted.caption(_("Draw one digit (0-9)") if names == DIGITS else _("Draw one of these: {classes}", classes=classes))
if sheet.rgba is None or drawn is None or as_mnist is None or as_mnist.is_empty or as_mnist.is_dot or not name:
    with answer:
        reading.empty_answers(predictors if name else {}, hint if name else _("Choose a network below."))
        own_digits.label_question(None, names=names)
    with seen:
        reading.network_input(drawn)
    for folded in (way, doctor, why, alike):
        folded.caption(_("Draw something first."))
else:
    own_work.LAST_DRAWING.set(test_set.pixels_of(drawn.image))
    # On a new server TensorFlow may still be loading.
    with answer, st.spinner(_("The network is getting ready ...")):
        warmup.wait_for_tensorflow()
        found = reading.network_answers(predictors, drawn.image)
        is_pair = reading.drawing_warnings(drawn, sheet.rgba, names)
        if not is_straight:
            if not is_pair:
                reading.no_digit_advice(predictors, found, drawn.image)
            reading.augmentation_advice(predictors, found, drawn.image)
        own_digits.label_question(as_mnist.image, sheet.strokes, names)
    with seen:  # After the answer, so that this picture never stands next to an older answer.
        reading.network_input(drawn)
    if way.open:
        with way:
            reading.preprocessing_steps(drawn)
    if doctor.open:
        with doctor:
            st.caption(name)
            reading.diagnosis_findings(sheet.rgba, predictors[name])
    if why.open:
        with why:
            st.markdown(f"{name}: {reading.answer_sentence(found[name], names)}")
            reading.answer_explanation(predictors[name], drawn.image, found[name])
    if alike.open:
        with alike:
            dataset = data_sets.get(editor_state.draft().dataset)
            if dataset is not None:
                explanations.similar_images(drawn.image, dataset)
if own.open:
    with own:
        own_digits.own_test_set(predictors if name else {}, names)
