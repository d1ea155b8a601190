"""What is said of a task while it is paused."""

from dataclasses import dataclass
from typing import Any, cast

import pytest

from sink_connector.runtime.connector import RunningTask, TaskStatus
from sink_connector.runtime.delivery import Trouble
from sink_connector.runtime.states import State

AWAY = Trouble(since_ms=0, attempts=3, reason="the database is away")


@dataclass(frozen=True, slots=True)
class Task:
    """A task, as far as its state is concerned."""

    is_idle: bool
    trouble: Trouble | None = None


@pytest.mark.parametrize(
    ("task", "asked", "said"),
    [
        (Task(is_idle=False), State.RUNNING, State.RUNNING),
        (Task(is_idle=True), State.RUNNING, State.RUNNING),
        (Task(is_idle=False), State.PAUSED, State.RUNNING),
        (Task(is_idle=True), State.PAUSED, State.PAUSED),
        (Task(is_idle=False, trouble=AWAY), State.PAUSED, State.PAUSED),
        (Task(is_idle=False), State.FAILED, State.FAILED),
        (None, State.PAUSED, State.PAUSED),
    ],
    ids=str,
)
def test_a_task_is_paused_once_it_delivers_nothing_more(task: Task | None, asked: State, said: State) -> None:
    assert RunningTask(TaskStatus(0, asked), str, cast("Any", task)).state is said
