"""Where a run stands."""

from enum import Enum


class Status(Enum):
    """Where a run stands."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_active(self) -> bool:
        """Whether the run may still go on."""
        return self in (Status.WAITING, Status.RUNNING, Status.PAUSED)
