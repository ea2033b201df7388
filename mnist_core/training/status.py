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

    def can_go_on(self, done: int, planned: int) -> bool:
        """Whether a new run can go on after the last epoch: this one was stopped, or has done all its epochs.

        Args:
            done: the finished epochs.
            planned: those of its config; early stopping ends before.
        """
        return self is Status.STOPPED or (self is Status.FINISHED and done == planned)


_LABELS = {
    Status.WAITING: Message("waiting"),
    Status.RUNNING: Message("running"),
    Status.PAUSED: Message("paused"),
    Status.FINISHED: Message("finished"),
    Status.STOPPED: Message("stopped"),
    Status.FAILED: Message("failed"),
}
