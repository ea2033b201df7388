"""The status of a run."""

from enum import Enum


class Status(Enum):
    """The status of a run."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_active(self) -> bool:
        """Whether the run can still continue."""
        return self in (Status.WAITING, Status.RUNNING, Status.PAUSED)
