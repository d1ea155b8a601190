"""The states that a connector and a task can be in."""

from enum import Enum


class State(Enum):
    """Connect's states of a connector and of a task."""

    UNASSIGNED = "UNASSIGNED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    RESTARTING = "RESTARTING"
