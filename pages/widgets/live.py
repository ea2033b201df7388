"""A run as it is watched: its progress, its orders, its curves, and what it has learned so far."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import capacity, explain, figures, forward, presets, scheduler, training
from mnist_core.config import LEARNING_RATE
from mnist_core.job import Status
from mnist_core.network import TrainedNetwork
from pages.widgets import pictures, runs, session, workspace

if TYPE_CHECKING:
    from mnist_core.config import RunConfig
    from mnist_core.live_run import Run, Snapshot

POLL_SECONDS = 0.5
# A network that is compiled already has its first point in less than this.
_MOMENT_SECONDS = 0.15
# The curve is drawn with so many points at most; a phone shows no more.
_MOST_POINTS = 240
_SAMPLES = 12


def show(run: Run) -> None:
    """The run, redrawn twice a second or somewhat less often for as long as it is under way."""
    if run.snapshot.status is Status.WAITING:
        run.wait_until_begun(_MOMENT_SECONDS)
    shot = run.snapshot
    if shot.status.is_active:
        is_awaited = shot.status is Status.WAITING and not shot.points
        st.fragment(_await if is_awaited else _follow, run_every=poll_seconds())(run)
    else:
        _draw(run, shot)


def poll_seconds() -> float:
    """How long a page waits until it looks again.

    More where many share: their points come less often too, and what all their pages take, training has not.
    """
    return max(POLL_SECONDS, min(2 * POLL_SECONDS, scheduler.shared().active_runs / 20))


def _await(run: Run) -> None:
    _draw(run, run.snapshot)
    # Not by the next poll: the first point is shown when it is there.
    if run.wait_until_begun(POLL_SECONDS):
        st.rerun()


def _follow(run: Run) -> None:
    shot = run.snapshot
    if not shot.status.is_active:
        st.rerun()  # The whole page, which stops polling and shows the ending.
    _draw(run, shot)


def _draw(run: Run, shot: Snapshot) -> None:
    if shot.status.is_active:
        _orders(run, shot.status)
        _progress(run, shot)
    else:
        _ending(run, shot)
    _rates(shot)
    if shot.points:
        _curves(run, shot)
    _insight(run, shot)
    workspace.show_trouble(run)


def _progress(run: Run, shot: Snapshot) -> None:
    others = scheduler.shared().active_runs - (shot.status is not Status.PAUSED)
    sharing = f"shared with {others} other {'run' if others == 1 else 'runs'}"
    if shot.status is Status.WAITING and not shot.points:
        text = f"{runs.in_markdown(runs.title(run))} · getting ready: it is compiled for this computer …"
        if others > 0:
            images = len(run.split.train_indices)
            alone = capacity.estimated_seconds(run.config, images)
            text = f"Waiting for a turn · {sharing} · all of it takes about {duration(alone * (1 + others))}"
        st.progress(0.0, text=text)
        return
    epoch = shot.points[-1].epoch if shot.points else 1
    text = f"{runs.in_markdown(runs.title(run))} · **epoch {epoch} of {run.config.epochs}**"
    if run.is_stopping:
        text += " · stopping …"
    elif shot.status is Status.PAUSED:
        text += " · paused"
    else:
        left = run.seconds_left
        if left is not None:
            text += f" · {duration(left)} left"
        if others > 0:
            text += f" · {sharing}"
    speed = run.samples_per_second
    if speed:
        text += f" · {speed:,.0f} images a second"
    st.progress(run.fraction, text=text)


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"


def _orders(run: Run, status: Status) -> None:
    with st.container(horizontal=True):
        if status is Status.PAUSED:
            st.button("Resume", icon=":material/play_arrow:", on_click=run.resume, type="primary", help="Go on.")
            st.button(
                "Step",
                icon=":material/skip_next:",
                on_click=run.step,
                help="Go on for a fifth of a second.",
            )
        else:
            st.button("Pause", icon=":material/pause:", on_click=run.pause, help="Hold it where it is.")
        with st.popover("Learning rate", icon=":material/speed:"):
            _learning_rate(run)
        st.button("Stop", icon=":material/stop:", on_click=run.stop, help="End here and keep what it learned.")
        st.button("Reset", icon=":material/replay:", on_click=session.reset, help="Stop, and clear this run away.")


def _learning_rate(run: Run) -> None:
    """Turn the learning rate while the run goes on."""
    rates = [run.learning_rate * factor for factor in (10, 3, 1 / 3, 1 / 10)]
    st.markdown(f"Now **{run.learning_rate:g}**. Larger steps learn faster and less finely. From the next chunk:")
    with st.container(horizontal=True):
        for rate in (float(f"{rate:.2g}") for rate in rates):
            is_possible = LEARNING_RATE.low <= rate <= LEARNING_RATE.high
            st.button(
                f"{rate:g}",
                key=f"rate-{rate:g}",
                on_click=run.set_learning_rate,
                args=(rate,),
                disabled=not is_possible,
            )


def _rates(shot: Snapshot) -> None:
    """What the record says of a learning rate that was changed."""
    if shot.rates:
        changes = ", ".join(f"{x.learning_rate:g} from epoch {x.epoch}, step {x.step + 1}" for x in shot.rates)
        st.caption(f"Learning rate: {changes}.")


def curve(shot: Snapshot, most: int) -> list[tuple[float, float, float | None, str]]:
    """A run's curve as rows of epoch, loss, accuracy and "training" or "validation".

    Of the former there are at most `most`, see `training.thinned`.
    """
    per_epoch = shot.started.steps_per_epoch if shot.started else 1
    rows: list[tuple[float, float, float | None, str]] = [
        ((point.epoch - 1) + point.step / per_epoch, point.loss, point.accuracy, "training")
        for point in reversed(training.thinned(shot.points, most))
    ]
    rows += [
        (metrics.epoch, metrics.validation_loss, metrics.validation_accuracy, "validation")
        for metrics in shot.epochs
        if metrics.validation_loss is not None
    ]
    return rows


def _curves(run: Run, shot: Snapshot) -> None:
    import pandas as pd  # Not before the first curve: it takes longer to import than the rest of the page.

    table = pd.DataFrame(curve(shot, _MOST_POINTS), columns=["epoch", "loss", "accuracy", "images"])
    # The loss starts near its highest; anything above is cut off rather than squeezing the rest flat.
    highest = math.ceil(1.1 * shot.points[0].loss * 10) / 10
    if run.start is not None:  # One that begins low may well rise at first.
        highest = max(1.0, highest)
    last = shot.points[-1]
    places = st.columns(2)
    for place, name, value, top in (
        (places[0], "accuracy", f"{last.accuracy:.1%}", 1.0),
        (places[1], "loss", f"{last.loss:.3f}", highest),
    ):
        spec = figures.live_curve(name, run.config.epochs, top, bool(run.config.validation_fraction))
        with place.container(key=f"{name}-curve"):
            st.markdown(f"**{name.capitalize()}** {value}")
            st.vega_lite_chart(table, spec, key=f"{name}-chart")


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
            f"**What {what} for**",
            help="Each picture is one unit's weights: ink on blue speaks for it, ink on orange against it.",
        )
        only_change = st.toggle(
            "Only what training changed", key="only-change", help="Leaves out the weights that it began with."
        )
        start = _first_weights(run) if only_change else None
        st.image(pictures.url(figures.mosaic(explain.first_layer_pictures(shot.weights, start))))
    with right:
        st.markdown("**How it reads twelve test images**", help="Its answer below each, and how sure it is.")
        _samples(run, TrainedNetwork(run.config, shot.weights))


def _first_weights(run: Run) -> forward.Weights:
    return run.start.weights[:1] if run.start else _random_weights(run.config)


@functools.lru_cache(maxsize=8)
def _random_weights(config: RunConfig) -> forward.Weights:
    return forward.initial_weights(config)[:1]


def _samples(run: Run, network: TrainedNetwork) -> None:
    images, labels = run.split.test_images[:_SAMPLES], run.split.test_labels[:_SAMPLES]
    probabilities = network.predict(images)
    answers = probabilities.argmax(axis=1)
    captions = [
        pictures.answer(label, answer, chances[answer])
        for answer, label, chances in zip(answers, labels, probabilities, strict=True)
    ]
    pictures.row(list(images), captions)


def _ending(run: Run, shot: Snapshot) -> None:
    if shot.status is Status.FAILED:
        st.error(shot.message, icon=":material/error:")
    elif shot.message:
        st.info(shot.message, icon=":material/info:")
    if shot.evaluation is None:
        if shot.status is Status.STOPPED:
            st.info("Stopped before it had learned anything.", icon=":material/info:")
        return
    evaluation = shot.evaluation
    is_whole = shot.status is Status.FINISHED
    after = "" if is_whole else f", ended after {run.fraction:.0%} of its epochs"
    st.caption(f"{runs.in_markdown(runs.title(run))}, run {run.number}{after}")
    # With another learning rate on the way it was no longer the article's recipe.
    preset = None if shot.rates else presets.preset_of(run.config)
    published = preset.published if preset and is_whole and run.dataset.name == "mnist" else None
    with st.container(horizontal=True):
        st.metric(
            "Test accuracy",
            f"{evaluation.accuracy:.2%}",
            help="Share of the test images, which it never learned from, that it reads right.",
        )
        st.metric("Test loss", f"{evaluation.loss:.4f}", help="How wrong its answers are on them; 0 is perfect.")
        if published is not None:
            source = preset.source if preset else None
            st.metric("The article's accuracy", f"{published.test_accuracy:.2%}", help=source)
            if published.test_loss is not None:
                st.metric("The article's loss", f"{published.test_loss}", help=source)
    if published is not None and published.note:
        st.caption(published.note)
    elif is_whole and preset is not None and preset.published is not None and run.dataset.name != "mnist":
        st.caption("The article's figures are for MNIST; this run learned from other digits.")
    with st.container(horizontal=True):
        st.page_link("pages/evaluate.py", label="See its mistakes", icon=":material/grid_on:")
        st.page_link("pages/draw.py", label="Draw a digit for it", icon=":material/draw:")
