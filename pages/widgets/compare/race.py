"""A race: up to six networks train at the same time, with live curves."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import network, presets
from mnist_core.config import EPOCHS
from mnist_core.errors import PlaygroundError, RunNotFoundError
from mnist_core.evaluation.comparison import unique_names
from mnist_core.language import Message, format_number, ngettext
from mnist_core.language import gettext as _
from mnist_core.runs import scheduler
from mnist_core.training import Status
from pages.widgets.common import live, projector, run_curves, run_picker, run_text, segments
from pages.widgets.compare import run_table, standing
from pages.widgets.state import controls, editor_state, saved_runs, visitor_runs, workspace
from pages.widgets.state.keys import Key
from pages.widgets.state.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from mnist_core.config import RunConfig
    from mnist_core.data import Dataset
    from mnist_core.runs.network_run import Run
    from pages.widgets.common.run_curves import Named
    from pages.widgets.compare.run_table import Row
    from pages.widgets.compare.standing import Standing

VIEW = Message("Race")
"""What the Compare page calls the view with the race."""
MOST = 6
_QUERY, _GUESS_QUERY = "race", "guess"
_MOST_REMEMBERED = 500
_EDITOR, _NO_GUESS = "editor", ""
_SAME, _OWN = "same", "own"
_OUT = (Status.FAILED, Status.STOPPED)
# Two lines of text, since the names of networks are long on a phone.
_STANDING_HEIGHT = 48


@dataclass(frozen=True)
class _Race:
    """The ids of the runs of a race, and of the one that the visitor expects to win; empty for no guess."""

    ids: tuple[str, ...] = ()
    guess: str = ""


_REFUSALS: Key[tuple[str, ...]] = Key("race-refusals-noted", (), of_workspace=True)
_RACE = Key("race-noted", _Race(), of_workspace=True)
_ENTRIES: Key[Sequence[str]] = Key("race-entries-noted", ("preset-morgan-0", "preset-morgan-1"))
_EPOCHS_FOR_EACH = Key("race-epochs-for-each-noted", 5)


def is_race_in_address() -> bool:
    """Whether the page's address names a race."""
    return bool(st.query_params.get(_QUERY))


def clear_address() -> None:
    """Remove the race from the page's address while something else is shown."""
    _write_address(_Race())


def race_view(dataset: Dataset, rows: Sequence[Row]) -> None:
    """The current or last race, and a form to start another one."""
    there = _found()
    for refusal in _REFUSALS.get():
        st.error(_(refusal), icon=":material/error:")
    if not there:
        _offer(dataset, rows)
        return
    if any(run.snapshot.status.is_active for run in there.values()):
        with st.container(horizontal=True, vertical_alignment="center"):
            across = _across()
            st.button(_("Stop all"), icon=":material/stop:", on_click=_stop, args=(there,))
        st.fragment(_follow, run_every=live.poll_seconds())(there, across)
    else:
        _ranking(there)
        _curves(there, _across())
        if not projector.is_on():
            with st.expander(_("Another race"), icon=":material/replay:"):
                _offer(dataset, rows)


def _curves(there: Named, across: str) -> None:
    """Accuracy and loss side by side; on a projector the accuracy alone, in the whole width."""
    places, height = ([st.container()], 420) if projector.is_on() else (None, None)
    run_curves.training_curves(there, across=across, names=list(there), places=places, height=height)


def _across() -> str:
    titles: dict[str, str] = {run_curves.EPOCHS: _("By epochs"), run_curves.SECONDS: _("By seconds of computing")}
    return segments.segmented_choice(_("Curves"), "race-across", list(titles), titles.__getitem__)


# --- Finding the race ---------------------------------------------------------------------------------------------


def _found() -> Named:
    """The runs of this tab's race by name, or of the race in the page's address."""
    race = _RACE.get()
    if not race.ids:
        race = _read_address() if is_race_in_address() else _under_way()
    there, stay = [], []
    for run_id in race.ids:
        try:
            there.append(saved_runs.open_run(run_id))
        except PlaygroundError as error:
            st.warning(_(error.message), icon=":material/warning:")
            if isinstance(error, RunNotFoundError):
                continue
            # Other errors may go away in a moment, or when the run is resumed.
        stay.append(run_id)
    race = _Race(tuple(stay), race.guess if race.guess in stay else "")
    _RACE.set(race)
    _write_address(race)
    return _named(there)


def _read_address() -> _Race:
    ids = st.query_params.get(_QUERY, "").split(".")[:MOST]
    return _Race(tuple(ids), st.query_params.get(_GUESS_QUERY, ""))


def _write_address(race: _Race) -> None:
    for name, text in ((_QUERY, ".".join(race.ids)), (_GUESS_QUERY, race.guess)):
        if text:
            st.query_params[name] = text
        else:
            st.query_params.pop(name, None)


@st.cache_resource(show_spinner=False)
def _begun() -> OrderedDict[str, _Race]:
    """The last race of each workspace, for its other tabs. Only the newest races of the server are remembered."""
    return OrderedDict()


def _under_way() -> _Race:
    """The race of another tab, while one of its runs is active."""
    race = _begun().get(workspace.token(), _Race())
    return race if any(run_table.active_run(run_id) for run_id in race.ids) else _Race()


def _named(there: Sequence[Run]) -> Named:
    # The bars and the captions say how many epochs there are.
    titles = [_(_without_epochs(run_picker.saved_title(run), run.config)) for run in there]
    return dict(zip(unique_names(titles, [run.config for run in there]), there, strict=True))


# --- The start ---------------------------------------------------------------------------------------------------


def _entries(rows: Sequence[Row]) -> dict[str, tuple[str, RunConfig]]:
    """The networks that can race: a name and a config for each key."""
    draft = editor_state.draft()
    entries = {f"preset-{key}": (_(preset.name), preset.config) for key, preset in presets.PRESETS.items()}
    if presets.preset_of(draft) is None:
        entries[_EDITOR] = (_("In the editor: {title}", title=presets.title_of(draft)), draft)
    for row in rows:
        if row.config is not None:
            entries[f"run-{row.id}"] = (_("As {name}", name=row.name), row.config)
    return entries


def _offer(dataset: Dataset, rows: Sequence[Row]) -> None:
    entries = _entries(rows)
    keys = list(entries)
    remembered = [key for key in _ENTRIES.get() if key in entries]
    key = controls.seed("race-choice", remembered)
    controls.set_value(key, [one for one in controls.value_of(key) if one in entries])
    chosen = st.multiselect(
        _("Choose 2 to {most} networks", most=MOST),
        keys,
        default=controls.value_of(key),
        key=key,
        format_func=lambda one: entries[one][0],
        max_selections=MOST,
        placeholder=_("Two to {most} networks", most=MOST),
        help=_("The tutorials' networks, the one in the editor if you have changed it, and the settings of your runs."),
    )
    _ENTRIES.set(chosen)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        epochs = _epochs_for_each()
        guesses = [_NO_GUESS, *chosen]
        guess = st.selectbox(
            _("Which will win?"),
            guesses,
            **controls.seeded_choice("race-guess", _NO_GUESS, guesses),
            format_func=lambda one: entries[one][0] if one else _("No guess"),
            help=_("Guess before you see it."),
            width=320,
        )
    configs = {one: entries[one][1] for one in chosen}
    if st.button(_("Race"), icon=":material/sports_score:", type="primary", disabled=len(chosen) < 2):
        uninterrupted(lambda: _start(configs, epochs, guess, dataset))
        st.rerun()
    st.caption(
        _(
            "{epochs_text} All learn from the {count:,} images of the data set in the editor. They "
            "share the computer fairly and are saved with your runs.",
            epochs_text=_epochs_text([epochs or config.epochs for config in configs.values()]),
            count=len(dataset.train_labels),
        )
    )


def _epochs_for_each() -> int | None:
    """The controls for how long they train: the epochs of each; None for those in the settings of each."""
    titles = {_SAME: _("Same epochs"), _OWN: _("As in their settings")}
    with st.container(width="content"):
        is_same = segments.segmented_choice(_("Epochs"), "race-epochs", list(titles), titles.__getitem__) == _SAME
    epochs = st.number_input(
        _("Epochs for each"),
        int(EPOCHS.low),
        int(EPOCHS.high),
        step=1,
        **controls.seeded("race-epochs-for-each", _EPOCHS_FOR_EACH.get()),
        disabled=not is_same,
        help=_("How often each network sees every training image. From {range}.", range=EPOCHS.text),
        width=160,
    )
    _EPOCHS_FOR_EACH.set(epochs)
    return epochs if is_same else None


def _epochs_text(epochs: Collection[int]) -> str:
    """A sentence about how many epochs the networks of a race have; empty without any."""
    if len(set(epochs)) > 1:
        return _("They have different numbers of epochs: {fewest} to {most}.", fewest=min(epochs), most=max(epochs))
    return ngettext("Each has {count} epoch.", "Each has {count} epochs.", min(epochs)) if epochs else ""


def _start(configs: Mapping[str, RunConfig], epochs: int | None, guess: str, dataset: Dataset) -> None:
    """Start a run of each config. If the server refuses one, the others still start."""
    _REFUSALS.set(())
    started = {key: run.id for key, config in configs.items() if (run := _started(config, epochs, dataset)) is not None}
    if started:
        race = _Race(tuple(started.values()), started.get(guess, ""))
        _RACE.set(race)
        races = _begun()
        races[workspace.token()] = race
        while len(races) > _MOST_REMEMBERED:
            races.popitem(last=False)


def _started(config: RunConfig, epochs: int | None, dataset: Dataset) -> Run | None:
    racer = dataclasses.replace(config, dataset=dataset.name, epochs=epochs or config.epochs)
    title = ""
    if presets.recipe_of(config) is not None and racer.epochs != config.epochs:
        # With other epochs it has no longer the name of its tutorial.
        title = run_picker.title_with(presets.title_of(config), _epochs_ending(racer))
    try:
        return visitor_runs.start_run(racer, dataset, title=title, is_shown=False)
    except PlaygroundError as error:
        refusal = _("{title} cannot race. {error}", title=presets.title_of(config), error=error)
        _REFUSALS.set((*_REFUSALS.get(), refusal))
        return None


def _without_epochs(title: str, config: RunConfig) -> str:
    ending = _epochs_ending(config)
    return title.removesuffix(ending) if title.endswith(ending) else title  # Unchanged, it can be translated.


def _epochs_ending(config: RunConfig) -> str:
    """What a saved title says of the epochs, in English."""
    return f", {config.epochs} epoch{'' if config.epochs == 1 else 's'}"


def _stop(there: Named) -> None:
    for run in there.values():
        scheduler.shared().stop(run)


# --- The race ----------------------------------------------------------------------------------------------------


def _follow(there: Named, across: str) -> None:
    if not any(run.snapshot.status.is_active for run in there.values()):
        st.rerun()  # The whole page: it stops polling and shows the winner.
    now = _standing(there)
    labels = run_curves.run_legend(list(there))
    for name, run in there.items():
        # The leader's cup has the width of the others' runner, so nothing moves when it appears.
        icon = ":material/trophy:" if now is not None and now.leader == name else ":material/directions_run:"
        st.progress(run.fraction, text=f"{icon} {labels[name]} · {_progress(run)}")
    with st.container(height=_STANDING_HEIGHT, border=False):
        st.markdown(_standing_text(now))
    guess = _guess(there)
    if guess is not None:
        st.caption(_(":material/how_to_vote: Your guess: {guess}.", guess=run_picker.escape_markdown(guess)))
    if not projector.is_on():
        st.caption(
            _(
                "A bar shows how much of its epochs a network has done. {epochs_text} The best test accuracy wins.",
                epochs_text=_epochs_text([run.config.epochs for run in there.values()]),
            )
        )
    _curves(there, across)


def _standing(there: Named) -> Standing | None:
    """The standing of the networks that have not failed, and that nobody has stopped."""
    racing = {name: run.snapshot for name, run in there.items() if run.snapshot.status not in _OUT}
    return standing.standing({name: shot.epochs for name, shot in racing.items()}) if len(racing) > 1 else None


def _standing_text(now: Standing | None) -> str:
    if now is None:
        return _("No leader yet: each has to finish one epoch first.")
    share = _(
        "{accuracy:.2%} on {images} after epoch {epoch}.", accuracy=now.accuracy, images=now.images, epoch=now.epoch
    )
    if now.leader is None:
        return _("A tie: the best are equal, {share}", share=share)
    return _(
        ":material/trophy: **{leader}** leads: {share}", leader=run_picker.escape_markdown(now.leader), share=share
    )


def _guess(there: Named) -> str | None:
    """The name of the network that the visitor expects to win; None for no guess."""
    guess = _RACE.get().guess
    return next((name for name, run in there.items() if run.id == guess), None)


def _progress(run: Run) -> str:
    shot = run.snapshot
    if shot.status is Status.FAILED:
        return _(shot.message)
    if not shot.status.is_active:
        return (
            f"{_(shot.status.label)}, {format_number(shot.evaluation.accuracy, '.2%')}"
            if shot.evaluation
            else _(shot.status.label)
        )
    if run.is_stopping:
        return _("stopping …")
    if not shot.points:
        return _("getting ready …")
    left = run.seconds_left
    return _("epoch {epoch} of {epochs}", epoch=shot.points[-1].epoch, epochs=run.config.epochs) + (
        _(" · {duration} left", duration=run_text.duration_text(left)) if left else ""
    )


def _seconds(run: Run) -> float:
    return run.snapshot.busy_seconds


def _ranking(there: Named) -> None:
    """The ranking as a table, and a button to compare the runs."""
    ended = {name: run.snapshot.evaluation for name, run in there.items() if run.snapshot.evaluation}
    order = sorted(ended, key=lambda name: -ended[name].accuracy)
    labels = run_curves.run_legend(list(there))
    lines = [
        f"| {labels[name]}{_unlike_finished(there[name])} | {format_number(ended[name].accuracy, '.2%')} | "
        f"{format_number(_seconds(there[name]), '.1f')} "
        f"| {format_number(network.parameter_count(there[name].config), ',')} |"
        for name in order
    ]
    if len(order) > 1:
        _announce({name: ended[name].accuracy for name in order}, _guess(there))
    if lines:
        st.markdown("\n".join([_("| Network | Test | Seconds | Weights |"), "|:--|--:|--:|--:|", *lines]))
        st.caption(
            _(
                "Test: accuracy on the test images. Seconds: how long it computed, without waiting for the others' "
                "turns. Weights: how many numbers it learns."
            )
        )
    for name, run in there.items():
        if run.snapshot.message:
            st.warning(f"{name}: {_(run.snapshot.message)}", icon=":material/warning:")
    splits = {run.config.split for run in there.values()}
    if len({run.config.epochs for run in there.values()}) > 1:
        st.caption(_epochs_text([run.config.epochs for run in there.values()]))
    if len(splits) > 1:
        st.caption(_("Not all were tested on the same images: Kite's recipe tests on images that it holds out."))
    if len(ended) > 1:
        ids = [run.id for run in there.values()]  # In this order the runs keep their colours.
        st.button(_("Compare them"), icon=":material/compare_arrows:", on_click=_compare, args=(ids,))


def _announce(accuracies: Mapping[str, float], guess: str | None) -> None:
    """The winner, and what became of the guess."""
    best = standing.best_of(accuracies)
    names = {name: run_picker.escape_markdown(name) for name in {*best, guess or best[0]}}
    share = _("{accuracy:.2%} on the test images.", accuracy=accuracies[best[0]])
    said = (
        _("A draw: the best reach {share}", share=share)
        if len(best) > 1
        else _("**{name}** wins: {share}", name=names[best[0]], share=share)
    )
    if guess is not None:
        said += f" {standing.guess_text(names[guess], [names[name] for name in best])}"
    st.success(said, icon=":material/trophy:")


def _unlike_finished(run: Run) -> str:
    shot = run.snapshot
    if shot.status is Status.FINISHED:
        return ""
    return _(
        ", {status} after {count} of {epochs} epochs",
        status=_(shot.status.label),
        count=len(shot.epochs),
        epochs=run.config.epochs,
    )


def _compare(ids: Sequence[str]) -> None:
    run_table.choose_runs(ids)
    controls.set_value("compare-view", run_table.VIEW)
