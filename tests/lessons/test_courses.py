"""The courses are complete, cover what the tutorials teach, and their numbers are right."""

from __future__ import annotations

import dataclasses
import math
import os

import numpy as np
import pytest

from mnist_core import network, training
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.data import datasets
from mnist_core.errors import DataError
from mnist_core.lessons.articles import ARTICLES
from mnist_core.lessons.course import CONCEPTS, Course, Progress, Question, Step
from mnist_core.lessons.courses import COURSES
from mnist_core.lessons.experiments import EXPERIMENTS
from mnist_core.training.classical import KINDS
from tests.events import finished

STEPS = [(key, number, step) for key, course in COURSES.items() for number, step in enumerate(course.steps, 1)]
STEP_IDS = [f"{key}-{number}" for key, number, _ in STEPS]


def step_of(key: str, title: str) -> Step:
    return next(step for step in COURSES[key].steps if step.title == title)


def right_answer(step: Step) -> str:
    return step.question.choices[step.question.right]


def test_courses_cover_every_concept() -> None:
    taught = {concept for _, _, step in STEPS for concept in step.concepts}
    assert taught == set(CONCEPTS)


@pytest.mark.parametrize(("key", "number", "step"), STEPS, ids=STEP_IDS)
def test_step_has_text_activity_and_question(key: str, number: int, step: Step) -> None:
    assert step.title
    assert 100 < len(step.text) < 700
    assert step.activity or step.trials
    assert step.article in ("", *ARTICLES)
    names = [trial.name for trial in step.trials]
    assert len(set(names)) == len(names)


QUESTIONS = [step.question for _, _, step in STEPS] + [experiment.question for experiment in EXPERIMENTS.values()]


@pytest.mark.parametrize("question", QUESTIONS, ids=[question.text[:40] for question in QUESTIONS])
def test_question_has_one_right_choice(question: Question) -> None:
    assert 2 <= len(question.choices) <= 4
    assert len(set(question.choices)) == len(question.choices)
    assert 0 <= question.right < len(question.choices)
    assert len(question.why) > 60


def test_right_answers_change_places() -> None:
    for course in COURSES.values():
        places = [step.question.right for step in course.steps]
        assert max(map(places.count, places)) <= 0.7 * len(places)


def test_titles_within_a_course_differ() -> None:
    for course in COURSES.values():
        titles = [step.title for step in course.steps]
        assert len(set(titles)) == len(titles)


# The numbers in the texts, computed independently.


def test_parameters_of_the_kite_network() -> None:
    step = step_of("kite", "Layers")
    assert right_answer(step) == f"{784 * 128 + 128 + 128 * 10 + 10:,}"
    assert "100,480" in step.question.why
    assert "1,290" in step.question.why


def test_most_frequent_mistake_in_the_printed_matrix() -> None:
    confusion = ARTICLES["kite"].confusion
    retold = ARTICLES["kite-retold"].confusion
    assert confusion is not None
    assert retold is not None
    mistakes = confusion - np.diag(np.diag(confusion))
    true, answer = np.unravel_index(mistakes.argmax(), mistakes.shape)
    step = step_of("kite", "Which digits does it mix up?")
    assert right_answer(step) == f"A {true} read as a {answer}"
    for number in (mistakes[true, answer], mistakes[answer, true], f"{np.trace(confusion):,}", f"{np.trace(retold):,}"):
        assert str(number) in step.question.why


def test_size_of_the_label_file() -> None:
    assert right_answer(step_of("kite", "What is in the file")) == f"{2 * 4 + 60_000:,} bytes"


def test_answer_of_the_neuron_in_the_question() -> None:
    assert right_answer(step_of("kite", "A neuron")) == f"{max(0, 1 * 2 + 0.5 * -4 + 0.5):g}"


def test_parameters_and_steps_of_torres() -> None:
    assert right_answer(step_of("torres", "Counting weights")) == str(10 * 10 + 10)
    assert right_answer(step_of("torres", "Epochs and batches")) == f"{60_000 // 100 * 5:,}"


def test_losses_of_two_answers() -> None:
    why = step_of("torres", "Loss, optimizer, metric").question.why
    assert f"{-math.log(0.51):.2f}" in why
    assert f"{-math.log(0.99):.2f}" in why


def test_parameters_of_the_second_wide_layer() -> None:
    step = step_of("morgan", "Deep or shallow")
    one, two = (network.parameter_count(trial.config) for trial in step.trials)
    assert f"{two - one:,}" == "262,656"
    assert "262,656" in step.question.text


def test_parameters_of_32_filters() -> None:
    step = step_of("morgan", "What a convolution sees")
    assert right_answer(step) == str(32 * 9 + 32)
    dense = network.parameter_count(RunConfig(layers=(LayerConfig(units=32),))) - (32 * 10 + 10)
    assert f"{dense:,}" in step.question.why


def test_parameters_of_the_convolutional_network() -> None:
    convolutions, wide = step_of("morgan", "A small convolutional network").trials
    ratio = network.parameter_count(wide.config) / network.parameter_count(convolutions.config)
    assert round(ratio) == 12


@pytest.mark.skipif("MNIST_DATA_DIR" not in os.environ, reason="MNIST is not here")
def test_overfitting_on_few_images() -> None:
    dataset = datasets.load("mnist")
    plain, with_dropout = (
        finished(list(training.train(trial.config, dataset))).history
        for trial in step_of("morgan", "Overfitting").trials
    )
    losses = [metrics.validation_loss or 0.0 for metrics in plain]
    lowest = losses.index(min(losses))
    assert min(metrics.accuracy for metrics in plain[17:]) > 0.99
    assert plain[-1].accuracy == 1
    assert plain[-1].loss < 0.005
    assert 8 < lowest < 22
    assert losses[lowest] < 0.4
    assert round(losses[-1], 2) == 0.49
    assert round(with_dropout[-1].validation_loss or 0.0, 2) == 0.44


# Progress.


def test_progress_from_its_text() -> None:
    for course in COURSES.values():
        answers = tuple(k % len(step.question.choices) if k % 3 else None for k, step in enumerate(course.steps))
        progress = Progress(answers)
        assert Progress.from_text(course, progress.to_text()) == progress


def test_progress_counts_done_steps() -> None:
    progress = Progress((1, None, 0, None))
    assert (progress.done, progress.next_step) == (2, 1)
    assert Progress((1, 1)).next_step == 1
    assert (Progress((1, 1, 0), frozenset({1})).done, Progress((1, 1, 0), frozenset({1})).next_step) == (2, 1)


def test_open_steps_in_the_progress_text() -> None:
    course = COURSES["kite"]
    progress = Progress((1, 0, *[None] * 8, 2), frozenset({1, 10}))
    assert progress.to_text() == "1a--------c"
    assert Progress.from_text(course, "1a--------c") == progress


def test_score_counts_right_answers() -> None:
    course = COURSES["kite"]
    right = tuple(step.question.right for step in course.steps)
    assert Progress(right).score(course) == 11
    assert Progress((right[0] + 1, None, *right[2:])).score(course) == 9


@pytest.mark.parametrize(
    "text", ["", "0", "9----------", "²----------", "x----------", "d----------", "-" * 12, "0" * 400]
)
def test_progress_that_does_not_fit(text: str) -> None:
    with pytest.raises(DataError, match="does not fit"):
        Progress.from_text(COURSES["kite"], text)


# Experiments.


def test_trials_differ_in_one_setting() -> None:
    neurons, layers = EXPERIMENTS["neurons"], EXPERIMENTS["layers"]
    for experiment in (neurons, layers):
        assert len(experiment.places) == len(experiment.trials)
        same = {dataclasses.replace(trial.config, layers=(), learning_rate=0.01) for trial in experiment.trials}
        assert len(same) == 1
    for place, trial in zip(neurons.places, neurons.trials, strict=True):
        assert [layer.units for layer in trial.config.layers] == [place]
        assert trial.config.learning_rate == 0.01
    for place, line, trial in zip(layers.places, layers.series, layers.trials, strict=True):
        assert len(trial.config.layers) == place
        assert line == f"rate {trial.config.learning_rate}"
    assert set(layers.series) == {"rate 0.01", "rate 0.1"}


def test_singular_and_plural_of_layers() -> None:
    names = [trial.name for trial in EXPERIMENTS["layers"].trials]
    assert names[:3] == ["no hidden layer, rate 0.01", "1 hidden layer, rate 0.01", "2 hidden layers, rate 0.01"]
    assert len(set(names)) == len(names)


def test_classical_models_use_the_same_split() -> None:
    experiment = EXPERIMENTS["forest"]
    assert set(experiment.classical) == set(KINDS)
    assert len({trial.config.split for trial in experiment.trials}) == 1


def test_course_is_frozen() -> None:
    course: Course = COURSES["kite"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        course.name = "other"  # type: ignore[misc]
