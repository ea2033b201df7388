"""The status of a run."""

from enum import Enum

from mnist_core.language import Message


class Status(Enum):
    """The status of a run."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def label(self) -> Message:
        """Its name on screens."""
        return _LABELS[self]

    @property
    def is_active(self) -> bool:
        """Whether the run can still continue."""
        return self in (Status.WAITING, Status.RUNNING, Status.PAUSED)


_LABELS = {
    Status.WAITING: Message("waiting"),
    Status.RUNNING: Message("running"),
    Status.PAUSED: Message("paused"),
    Status.FINISHED: Message("finished"),
    Status.STOPPED: Message("stopped"),
    Status.FAILED: Message("failed"),
}
