"""The courses are complete, cover what the tutorials teach, and their numbers are right."""

from __future__ import annotations

import math
import os
import re

import numpy as np
import pytest

from mnist_core import network, training
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.data import datasets
from mnist_core.lessons.articles import ARTICLES
from mnist_core.lessons.check import ITEMS
from mnist_core.lessons.course import CONCEPTS, RIGHT, Question, Step, Wrong
from mnist_core.lessons.courses import COURSES, FORMER, find_step, linked_step, step_of
from mnist_core.lessons.faults import FAULTS
from mnist_core.lessons.glossary import GLOSSARY, terms_in
from mnist_core.lessons.misconceptions import MISCONCEPTIONS
from mnist_core.runs.run_cache import MAX_HELD_MEGABYTES
from mnist_core.training.classical import KINDS
from tests.events import finished

STEPS = [step for course in COURSES.values() for step in course.steps]
STEP_IDS = [step.key for step in STEPS]


def question_of(key: str) -> Question:
    question = step_of(key).question
    assert question is not None
    return question


def test_courses_cover_every_concept() -> None:
    taught = {concept for step in STEPS for concept in step.concepts}
    assert taught == set(CONCEPTS)


def test_number_of_steps_and_minutes() -> None:
    assert [len(COURSES[key].steps) for key in ("how", "better", "trust")] == [9, 9, 8]
    assert COURSES["how"].minutes == 30


def test_keys_are_unique() -> None:
    assert len(set(STEP_IDS)) == len(STEP_IDS)


@pytest.mark.parametrize("step", STEPS, ids=STEP_IDS)
def test_step_is_complete(step: Step) -> None:
    assert step.title
    assert 80 < len(step.text) < 600
    assert step.activity or step.has_runs
    assert step.article in ("", *ARTICLES)
    assert set(step.classical) <= set(KINDS)
    assert {trial.fault for trial in step.trials} <= {"", *FAULTS}
    names = [trial.name for trial in step.trials]
    assert len(set(names)) == len(names)
    if step.trend is not None:
        assert len(step.trend.places) == len(step.trials)
        assert len(step.trend.series) in (0, len(step.trials))


@pytest.mark.parametrize("step", STEPS, ids=STEP_IDS)
def test_minutes_are_enough_to_read_the_step(step: Step) -> None:
    """People who read English as a second language read about 130 words a minute, and a step asks them to think."""
    words = len(step.text.split())
    if step.question is not None:
        parts = (step.question.text, step.question.why, *step.question.choices)
        words += sum(len(part.split()) for part in parts)
    assert words / 130 + 1 <= step.minutes


QUESTIONS = [step.question for step in STEPS if step.question is not None] + list(ITEMS.values())
QUESTION_IDS = [question.text[:40] for question in QUESTIONS]


@pytest.mark.parametrize("question", QUESTIONS, ids=QUESTION_IDS)
def test_question_is_complete(question: Question) -> None:
    assert 2 <= len(question.wrong) <= 3
    assert len(set(question.choices)) == len(question.choices)
    assert question.choices[RIGHT] == question.right
    assert question.reply(RIGHT) == ""
    assert all(len(question.reply(place)) > 15 for place in range(1, len(question.choices)))
    assert question.why


@pytest.mark.parametrize("step", STEPS, ids=STEP_IDS)
def test_text_does_not_give_the_answer_away(step: Step) -> None:
    if step.question is not None and len(step.question.right) > 5:
        assert step.question.right.lower() not in step.text.lower()


def test_right_answers_are_seldom_the_longest() -> None:
    longest = [len(question.right) > max(len(one.text) for one in question.wrong) for question in QUESTIONS]
    assert sum(longest) < len(QUESTIONS) / 3


def test_choices_are_shuffled_for_each_visitor() -> None:
    question = QUESTIONS[0]
    visitors = [question.shuffled(f"visitor {k}") for k in range(300)]
    assert question.shuffled("visitor 7") == visitors[7]
    assert all(sorted(order) == list(range(len(question.choices))) for order in visitors)
    places = [order.index(RIGHT) for order in visitors]
    expected = len(visitors) / len(question.choices)
    assert all(0.6 * expected < places.count(place) < 1.4 * expected for place in range(len(question.choices)))


def test_questions_of_a_visitor_have_right_answers_in_all_places() -> None:
    places = [question.shuffled("a visitor").index(RIGHT) for question in QUESTIONS]
    assert max(places.count(place) for place in range(3)) < 0.5 * len(places)


def test_misconceptions_lead_to_steps() -> None:
    assert len(MISCONCEPTIONS) == 7
    for one in MISCONCEPTIONS.values():
        assert find_step(one.step) is not None


def test_every_former_step_has_a_place() -> None:
    assert {key: len(steps) for key, steps in FORMER.items()} == {"kite": 11, "torres": 13, "morgan": 10}
    for steps in FORMER.values():
        assert all(find_step(key) is not None for key in steps)


def test_a_server_keeps_all_runs_of_the_learn_page() -> None:
    """Otherwise another visitor's run would remove the explanation of a step."""
    networks = {(trial.config, trial.fault) for step in STEPS for trial in step.trials}
    networks |= {(fault.config, key) for key, fault in FAULTS.items()}
    networks |= {(article.config, "") for article in ARTICLES.values()}
    models = {(kind, step.trials[0].config.split) for step in STEPS for kind in step.classical}
    answers = {"official": 10_000 * (10 * 4 + 8 + 8), "kite": 15_000 * (10 * 4 + 8 + 8)}  # MNIST's; bytes.
    results = [answers[split] for _kind, split in models]
    # With early stopping, the final network is not that of the last epoch.
    results += [answers[config.split] + 2 * 4 * network.parameter_count(config) for config, _fault in networks]
    assert sum(results) <= MAX_HELD_MEGABYTES * 2**20


def test_link_to_a_step() -> None:
    assert linked_step("", "sure") == ("how", 7)
    assert linked_step("how", "sure") == ("how", 7)


def test_link_to_a_step_of_an_earlier_version() -> None:
    assert linked_step("kite", "9") == find_step("learn")
    assert linked_step("torres", "13") == find_step("mushrooms")


@pytest.mark.parametrize(
    ("course", "step"),
    [
        ("", ""),
        ("", "9"),
        ("how", "1"),
        ("kite", "0"),
        ("kite", "12"),
        ("kite", "²"),
        ("kite", "sure"),
        ("", "x" * 999),
    ],
)
def test_link_to_no_step(course: str, step: str) -> None:
    assert linked_step(course, step) is None


def test_order_of_equal_questions_is_equal() -> None:
    one, other = (Question("Which?", "A", "Because.", (Wrong("B", "No."), Wrong("C", "No."))) for _ in range(2))
    assert one.shuffled("x") == other.shuffled("x")


# What the pages call their own controls.
CONTROLS = {"More settings", "Teach it", "See its mistakes", "Check a published result"}


@pytest.mark.parametrize("step", STEPS, ids=STEP_IDS)
def test_new_words_are_in_the_glossary(step: Step) -> None:
    why = "" if step.question is None else step.question.why
    bold = set(re.findall(r"\*\*(.+?)\*\*", step.text + why)) - CONTROLS
    known = {term.lower() for term in GLOSSARY}
    assert {word.lower().removesuffix("s") if word == "layers" else word.lower() for word in bold} <= known


def test_glossary_is_in_order() -> None:
    assert list(GLOSSARY) == sorted(GLOSSARY, key=str.lower)
    assert all(len(text.split()) <= 20 for text in GLOSSARY.values())


def test_terms_in_a_text() -> None:
    text = "The training takes long. Two **layers** see the test images; a weight of pixels, Softmax and re-weighting."
    assert list(terms_in(text)) == ["layer", "pixel", "softmax", "test", "weight"]


# The numbers in the texts, computed independently.


def test_label_of_a_two() -> None:
    assert question_of("numbers").right.split() == list(np.eye(10, dtype=int)[2].astype(str))


def test_answer_of_the_neuron_in_the_question() -> None:
    assert question_of("neuron").right == f"{max(0, 1 * 2 + 0.5 * -4 + 0.5):g}"


def test_most_frequent_mistake_in_the_printed_matrix() -> None:
    confusion, retold = ARTICLES["kite"].confusion, ARTICLES["kite-retold"].confusion
    assert confusion is not None
    assert retold is not None
    mistakes = confusion - np.diag(np.diag(confusion))
    true, answer = np.unravel_index(mistakes.argmax(), mistakes.shape)
    question = question_of("printed-matrix")
    assert f"row {true}, column {answer} says {mistakes[true, answer]}" in question.text
    assert question.right == f"A {true} was read as a {answer}"
    for number in (mistakes[answer, true], f"{np.trace(confusion):,}", f"{np.trace(retold):,}"):
        assert str(number) in question.why


def test_size_of_the_label_file() -> None:
    assert question_of("file").right == f"{2 * 4 + 60_000:,} bytes"


def test_parameters_of_the_tutorials() -> None:
    question = question_of("parameters")
    assert question.right == str(10 * 10 + 10)
    assert f"{784 * 128 + 128:,} + {128 * 10 + 10:,} = {784 * 128 + 128 + 128 * 10 + 10:,}" in question.why


def test_steps_of_five_epochs() -> None:
    torres = step_of("published").trials[0].config
    assert (torres.epochs, torres.batch_size) == (5, 100)


def test_parameters_of_the_second_wide_layer() -> None:
    one, two, _ = (network.parameter_count(trial.config) for trial in step_of("depth").trials)
    assert f"{two - one:,}" in question_of("depth").text


def test_parameters_of_32_filters() -> None:
    question = question_of("convolution")
    assert question.right == str(32 * 9 + 32)
    dense = network.parameter_count(RunConfig(layers=(LayerConfig(units=32),))) - (32 * 10 + 10)
    assert f"{dense:,}" in question.why


def test_parameters_of_the_convolutional_network() -> None:
    convolutions, wide = step_of("cnn").trials
    ratio = network.parameter_count(wide.config) / network.parameter_count(convolutions.config)
    assert round(ratio) == 12


def test_accuracy_and_recall_of_the_five() -> None:
    confusion = ARTICLES["kite"].confusion
    assert confusion is not None
    missed, wrongly = confusion[5].sum() - confusion[5, 5], confusion[:, 5].sum() - confusion[5, 5]
    assert math.floor(100 * (1 - (missed + wrongly) / confusion.sum())) == 98
    assert round(confusion[5].sum() / missed) == 10
    assert "98%" in question_of("outcomes").why


needs_mnist = pytest.mark.skipif("MNIST_DATA_DIR" not in os.environ, reason="MNIST is not here")


@needs_mnist
def test_overfitting_on_few_images() -> None:
    trial = step_of("overfitting").trials[0]
    history = finished(list(training.train(trial.config, datasets.load("mnist")))).history
    losses = [metrics.validation_loss or 0.0 for metrics in history]
    lowest = losses.index(min(losses))
    assert history[-1].accuracy == 1
    assert history[-1].loss < 0.005
    assert 8 < lowest < 22
    assert losses[-1] > 1.15 * losses[lowest]
