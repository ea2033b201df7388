"""Compare chosen runs: curves, costs, confusion matrices, and the images that they read differently."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.charts import comparison as comparison_charts
from mnist_core.errors import DataError, PlaygroundError
from mnist_core.evaluation import comparison as run_comparison
from mnist_core.evaluation import seeds
from mnist_core.evaluation.comparison import pareto_front
from mnist_core.language import Message, format_number, ngettext
from mnist_core.language import gettext as _
from pages.widgets.common import pictures, run_curves, segments, vega_chart
from pages.widgets.common.misconception import misconception_link
from pages.widgets.state import controls, saved_runs
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mnist_core.evaluation.comparison import PairedComparison
    from mnist_core.evaluation.metrics import Indices
    from mnist_core.runs.network_run import Run
    from pages.widgets.compare.run_table import Row

MOST = 6
"""The most runs whose colors differ clearly in one chart."""
_CURVES, _COSTS = Message("Curves"), Message("Costs")
_MOST_IMAGES = 24
# The usual level of significance, 5 %.
_RARE = 0.05

# The ids of the two runs that are compared.
_SIDES = {letter: Key(f"pair-{letter}-noted", "") for letter in "AB"}


def chosen_runs_view(every: Sequence[Row], chosen: Sequence[Row]) -> None:
    """Views that compare the chosen runs, at most six, with each other and with all runs of the table."""
    if len(chosen) > MOST:
        st.caption(_("You chose {count} runs. Here are the first {most}:", count=len(chosen), most=MOST))
    chosen = chosen[:MOST]
    if not chosen:
        trade_off_charts(every, chosen)
        return
    readable = [row for row in chosen if row.summary.test_accuracy is not None]
    views: dict[str, Callable[[], None]] = {
        _CURVES: lambda: _curves(chosen),
        _COSTS: lambda: trade_off_charts(every, chosen),
    }
    if len(readable) > 1:
        views[Message("A minus B")] = lambda: _pair_view(readable, _matrix_difference)
        views[Message("Which images differ")] = lambda: _pair_view(readable, _images_by_reader)
    view = segments.segmented_choice(_("Compare by"), "overlay", list(views))
    if len(chosen) > 1 and view in (_CURVES, _COSTS):
        with st.container(horizontal=True, gap="medium"):
            for label in run_curves.run_legend([row.name for row in chosen]).values():
                st.markdown(label, width="content")
    if len(readable) == 2 and len(chosen) == 2:
        _test_of_seeds(*readable)
    views[view]()


def opened_or_warning(run_id: str, name: str = "") -> Run | None:
    """A saved run; if it cannot be opened, shows a warning and returns None."""
    try:
        return saved_runs.open_run(run_id)
    except PlaygroundError as error:
        st.warning(f"{name}: {_(error.message)}" if name else _(error.message), icon=":material/warning:")
        return None


def _curves(chosen: Sequence[Row]) -> None:
    there: dict[str, Run | run_curves.SeedGroup] = {}
    for row in chosen:
        runs = [run for one in row.runs if (run := opened_or_warning(one.id, one.name)) is not None]
        if len(runs) == len(row.runs):
            there[row.name] = run_curves.SeedGroup(runs) if row.seeds else runs[0]
    if not any(run.snapshot.points for run in there.values()):
        st.caption(_("These runs have no curve."))
    run_curves.training_curves(there, names=[row.name for row in chosen])


def trade_off_charts(every: Sequence[Row], chosen: Sequence[Row]) -> None:
    """Accuracy against parameters and against time for all runs, with the Pareto front; chosen runs have a colour."""
    measured = [row for row in every if row.summary.test_accuracy is not None and row.parameters]
    if len(measured) < 2:
        return
    groups = Counter(map(_tested_on, measured))
    tested = [_tested_on(row) for row in chosen if row in measured]
    group = tested[0] if tested else groups.most_common(1)[0][0]
    others, measured = len(measured) - groups[group], [row for row in measured if _tested_on(row) == group]
    if others:
        text = ngettext(
            "Your runs were not all tested on the same images: {count} is left out here.",
            "Your runs were not all tested on the same images: {count} are left out here.",
            others,
        )
        st.caption(text)
    left, right = st.columns(2)
    names = [row.name for row in chosen]
    with left:
        _trade_off(
            Message("parameters"), measured, [float(row.parameters or 0) for row in measured], names, is_log=True
        )
    timed = [
        row for row in measured if row.summary.seconds
    ]  # An uploaded network was not trained here, so it has no time.
    if timed:
        with right:
            _trade_off(Message("seconds"), timed, [row.summary.seconds for row in timed], names)
    st.caption(
        _(
            "Each point is a run; point at it for its name. A run on the dashed line is the cheapest with its "
            "accuracy. "
            "Each step up means about half as many mistakes. Seconds depend on what else the server was doing."
        )
    )


def _tested_on(row: Row) -> tuple[str, str]:
    """The same value for two runs means that they were tested on the same images."""
    return row.summary.fingerprint, row.config.split if row.config else ""


def _trade_off(
    cost: str, measured: Sequence[Row], values: Sequence[float], names: Sequence[str], is_log: bool = False
) -> None:
    import pandas as pd

    accuracies = [row.summary.test_accuracy or 0.0 for row in measured]
    columns = comparison_charts.trade_off_columns(values, accuracies, pareto_front(values, accuracies))
    errors = columns["error"]
    table = pd.DataFrame({"name": [row.name for row in measured], **columns})
    ends = (min(values) / 2, max(values) * 2) if is_log else (0.0, max(1.0, 1.1 * max(values)))
    height = (min(1.0, 1.5 * max(errors)), min(errors) / 1.5)
    spec = comparison_charts.trade_off(cost, names, ends, height, is_log)
    st.markdown(_("**Accuracy against {cost}**", cost=cost))
    alt = _("Points: the accuracy of {count} runs against their {cost}.", count=len(measured), cost=cost)
    vega_chart.vega_chart(spec, table, key=f"trade-off-{cost}", alt=alt)


def _pair_view(readable: Sequence[Row], draw: Callable[[Run, Run, PairedComparison], None]) -> None:
    """Two menus for the runs A and B, and below them what `draw` shows of the two."""
    by_id = {row.id: row for row in readable}
    ids = list(by_id)
    picked: list[str] = []
    for place, letter in zip(st.columns(2), "AB", strict=True):
        name = f"pair-{letter}"
        before = _SIDES[letter].get()
        if before not in ids:
            others = {*picked, *(_SIDES[other].get() for other in "AB")}
            before = next((one for one in ids if one not in others), ids[0])
        picked.append(
            place.selectbox(
                letter, ids, **controls.seeded_choice(name, before, ids), format_func=lambda one: by_id[one].name
            )
        )
        _SIDES[letter].set(picked[-1])
    if picked[0] == picked[1]:
        st.caption(_("Choose two different runs."))
        return
    a, b = (opened_or_warning(one, by_id[one].name) for one in picked)
    if any(by_id[one].seeds for one in picked):
        st.caption(_("Of several seeds, this is the oldest run."))
    if a is None or b is None or a.snapshot.evaluation is None or b.snapshot.evaluation is None:
        return
    try:
        pair = run_comparison.compare_pair(a.snapshot.evaluation, b.snapshot.evaluation)
    except DataError as error:
        st.info(_(error.message), icon=":material/info:")
        return
    draw(a, b, pair)


def _matrix_difference(a: Run, b: Run, pair: PairedComparison) -> None:
    del b
    # Keeps the matrix square on a wide screen.
    place, words = st.columns([3, 2], gap="large", vertical_alignment="center")
    with place:
        pictures.matrix_difference(pair.confusion, "difference", a.dataset.class_names)
    words.markdown(
        _(
            "A row is a true digit, a column is an answer.\n\n"
            "**:blue[Blue]**: A has more images in this cell. **:orange[Orange]**: B has more.\n\n"
            "On the diagonal more is better; everywhere else more is worse."
        )
    )
    with words:
        _test_of_difference(pair)


def _test_of_seeds(a: Row, b: Row) -> None:
    """Whether two networks differ by more than their seeds do."""
    if _tested_on(a) != _tested_on(b):
        return
    one, other = seeds.Spread.of(a.accuracies), seeds.Spread.of(b.accuracies)
    if one.count < 2 or other.count < 2:
        lonely = _("One seed each") if one.count == other.count == 1 else _("Only one seed on one side")
        st.caption(
            _(
                ":material/casino: {lonely}. With other seeds the order may change. Train each "
                "network with five seeds (**Next** on the Train page).",
                lonely=lonely,
            )
        )
        misconception_link("seeds")
        return
    means = _(
        "On average {mean:.2%} ({count} seeds) against {other_mean:.2%} ({other_count} seeds). ",
        mean=one.mean,
        count=one.count,
        other_mean=other.mean,
        other_count=other.count,
    )
    chance = seeds.p_value(a.accuracies, b.accuracies)
    if seeds.least_p_value(one.count, other.count) > _RARE:
        verdict = _("These are too few seeds to tell luck from a real difference.")
    elif chance < _RARE:
        verdict = _("The difference is larger than the luck of the seeds (p = {chance:.2g}).", chance=chance)
    else:
        verdict = _("The difference may be the luck of the seeds (p = {chance:.2g}).", chance=chance)
    st.markdown(
        means + verdict,
        help=_(
            "A permutation test. Put the runs into two groups at random: p says how often the difference is at least "
            "this large."
        ),
    )


def _test_of_difference(pair: PairedComparison) -> None:
    if not len(pair.only_a) + len(pair.only_b):
        st.markdown(_("Both read the same images correctly."))
        return
    better = "A" if len(pair.only_a) > len(pair.only_b) else "B"
    p_text = f"= {format_number(pair.p_value, '.2g')}" if pair.p_value >= 0.0001 else "< 0.0001"
    meaning = (
        _("{better} is significantly better", better=better)
        if pair.p_value < _RARE
        else _("The difference may be luck")
    )
    st.markdown(
        _(
            "Only A right: **{only_a:,}**. Only B right: **{only_b:,}**. {meaning} (p {p_text}).",
            only_a=len(pair.only_a),
            only_b=len(pair.only_b),
            meaning=meaning,
            p_text=p_text,
        ),
        help=_("McNemar's exact test: p says how often two equally good networks would differ by at least this much."),
    )


def _images_by_reader(a: Run, b: Run, pair: PairedComparison) -> None:
    counts: dict[str, Indices] = {
        Message("Only A"): pair.only_a,
        Message("Only B"): pair.only_b,
        Message("Neither"): pair.neither,
        Message("Both"): pair.both,
    }
    group = segments.segmented_choice(
        _("Read by"), "pair-group", list(counts), lambda name: f"{_(name)}: {format_number(len(counts[name]), ',')}"
    )
    _test_of_difference(pair)
    results = a.snapshot.evaluation, b.snapshot.evaluation
    images, names = a.split.test_images, a.dataset.class_names
    shown = counts[group][:_MOST_IMAGES]
    captions = []
    for i in shown:
        answers = [
            f"{letter} "
            + pictures.answer_caption(
                int(result.labels[i]), int(result.predicted[i]), result.probabilities[i].max(), names
            )
            for letter, result in zip("AB", results, strict=True)
            if result is not None
        ]
        captions.append("  \n".join(answers))
    alt = (
        [
            _("Test image {index}: {thing}.", index=i, thing=pictures.with_article(int(results[0].labels[i]), names))
            for i in shown
        ]
        if results[0]
        else []
    )
    pictures.image_row([images[i] for i in shown], captions, width=96, alt=alt)
    if len(counts[group]) > len(shown):
        st.caption(_("The first {count} of {every:,}.", count=len(shown), every=len(counts[group])))
