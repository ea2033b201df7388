"""The one tree of errors that the core raises on purpose.

Everything that comes from outside (files, links, uploads, drawings, settings) is accepted whole or refused
with one of these. Each message says what was wrong, what was received and what to do, in words that a page
can show as they are. Any other exception is a bug.
"""


class PlaygroundError(Exception):
    """Base of all errors that are shown to the user.

    Args:
        problem: what was wrong, as a whole sentence.
        remedy: what to do about it, as a whole sentence.
        received: the offending value or a description of it, if that helps; shortened to 120 characters.
    """

    def __init__(self, problem: str, remedy: str, received: object = None) -> None:
        self.problem = problem
        self.remedy = remedy
        self.received = received
        parts = [problem]
        if received is not None:
            text = received if isinstance(received, str) else repr(received)
            parts.append(f"Received: {text if len(text) <= 120 else text[:119] + '…'}.")
        super().__init__(" ".join([*parts, remedy]))


class ConfigError(PlaygroundError):
    """A setting of a run is missing, unknown, out of range, or does not go with another.

    Args:
        field: the dotted name of the setting, as it stands in `RunConfig` (``"layers[1].units"``).
    """

    def __init__(self, field: str, problem: str, remedy: str, received: object = None) -> None:
        self.field = field
        super().__init__(f"{field}: {problem}", remedy, received)


class DataError(PlaygroundError):
    """A file or an array of images or labels is not what it should be."""


class DownloadError(PlaygroundError):
    """A data set could not be fetched from any mirror."""


class DrawingError(PlaygroundError):
    """An array handed over as a drawing is no picture that can be read."""


class TrainingError(PlaygroundError):
    """A run cannot go on: its loss is no longer a finite number."""


class CapacityError(PlaygroundError):
    """A run, or one more of them, is larger than this server can hold."""


class NetworkFileError(PlaygroundError):
    """A stored network cannot be read back."""


class WorkspaceError(PlaygroundError):
    """What was given as a workspace's token or recovery code is none."""


class StoreError(PlaygroundError):
    """Runs cannot be kept or read back: the database is full, locked, out of reach or damaged."""


class RunClosedError(StoreError):
    """A kept run cannot be saved from here any more: it has ended, or another server goes on with it."""


class RunNotFoundError(StoreError):
    """The workspace holds no such run, whether or not another one does."""

    def __init__(self) -> None:
        super().__init__("There is no such run in this workspace.", "Choose one from the list of its runs.")


class ShareNotFoundError(StoreError):
    """No run is shared under a link's token, whether or not there ever was one."""

    def __init__(self) -> None:
        super().__init__(
            "There is no shared run at this link.",
            "Its owner may have stopped sharing it, or a piece of the link is missing: ask for it again.",
        )
