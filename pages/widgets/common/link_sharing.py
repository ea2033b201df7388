"""Sharing by link: open the network in the page's address, and give one to others."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core import links, presets
from mnist_core.data import uploads
from mnist_core.errors import ConfigError, PlaygroundError, brief
from mnist_core.language import Message
from mnist_core.language import gettext as _
from mnist_core.store import workspaces
from pages.widgets.state import controls, data_sets, editor_state, workspace
from pages.widgets.state.keys import Key

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from mnist_core.config import RunConfig

_WANTED: Key[RunConfig | None] = Key("wanted-network-noted", None)
_ARRIVAL: Key[_Arrival | None] = Key("arrival-noted", None)
_OWN_START = Key("own-start-noted", True)
_LARGE = Key("large-code-noted", "")
_ADDRESSES: Key[frozenset[object]] = Key("addresses-noted", frozenset())


@dataclass(frozen=True)
class _Arrival:
    """The result of opening a link. Notes stay until the editor is filled again, an error until it is changed."""

    editor: RunConfig
    notes: tuple[str, ...] = ()
    trouble: str = ""


# At most this many unknown parameters are named.
_MOST_NAMES = 5
# Streamlit does not know the height of the window, so CSS leaves room for the address below the code.
_LARGE_CODE = st.components.v2.component(
    "large_qr_code",
    html="<img>",
    css="img { display: block; margin: 0 auto; width: min(86vw, 62vh); border-radius: 0.5rem; }",
    js="""export default function ({ data, parentElement }) {
        const image = parentElement.querySelector("img");
        image.src = "data:image/svg+xml;utf8," + encodeURIComponent(data.svg);
        image.alt = data.alt;
    }""",
)
_ALT = Message("QR code of this link.")
_STARTS = {True: Message("Everybody gets their own random start"), False: Message("Exactly my start")}


def open_link() -> DeltaGenerator:
    """Load the network of the page's address, or the one given to `open_in_editor`, into the editor, each once.

    Addresses that this tab has had before are ignored: the browser may send an old one when controls change quickly, or
    after its Back button. Returns the place where `share_popover` shows the result.
    """
    query = _query()
    address = _settings(query)
    wanted = _WANTED.get()
    if wanted is not None:
        _open(wanted, Message("From a shared run"), _("From a run that was shared"))
        _WANTED.set(None)  # Not before: the script may end in between.
    elif address and address not in _known():
        try:
            config = _read(query)
        except PlaygroundError as error:
            _ARRIVAL.set(_Arrival(editor_state.draft(), trouble=_link_error(error)))
        else:
            ignored = _ignored(query)
            # After a reload, restoring the last run may have loaded the same network already.
            if config is not None and config != editor_state.draft():
                start = _(" Your own random start: seed {seed}.", seed=config.seed) if _is_own_start(query) else ""
                _open(config, Message("From a link"), _("Loaded from a link"), start, ignored)
            elif ignored:
                _ARRIVAL.set(_Arrival(editor_state.origin().config, ignored))
    _note(address)
    return st.container()


def open_in_editor(config: RunConfig) -> None:
    """Open the Train page with a network in its editor."""
    _WANTED.set(config)
    st.switch_page("pages/train.py")


def share_popover(config: RunConfig, place: DeltaGenerator) -> None:
    """Share the network in the editor, write it into the page's address, and show in `place` what a link has loaded.

    A reload, a bookmark or a copy of the address brings back the network with the visitor's changes and its seed.
    """
    arrival = _ARRIVAL.get()
    if arrival is not None and arrival.trouble and arrival.editor == config:
        place.error(arrival.trouble, icon=":material/link_off:")
    # Also after the first change: removing a line would move the page under the pointer.
    if arrival is not None and arrival.editor == editor_state.origin().config:
        for note in arrival.notes:
            place.caption(note)
    _remember(config)
    folded = st.popover(_("Share"), icon=":material/share:", on_change="rerun", key="share")
    if folded.open:
        with folded:
            # Side by side, so that the code is visible on a small screen too.
            code, words = (None, st.container()) if links.is_own(page_address()) else st.columns([2, 3])
            with words:
                st.caption(_("This link opens this network with these settings."))
                own_start = st.radio(
                    _("Random start"),
                    list(_STARTS),
                    **controls.seeded_choice("own-start", _OWN_START.get(), list(_STARTS)),
                    format_func=lambda is_own: _(_STARTS[is_own]),
                    on_change=lambda: _OWN_START.set(controls.value_of("own-start")),
                    help=_(
                        "The seed sets the first weights and the order of the images. With own random starts, a class "
                        "gets different networks from one link. With yours, everybody gets exactly your network."
                    ),
                )
                if config.dataset == uploads.NAME:
                    st.caption(_("The link does not contain your own images."))
            link_with_code(links.to_config(f"{page_address()}/", config, own_start), "share", code)
    large_code()


def link_with_code(address: str, within: str, place: DeltaGenerator | None = None) -> None:
    """A link to copy, and its QR code.

    Args:
        address: the link.
        within: key of the popover around it, which closes when the large code opens.
        place: where the code goes; None puts it above the link.
    """
    if not links.is_own(address):
        with place or st.container():
            st.image(links.code(address), width=220, alt=_(_ALT))
            st.button(
                _("Full screen"),
                icon=":material/fullscreen:",
                type="tertiary",
                on_click=_enlarge,
                args=(address, within),
                key=f"enlarge-{within}",
            )
    st.code(address, language=None, wrap_lines=True)
    if links.is_own(address):
        st.info(
            _(
                "This link works only on this computer. Open the playground by this computer's name or address, "
                "then share again."
            ),
            icon=":material/info:",
        )


def _enlarge(address: str, within: str) -> None:
    _LARGE.set(address)
    controls.set_value(within, False)


def large_code() -> None:
    """The dialog with the large QR code, once after the button was pressed."""
    address = _LARGE.get()
    if address:
        _LARGE.set("")
        st.dialog(_("Scan it with a phone"), width="large")(_large)(address)


def _large(address: str) -> None:
    _LARGE_CODE(data={"svg": links.code(address), "alt": _(_ALT)}, key="large-qr-code")
    st.code(address, language=None, wrap_lines=True)


def _open(config: RunConfig, source: str, opened: str, start: str = "", ignored: tuple[str, ...] = ()) -> None:
    recipe = presets.recipe_of(config)
    notes = [f":material/link: {opened}: {_(recipe.name if recipe else presets.title_of(config))}.{start}", *ignored]
    if config.dataset not in data_sets.names():
        there = editor_state.draft().dataset
        why = (
            _("This network was trained on private images, which a link cannot contain. Upload them on the Data page.")
            if config.dataset == uploads.NAME
            else _('This server has no data set "{dataset}".', dataset=config.dataset)
        )
        notes.append(
            _(":material/info: {why} For now it uses the data set {title}.", why=why, title=data_sets.names()[there])
        )
        config = dataclasses.replace(config, dataset=there)
    editor_state.load_config(config, source)
    _ARRIVAL.set(_Arrival(config, tuple(notes)))


def _remember(config: RunConfig) -> None:
    """Write the editor's settings into the address; nothing if they are those of a new visitor."""
    before = _query()
    settings = links.settings(before)
    after: dict[str, list[str]] = {name: values for name, values in before.items() if name not in settings}
    if config != editor_state.first_config():
        after |= {name: [text] for name, text in config.to_query().items()}
    if after != before:
        _note(_settings(after))
        st.query_params.from_dict(after)


def _read(query: dict[str, list[str]]) -> RunConfig | None:
    return links.read(query, workspaces.random_start(workspace.token()))


def _is_own_start(query: dict[str, list[str]]) -> bool:
    return query.get("seed") == [links.OWN_START]


def _query() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _settings(query: dict[str, list[str]]) -> frozenset[tuple[str, tuple[str, ...]]]:
    return frozenset((name, tuple(values)) for name, values in links.settings(query).items())


def _known() -> frozenset[object]:
    return _ADDRESSES.get()


def _note(address: object) -> None:
    _ADDRESSES.set(_known() | {address})


def _ignored(query: dict[str, list[str]]) -> tuple[str, ...]:
    """A note about unknown parameters."""
    names = [f"`{_plain(name)}`" for name in links.unknown(query)]
    if not names:
        return ()
    more = _(" and others") if len(names) > _MOST_NAMES else ""
    names = names[:_MOST_NAMES]
    what = _("it is not a setting") if len(names) == 1 and not more else _("they are not settings")
    listed = ", ".join(names)
    return (
        _(":material/info: Ignored in the link, because {what}: {names}{more}.", what=what, names=listed, more=more),
    )


def _plain(received: object) -> str:
    """Untrusted text on one line, safe between backticks."""
    return brief(received).replace("`", "'")


def _link_error(error: PlaygroundError) -> str:
    """Why a link is refused. Its content is shown as plain text, not as Markdown."""
    received = "" if error.received is None else _plain(error.received)
    shown = f"`{received}`" if received else ""
    if isinstance(error, ConfigError) and re.fullmatch(r"layers\[\d+\]", error.field):
        return _(
            "This link is broken: {shown} {what} Ask for the link again.",
            shown=shown or _("an empty text"),
            what=error.what,
        )
    what = f"`{error.field}` {_(error.what)}" if isinstance(error, ConfigError) else _(error.problem)
    received = _(" Received: {shown}.", shown=shown) if shown else ""
    return _(
        "This link is broken: {what}{received} {remedy} Or ask for the link again.",
        what=what,
        received=received,
        remedy=error.remedy,
    )


def page_address() -> str:
    """The address of the current page, without a slash at the end."""
    # Community Cloud shows an app in a frame; the address of the frame is of no use to others.
    return (st.context.url or "http://localhost:8501").rstrip("/").replace("/~/+", "")
