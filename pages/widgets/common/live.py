"""The live view of a run: progress, buttons, curves, and what it has learned so far."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import presets
from mnist_core.charts import training as training_charts
from mnist_core.charts.network import signed_mosaic
from mnist_core.charts.training import Point
from mnist_core.config import LEARNING_RATE
from mnist_core.data import sources
from mnist_core.evaluation import explanation
from mnist_core.network import TrainedNetwork
from mnist_core.network.layers import Weights, initial_weights
from mnist_core.runs import scheduler
from mnist_core.training import Status, capacity, loop
from pages.widgets.common import pictures, run_picker, theme
from pages.widgets.state import saved_runs, visitor_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mnist_core.config import RunConfig
    from mnist_core.presets import Preset
    from mnist_core.runs.network_run import Run
    from mnist_core.runs.snapshot import Snapshot

POLL_SECONDS = 0.5
# A network that is already compiled has its first point within this time.
_MOMENT_SECONDS = 0.15
# At most this many points a curve; a phone cannot show more.
_MOST_POINTS = 240
_SAMPLES = 12
_NOT_YET = "–"
# How much higher a progress bar is than its text.
_BAR_PIXELS = 10


def live_view(run: Run | None, offer: Callable[[], None]) -> None:
    """The run. While it is active, it is redrawn about twice a second, less often on a busy server.

    Args:
        run: the run on the page; None before the first one.
        offer: draws the row of buttons while no run is active.
    """
    if run is not None and run.snapshot.status.is_active:
        is_awaited = _is_awaited(run.snapshot)
        interval = _MOMENT_SECONDS if is_awaited else poll_seconds()
        st.fragment(_follow, run_every=interval)(run, is_awaited, itertools.count())
        return
    with st.container():  # A fragment has a container too, so each row keeps its place before, during and after a run.
        _draw(run, run.snapshot if run else None, offer)


def poll_seconds() -> float:
    """How long a page waits until it polls again, in seconds.

    Longer on a busy server: there are fewer new points, and each poll takes time away from training.
    """
    return max(POLL_SECONDS, min(2 * POLL_SECONDS, scheduler.shared().active_runs / 20))


def _is_awaited(shot: Snapshot) -> bool:
    return shot.status is Status.WAITING and not shot.points


def _follow(run: Run, is_awaited: bool, looks: Iterator[int]) -> None:
    """Draw an active run.

    Args:
        run: the run.
        is_awaited: whether it had no point yet when the page's script ran.
        looks: counts the calls. The first one belongs to the page's script, which must not wait: until it ends, the
            browser keeps showing the old page.
    """
    shot = run.snapshot
    is_first_look = next(looks) == 0
    if not shot.status.is_active:
        st.rerun()  # The whole page: it stops polling and shows the result.
    _draw(run, shot)
    # Wait for the first point here, to show it before the next poll.
    if is_awaited and not is_first_look and run.wait_until_begun(POLL_SECONDS):
        st.rerun()


def _draw(run: Run | None, shot: Snapshot | None, offer: Callable[[], None] | None = None) -> None:
    """Rows that keep their places before, during and after a run, so that new ones replace old ones at once."""
    buttons = st.container(horizontal=True)
    state = st.container(gap=None)
    results = st.container(horizontal=True)
    below = st.container()
    curves = st.container()
    if offer is not None:
        # The buttons first, so that the text never mentions a Train button that is not there yet.
        with buttons:
            offer()
    with state:
        if run is None or shot is None:
            st.caption("Press **Train**. The curves appear here.")
            return
        if shot.status.is_active:
            _progress(run, shot)
        else:
            _how_it_ended(run, shot)
    if offer is None:
        with buttons:
            _orders(run, shot.status)
    with results:
        tutorial = _tutorial(run, shot)
        _figures(run, shot, tutorial)
    with below:
        _what_next(run, shot, tutorial)
    with curves:
        if shot.points:
            _curves(run, shot)
        _rates(shot)
        _insight(run, shot)
        saved_runs.unsaved_warning(run)


def _progress(run: Run, shot: Snapshot) -> None:
    others = scheduler.shared().active_runs - (shot.status is not Status.PAUSED)
    sharing = f"shared with {others} other {'run' if others == 1 else 'runs'}"
    if shot.status is Status.WAITING and not shot.points:
        text = f"{run_picker.escape_markdown(run_picker.run_title(run))} · preparing (only the first time) …"
        if others > 0:
            images = len(run.split.train_indices)
            alone = capacity.estimated_seconds(run.config, images)
            text = f"Waiting for a turn · {sharing} · all of it takes about {duration_text(alone * (1 + others))}"
        st.progress(0.0, text=text)
        return
    epoch = shot.points[-1].epoch if shot.points else 1
    text = f"{run_picker.escape_markdown(run_picker.run_title(run))} · **epoch {epoch} of {run.config.epochs}**"
    if run.is_stopping:
        text += " · stopping …"
    elif shot.status is Status.PAUSED:
        text += " · paused"
    else:
        left = run.seconds_left
        if left is not None:
            text += f" · {duration_text(left)} left"
        if others > 0:
            text += f" · {sharing}"
    speed = run.samples_per_second
    if speed:
        text += f" · {speed:,.0f} images a second"
    st.progress(run.fraction, text=text)


def duration_text(seconds: float) -> str:
    """A duration in words, such as "40 s" or "3 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"


def _orders(run: Run, status: Status) -> None:
    """The buttons of an active run, in the same places as those of `launch.train_buttons`."""
    turns = scheduler.shared()
    if status is Status.PAUSED:
        st.button(
            "Resume", icon=":material/play_arrow:", on_click=turns.resume, args=(run,), type="primary", help="Continue."
        )
        st.button(
            "Step",
            icon=":material/skip_next:",
            on_click=turns.step,
            args=(run,),
            help="Train a little further (0.2 s), then pause.",
        )
    else:
        st.button("Pause", icon=":material/pause:", on_click=turns.pause, args=(run,), help="Pause the training.")
        st.empty()
    with st.popover("Learning rate", icon=":material/speed:"):
        _learning_rate(run)
    st.button(
        "Stop",
        icon=":material/stop:",
        on_click=turns.stop,
        args=(run,),
        help="Stop and keep what it learned.",
    )
    st.button(
        "Reset",
        icon=":material/replay:",
        on_click=visitor_runs.clear_train_page,
        help="Stop, and clear the screen. The run stays under Compare.",
    )


def _learning_rate(run: Run) -> None:
    """Buttons that change the learning rate during the run."""
    rates = [run.learning_rate * factor for factor in (10, 3, 1 / 3, 1 / 10)]
    st.markdown(f"Learning rate now: **{run.learning_rate:g}**. Change it to:")
    with st.container(horizontal=True):
        for rate in (float(f"{rate:.2g}") for rate in rates):
            is_possible = LEARNING_RATE.low <= rate <= LEARNING_RATE.high
            st.button(
                f"{rate:g}",
                key=f"rate-{rate:g}",
                on_click=scheduler.shared().set_learning_rate,
                args=(run, rate),
                disabled=not is_possible,
            )


def _rates(shot: Snapshot) -> None:
    """The changes of the learning rate so far."""
    if shot.rates:
        changes = ", ".join(f"{x.learning_rate:g} from epoch {x.epoch}, step {x.step + 1}" for x in shot.rates)
        st.caption(f"Learning rate: {changes}.")


def curve_rows(shot: Snapshot, most: int) -> list[tuple[float, float, float | None, str]]:
    """A run's curve as rows of epoch, loss, accuracy and "training" or "validation".

    At most `most` rows are "training", see `loop.thinned`.
    """
    per_epoch = shot.started.steps_per_epoch if shot.started else 1
    rows: list[tuple[float, float, float | None, str]] = [
        ((point.epoch - 1) + point.step / per_epoch, point.loss, point.accuracy, "training")
        for point in reversed(loop.thinned(shot.points, most))
    ]
    rows += [
        (metrics.epoch, metrics.validation_loss, metrics.validation_accuracy, "validation")
        for metrics in shot.epochs
        if metrics.validation_loss is not None
    ]
    return rows


def curve_points(shot: Snapshot, most: int, run: str = "") -> list[Point]:
    """The rows of `curve_rows` as points of the charts, with the run's name."""
    names = {"training": training_charts.TRAINING, "validation": training_charts.VALIDATION}
    return [
        Point(epoch, epoch, accuracy, loss, names[images], run)
        for epoch, loss, accuracy, images in curve_rows(shot, most)
    ]


def _curves(run: Run, shot: Snapshot) -> None:
    import pandas as pd  # Imported with the first curve: it takes longer than the rest of the page.

    there = curve_points(shot, _MOST_POINTS)
    last = shot.points[-1]
    shows_validation = bool(run.config.validation_fraction)
    places = st.columns(2)
    for place, name, value in zip(
        places, ("accuracy", "loss"), (f"{last.accuracy:.1%}", f"{last.loss:.3f}"), strict=True
    ):
        ends = training_charts.ends(name, there, not shot.status.is_active)
        table = pd.DataFrame(training_charts.rows(name, there, run.config.epochs, ends))
        spec = training_charts.learning_curves(
            name, [""], shows_validation=shows_validation, text_color=theme.text_color(), height=220
        )
        with place.container(key=f"{name}-curve"):
            st.markdown(f"**{name.capitalize()} on training images** {value}")
            # The text never changes: a new one would draw the chart again.
            alt = (
                f"Curve: the {name} on training images{' and validation images' if shows_validation else ''}, by epoch."
            )
            st.vega_lite_chart(table, spec, key=f"{name}-chart", alt=alt)


def _insight(run: Run, shot: Snapshot) -> None:
    if shot.weights is None:
        return
    if not run.config.layers:
        what = "each digit looks"
    else:
        what = "the first filters look" if run.config.layers[0].is_convolution else "the first units look"
    left, right = st.columns(2)
    with left:
        st.markdown(
            "**Weights of the first layer**",
            help=f"What {what} for. Each picture is one unit's weights: ink on blue speaks for it, ink on orange "
            "against it.",
        )
        only_change = st.toggle(
            "Show only the change", key="only-change", help="Subtracts the random starting weights."
        )
        start = _first_weights(run) if only_change else None
        st.image(
            pictures.png_url(signed_mosaic(explanation.first_layer_pictures(shot.weights, start))),
            alt=f"Weights of the first layer{' minus the random start' if only_change else ''}: a picture for "
            "each unit, blue where ink speaks for it, orange where ink speaks against it.",
        )
    with right:
        st.markdown("**How it reads twelve test images**", help="Its answer below each, and how sure it is.")
        _samples(run, TrainedNetwork(run.config, shot.weights))


def _first_weights(run: Run) -> Weights:
    return run.start.weights[:1] if run.start else _random_weights(run.config)


@functools.lru_cache(maxsize=8)
def _random_weights(config: RunConfig) -> Weights:
    return initial_weights(config)[:1]


def _samples(run: Run, network: TrainedNetwork) -> None:
    images, labels = run.split.test_images[:_SAMPLES], run.split.test_labels[:_SAMPLES]
    names = run.dataset.class_names
    probabilities = network.predict(images)
    answers = probabilities.argmax(axis=1)
    captions = [
        pictures.answer_caption(label, answer, chances[answer], names)
        for answer, label, chances in zip(answers, labels, probabilities, strict=True)
    ]
    said = [
        f"Test image of {pictures.with_article(label, names)}, read as {pictures.with_article(answer, names)}."
        for answer, label in zip(answers, labels, strict=True)
    ]
    pictures.image_row(list(images), captions, alt=said)


def _how_it_ended(run: Run, shot: Snapshot) -> None:
    if shot.status is Status.FAILED:
        st.error(shot.message, icon=":material/error:")
    elif shot.message:
        st.info(shot.message, icon=":material/info:")
    if shot.evaluation is None:
        if shot.status is Status.STOPPED:
            st.info("Stopped before it had learned anything.", icon=":material/info:")
        return
    is_whole = shot.status is Status.FINISHED or not shot.points
    where = "" if is_whole else f", stopped during epoch {shot.points[-1].epoch} of {run.config.epochs}"
    st.markdown(f"{run_picker.escape_markdown(run_picker.run_title(run))} · **run {run.number}**{where}")
    st.space(_BAR_PIXELS)


def _tutorial(run: Run, shot: Snapshot) -> Preset | None:
    """The tutorial whose figures can be compared: same recipe, all epochs, learning rate not changed."""
    recipe = presets.recipe_of(run.config)
    is_whole = shot.status is Status.FINISHED or shot.status.is_active
    return recipe if recipe and recipe.published and is_whole and not shot.rates else None


def _figures(run: Run, shot: Snapshot, tutorial: Preset | None) -> None:
    """The test results; empty places during the run, so that nothing moves when they come."""
    evaluation = shot.evaluation
    if evaluation is None and not shot.status.is_active:
        return
    published = tutorial.published if tutorial and sources.has_published_figures(run.dataset.name) else None
    accuracy = f"{published.test_accuracy:.2%} in the tutorial" if published else None
    loss = f"{published.test_loss} in the tutorial" if published and published.test_loss is not None else None
    source = f" Tutorial: {tutorial.source}." if tutorial and published else ""
    st.metric(
        "Test accuracy",
        f"{evaluation.accuracy:.2%}" if evaluation else _NOT_YET,
        accuracy,
        delta_color="off",
        delta_arrow="off",
        help="Share of the test images that it reads right. It does not train on them. The test comes after the run."
        + source,
    )
    st.metric(
        "Test loss",
        f"{evaluation.loss:.4f}" if evaluation else _NOT_YET,
        loss,
        delta_color="off",
        delta_arrow="off",
        help="How wrong its answers are on the test images. 0 is perfect." + source,
    )


def _what_next(run: Run, shot: Snapshot, tutorial: Preset | None) -> None:
    with st.container(horizontal=True):
        if shot.evaluation is not None:
            st.page_link("pages/evaluate.py", label="See its mistakes", icon=":material/grid_on:")
            st.page_link("pages/draw.py", label="Draw a digit for it", icon=":material/draw:")
        elif shot.status.is_active:
            st.caption("It is tested when the run has ended.")
    if tutorial is None or tutorial.published is None:
        return
    if not sources.has_published_figures(run.dataset.name):
        st.caption("The tutorial's figures are for MNIST. This run learns from other images.")
    elif tutorial.published.note:
        st.caption(tutorial.published.note)
