"""Failures, named by the decision they lead to: retry, treat one record, or stop the task."""

from enum import Enum


class Stage(Enum):
    """Where on its path a record failed; the names of Kafka Connect's `Stage`, which the dead-letter headers carry."""

    KEY_CONVERTER = "KEY_CONVERTER"
    VALUE_CONVERTER = "VALUE_CONVERTER"
    HEADER_CONVERTER = "HEADER_CONVERTER"
    TRANSFORMATION = "TRANSFORMATION"
    TASK_PUT = "TASK_PUT"


def headline(error: BaseException | str) -> str:
    """The first line of a message: what PostgreSQL adds to it (DETAIL) may hold a row's values, which no log should."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def is_want_of_memory(error: BaseException | None) -> bool:
    """Whether an exception, or one that it was raised from, says that there was no memory: it is about no record then."""
    seen: set[int] = set()  # an error may be its own cause
    while error is not None and id(error) not in seen:
        if isinstance(error, MemoryError):
            return True
        seen.add(id(error))
        error = error.__cause__
    return False


class SinkError(Exception):
    """The sink connector could not do what was asked; the message says what and, where there is one, the remedy."""


class BadRecordError(SinkError):
    """One record cannot be delivered, whatever is done again; `errors.tolerance` decides about it."""

    def __init__(self, reason: str, *, stage: Stage = Stage.TASK_PUT) -> None:
        """`stage` says where on its path the record failed."""
        super().__init__(reason)
        self.stage = stage


class FatalError(SinkError):
    """The task cannot go on without a person: it fails, having skipped nothing."""


class FencedError(FatalError):
    """Another writer has claimed one of the batch's partitions: nothing of this batch was written."""


class WentBackError(FencedError):
    """The database lacks what this writer has committed: a standby without it was promoted, or a backup restored."""


class ConfigError(SinkError):
    """A configuration that cannot be used. `problems` maps each key to what is wrong with it."""

    def __init__(self, problems: dict[str, list[str]]) -> None:
        """`problems` has at least one entry."""
        lines = [f"{key}: {problem}" for key, found in problems.items() for problem in found]
        super().__init__("; ".join(lines))
        self.problems = problems


class LogError(SinkError):
    """The workers' common log could not be written or read in time; whoever asked may ask again."""


class PortTakenError(SinkError):
    """Somebody else answers where the worker is to."""
