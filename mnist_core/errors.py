"""The tree of errors that the core raises on purpose.

Everything that comes from outside (files, links, uploads, drawings, settings) is accepted whole or refused
with one of these. Each message says what was wrong, what was received and what to do, in words that a page
can show as they are. Any other exception is a bug.
"""

import numbers
import reprlib

from mnist_core.language import Message

MAX_RECEIVED = 120
"""Characters of a received value that a message repeats."""

MAX_PROBLEM = 600
"""Characters of a problem or a remedy: the longest of ours, with a few short pieces of what was received."""


class _Brief(reprlib.Repr):
    """A repr that takes the same time for values of any size or depth."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxother = 4, MAX_RECEIVED
        self.maxstring = self.maxlong = MAX_RECEIVED

    def repr_int(self, x: int, level: int) -> str:
        # Python refuses to convert very long integers to text, and is slow for long ones.
        return repr(x) if x.bit_length() < 400 else f"an integer of {x.bit_length():,} bits"

    def repr_instance(self, x: object, level: int) -> str:
        # Other objects can hold anything, and the default repr shows a memory address.
        return str(x) if x is None or isinstance(x, numbers.Number) else type(x).__name__


def brief(value: object, most: int = MAX_RECEIVED) -> str:
    """A value from outside as one short line for a message.

    Args:
        value: a text is used as it is, anything else by its repr.
        most: the most characters; a longer line ends with an ellipsis.
    """
    text = value if isinstance(value, str) else _Brief().repr(value)
    line = " ".join(text[: 4 * most].split())
    line = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)
    return line if len(line) <= most and len(text) <= 4 * most else f"{line[: most - 1]}…"


def _message(text: str) -> Message:
    """A problem or a remedy as a message of limited length. What stands in it may come from outside."""
    if isinstance(text, Message):
        values = {name: value if isinstance(value, Message) else _short(value) for name, value in text.values.items()}
        message = Message(text.template, **values)
        if len(message) <= MAX_PROBLEM:
            return message
    return Message(brief(str(text), MAX_PROBLEM))


def _short(value: object) -> object:
    return brief(value, MAX_PROBLEM) if isinstance(value, str) else value


class PlaygroundError(Exception):
    """Base of all errors that are shown to the user. As a text it is in English, for logs.

    Args:
        problem: what was wrong, as a whole sentence.
        remedy: what to do about it, as a whole sentence.
        received: the offending value or a description of it, if that helps; the message shows what `brief` makes of it.

    Attributes:
        message: all of it, for `language.gettext`.
    """

    def __init__(self, problem: str, remedy: str, received: object = None) -> None:
        self.problem = _message(problem)
        self.remedy = _message(remedy)
        self.received = received
        if received is None:
            self.message = Message("{problem} {remedy}", problem=self.problem, remedy=self.remedy)
        else:
            shown = received if isinstance(received, Message) else brief(received)
            self.message = Message(
                "{problem} Received: {received}. {remedy}", problem=self.problem, received=shown, remedy=self.remedy
            )
        super().__init__(str(self.message))


class ConfigError(PlaygroundError):
    """A setting of a run is missing, unknown, out of range, or does not go with another.

    Args:
        field: the dotted name of the setting, as in `RunConfig` (``"layers[1].units"``).
        problem: what is wrong with it, to follow its name; stored as ``what``.
    """

    def __init__(self, field: str, problem: str, remedy: str, received: object = None) -> None:
        self.field = field
        self.what = _message(problem)
        super().__init__(Message("{field}: {what}", field=field, what=self.what), remedy, received)


class DataError(PlaygroundError):
    """A file or an array of images or labels is not what it should be."""


class DownloadError(PlaygroundError):
    """A data set could not be fetched from any mirror."""


class DrawingError(PlaygroundError):
    """An array that is not a drawing that can be read."""


class TrainingError(PlaygroundError):
    """A run cannot continue: its loss is no longer a finite number."""


class CapacityError(PlaygroundError):
    """A run, or one more of them, is larger than this server can hold."""


class LimitError(PlaygroundError):
    """Too much has come from one network address in the last hour."""


class NetworkFileError(PlaygroundError):
    """A file does not hold a network that can be loaded."""


class WorkspaceError(PlaygroundError):
    """A text is not a workspace token or recovery code."""


class StoreError(PlaygroundError):
    """Runs cannot be saved or loaded: the database is full, locked, unreachable or damaged."""


class RunClosedError(StoreError):
    """A run can no longer be saved here: it has ended, or another server has taken it over."""


class RunNotFoundError(StoreError):
    """The workspace has no such run; another workspace may have it."""

    def __init__(self) -> None:
        super().__init__("There is no such run in this workspace.", "Choose one from the list of its runs.")


class ShareNotFoundError(StoreError):
    """No run is shared under this token; there may have been one before."""

    def __init__(self) -> None:
        super().__init__(
            "There is no shared run at this link.",
            "Its owner may have stopped sharing it, or the link is incomplete. Ask for it again.",
        )


class ClassNotFoundError(StoreError):
    """No class has this code, id or token now, or the visitor has no part in it."""

    def __init__(self) -> None:
        super().__init__("No class has this code now.", "Ask your teacher for it. Codes have no O, I, L or U.")


class ClassMovedError(StoreError):
    """Another desk of the same teacher has moved the class in the meantime."""

    def __init__(self) -> None:
        super().__init__("The class was moved in another window.", "Look where it is now, then move it from there.")


class ClassClosedError(StoreError):
    """A vote, or the doors of a class, are closed."""


class ClassFullError(StoreError):
    """There is no room for another class, or for another seat in one."""
