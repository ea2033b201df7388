"""The live view of a run: progress, buttons, curves, and what it has learned so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import presets
from mnist_core.config import EPOCHS, LEARNING_RATE
from mnist_core.data import sources
from mnist_core.errors import PlaygroundError
from mnist_core.evaluation import seeds
from mnist_core.language import format_number
from mnist_core.language import gettext as _
from mnist_core.runs import scheduler
from mnist_core.training import Status, diagnosis, loop
from pages.widgets.common import live_panel, run_picker, stepping, taught
from pages.widgets.common.misconception import misconception_link
from pages.widgets.state import editor_state, saved_runs, visitor_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamlit.delta_generator import DeltaGenerator

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.evaluation import Evaluation
    from mnist_core.presets import Preset
    from mnist_core.runs.network_run import Run
    from mnist_core.runs.snapshot import Snapshot

POLL_SECONDS = 0.5
_NOT_YET = "–"
# Of the training images: from here on a network may look as if it had memorised them.
_NEARLY_ALL = 0.995
_MANY_LAYERS = 3
_MORE_EPOCHS = (5, 10)
_SEEDS = 5
_RESULTS_WIDTH, _LINE_HEIGHT = 292, 40


def live_view(
    run: Run | None,
    config: RunConfig,
    dataset: Dataset | None,
    offer: Callable[[], None],
    images: DeltaGenerator | None = None,
    is_alone: bool = False,
) -> None:
    """The run: buttons, results, progress and curves. Each row keeps its place before, during and after a run.

    What moves during a run is drawn by the browser, see `live_panel`. It asks for the whole page when the run ends.

    Args:
        run: the run on the page; None before the first one.
        config: what is in the editor.
        dataset: the data that the config names; None until they are loaded.
        offer: draws the row of buttons while no run is active.
        images: where the test images go, with the network's answers; None for below the curves.
        is_alone: whether the page is about this run only: it offers no other runs, and cannot be cleared.
    """
    group = [] if run is None else visitor_runs.same_network(run)
    if run is not None and (is_alone or len(group) < seeds.LEAST):
        group = [run]
    state = "" if run is None else live_panel.state_of(run, group)
    shot = run.snapshot if run is not None else None
    active = [one for one in group if one.snapshot.status.is_active]
    with st.container(horizontal=True, gap="xsmall"):
        with st.container(gap=None):
            buttons = st.container()
            below = st.container()
        results = st.container(horizontal=True, width=_RESULTS_WIDTH, gap="xsmall")
    messages = st.container()
    curves, images = st.container(), images or st.container()
    places = live_panel.Places(curves, network=st.container(), images=images)
    # The buttons first, so that the text never mentions a Train button that is not there yet.
    with buttons:
        if active:
            _orders(active, is_alone)
        else:
            with _row("start"):
                offer()
                if run is not None and shot is not None and not is_alone:
                    _what_now(run, shot)
    if run is None or shot is None:
        if dataset is not None:
            with results:
                _figures([], _tutorial_of(config), dataset.name)
            if not is_alone:  # There is no button Step yet.
                with below:
                    _line_below(config, None, [], is_single=True)
            live_panel.untrained_panel(config, dataset, places)
        return
    with messages:
        _messages(shot)
        if not active:
            taught.lesson_result(run)
        saved_runs.unsaved_warning(run)
    with results:
        found = [one.snapshot.evaluation for one in group]
        if shot.evaluation is not None or active:
            _figures([] if active else list(filter(None, found)), _tutorial(run, shot), run.dataset.name)
    with below:
        _line_below(run.config, shot, active, is_single=len(group) == 1)
    live_panel.panel(run, state, visitor_runs.previous_run(run), places)


def poll_seconds() -> float:
    """How long a fragment waits until it polls again, in seconds.

    Longer on a busy server: there are fewer new points, and each poll takes time away from training.
    """
    return max(POLL_SECONDS, min(2 * POLL_SECONDS, scheduler.shared().watched_runs / 20))


def _row(name: str) -> DeltaGenerator:
    """A row of buttons. Rows of other buttons have other names.

    Streamlit keeps a replaced button with the focus, that is the pressed one, on the screen until the script has ended,
    as an additional button in the row. In a row with another key it loses the focus, and Streamlit hides it.
    """
    return st.container(horizontal=True, gap="xxsmall", key=f"buttons-{name}")


def _orders(active: Sequence[Run], is_alone: bool) -> None:
    """The buttons of a run, or of several seeds, in the same places as those of `launch.train_buttons`."""
    turns = scheduler.shared()
    is_pause_wanted = all(run.is_pause_wanted for run in active)

    def give(order: Callable[[Run], None]) -> None:
        for run in active:
            order(run)

    with _row("resume" if is_pause_wanted else "pause"):
        first = st.container(width="content")
        # Show the order at once, also when the run obeys it only after other runs' turns.
        if is_pause_wanted:
            first.button(
                _("Resume"),
                icon=":material/play_arrow:",
                on_click=give,
                args=(turns.resume,),
                type="primary",
                help=_("Continue."),
            )
            stepping.step_button(active[0].config, lambda: give(lambda run: turns.step(run, stepping.size())))
        else:
            first.button(
                _("Pause"), icon=":material/pause:", on_click=give, args=(turns.pause,), help=_("Pause the training.")
            )
            st.empty()
        st.button(
            _("Stop"),
            icon=":material/stop:",
            on_click=give,
            args=(turns.stop,),
            help=_("Stop and keep what it learned."),
        )
        if not is_alone:
            st.button(
                _("Reset"),
                icon=":material/replay:",
                on_click=visitor_runs.clear_train_page,
                help=_("Stop, and clear the screen. The run stays under Compare."),
            )


def _what_now(run: Run, shot: Snapshot) -> None:
    """What can be done with an ended run: mend what is wrong with it, train it further, or with other seeds."""
    found = diagnosis.diagnose(run.config, shot.points, shot.epochs, diverged=loop.DIVERGED in shot.message)
    counts = [count for count in _MORE_EPOCHS if run.can_go_on and len(shot.epochs) + count <= EPOCHS.high]
    seeds_so_far = len(visitor_runs.same_network(run))
    more_seeds = _SEEDS - seeds_so_far if seeds_so_far < _SEEDS else _SEEDS
    can_repeat = shot.status is Status.FINISHED and run.begins_random and not shot.rates
    if found is None and not counts and not can_repeat:
        return
    label, icon = (_("Next"), "arrow_forward") if found is None else (_("Tip"), "lightbulb")
    with st.popover(label, icon=f":material/{icon}:"):
        if found is not None:
            st.markdown(found.text)
            st.button(
                found.cure,
                key="mend",
                icon=":material/healing:",
                on_click=editor_state.change,
                args=(found.config,),
                disabled=editor_state.draft() == found.config,
                help=_("Changes the network in the editor. Then press Train, and compare the curves."),
            )
        for count in counts:
            st.button(
                _("Train {count} more epochs", count=count),
                key=f"go-on-{count}",
                icon=":material/play_arrow:",
                on_click=_go_on,
                args=(run, count),
                help=_("Starts a new run that continues after epoch {count}.", count=len(shot.epochs)),
            )
        if can_repeat:
            st.button(
                _("Train {more_seeds} more with other seeds", more_seeds=more_seeds),
                key="more-seeds",
                icon=":material/casino:",
                on_click=_train_more_seeds,
                args=(run, more_seeds),
                help=_(
                    "The same network with other random weights at the start, and the images in another order. The "
                    "curves show the mean, the lowest and the highest of all runs. So you see how much is luck."
                ),
            )
        if found is None:
            st.markdown(_("Or change a setting, train again, and compare: this curve stays in grey."))
        if shot.epochs and shot.epochs[-1].accuracy >= _NEARLY_ALL:
            misconception_link("perfect")
        if len(run.config.layers) >= _MANY_LAYERS:
            misconception_link("layers")


def _go_on(run: Run, count: int) -> None:
    ending = f", {len(run.snapshot.epochs) + count} epochs"
    title = str(run_picker.saved_title(run)).removesuffix(f", {run.config.epochs} epochs")
    try:
        visitor_runs.go_on(run, count, run_picker.title_with(title, ending))
    except PlaygroundError as error:
        st.toast(_(error.message), icon=":material/error:")


def _train_more_seeds(run: Run, count: int) -> None:
    try:
        visitor_runs.train_more_seeds(run, count)
    except PlaygroundError as error:
        st.toast(_(error.message), icon=":material/error:")


def _rate_popover(run: Run, is_single: bool) -> None:
    why_not = _("All seeds train with the same learning rate.")
    with st.popover(
        _("Learning rate"),
        key="rate",
        type="tertiary",
        help=_("Change the learning rate.") if is_single else why_not,
        disabled=not is_single,
    ):
        if is_single:
            _learning_rate(run)


def _learning_rate(run: Run) -> None:
    """Buttons that change the learning rate during the run."""
    rates = [run.learning_rate * factor for factor in (10, 3, 1 / 3, 1 / 10)]
    st.markdown(_("Learning rate now: **{learning_rate:g}**. Change it to:", learning_rate=run.learning_rate))
    with st.container(horizontal=True):
        for rate in (float(f"{rate:.2g}") for rate in rates):
            is_possible = LEARNING_RATE.low <= rate <= LEARNING_RATE.high
            st.button(
                format_number(rate, "g"),
                key=f"rate-{rate:g}",
                on_click=scheduler.shared().set_learning_rate,
                args=(run, rate),
                disabled=not is_possible,
            )


def _messages(shot: Snapshot) -> None:
    """What people should know about how the run ended."""
    if shot.status is Status.FAILED:
        st.error(_(shot.message), icon=":material/error:")
    elif shot.message:
        st.info(_(shot.message), icon=":material/info:")
    if shot.evaluation is None and shot.status is Status.STOPPED:
        st.info(_("Stopped before it learned anything."), icon=":material/info:")


def _tutorial(run: Run, shot: Snapshot) -> Preset | None:
    """The tutorial whose figures can be compared: same recipe, all epochs, learning rate not changed."""
    is_whole = shot.status is Status.FINISHED or shot.status.is_active
    return _tutorial_of(run.config) if is_whole and not shot.rates else None


def _tutorial_of(config: RunConfig) -> Preset | None:
    """The tutorial with the same recipe, if it gives figures."""
    recipe = presets.recipe_of(config)
    return recipe if recipe and recipe.published else None


def _figures(results: Sequence[Evaluation], tutorial: Preset | None, dataset: str) -> None:
    """The test results of a run, or the mean of several seeds; without any, empty places, so that nothing moves."""
    published = tutorial.published if tutorial and sources.has_published_figures(dataset) else None
    accuracy = _("{test_accuracy:.2%} in the tutorial", test_accuracy=published.test_accuracy) if published else None
    loss = (
        _("{test_loss} in the tutorial", test_loss=published.test_loss)
        if published and published.test_loss is not None
        else None
    )
    source = ""
    if tutorial is not None and tutorial.published is not None:
        known = _("Tutorial: {source}. {note}", source=tutorial.source, note=tutorial.published.note).strip()
        source = f" {known if published else _('The figures of the tutorial are for MNIST. These are other images.')}"
    right = seeds.Spread.of([one.accuracy for one in results]) if results else None
    wrong = seeds.Spread.of([one.loss for one in results]) if results else None
    if right is not None and wrong is not None and right.count > 1:
        accuracy = _("{low:.2%} to {high:.2%}", low=right.low, high=right.high)
        loss = _("{low:.3f} to {high:.3f}", low=wrong.low, high=wrong.high)
        source = _(" The mean of {count} seeds; below it the lowest and the highest.", count=right.count)
    st.metric(
        _("Test accuracy"),
        format_number(right.mean, ".2%") if right else _NOT_YET,
        accuracy,
        delta_color="off",
        delta_arrow="off",
        help=_("Share of the test images that it reads right. It does not train on them. The test comes after the run.")
        + source,
    )
    st.metric(
        _("Test loss"),
        format_number(wrong.mean, ".4f") if wrong else _NOT_YET,
        loss,
        delta_color="off",
        delta_arrow="off",
        help=_("How wrong its answers are on the test images. 0 is perfect.") + source,
    )


def _line_below(config: RunConfig, shot: Snapshot | None, active: Sequence[Run], is_single: bool) -> None:
    """The line below the buttons: what can be set before and during a run, and where to go after it."""
    is_over = shot is not None and not active
    # Before and during a run it has this height by itself; a fixed one would cut off the ring of a control with focus.
    with st.container(
        key="line-below",
        horizontal=True,
        gap="small",
        height=_LINE_HEIGHT if is_over else "content",
        border=False,
        vertical_alignment="center",
    ):
        if not is_over:
            stepping.size_choice(config)
            if active:
                _rate_popover(active[0], is_single)
        elif shot is not None and shot.evaluation is not None:
            st.page_link("pages/evaluate.py", label=_("See its mistakes"), icon=":material/grid_on:", width="content")
            st.page_link("pages/draw.py", label=_("Draw a digit for it"), icon=":material/draw:", width="content")
