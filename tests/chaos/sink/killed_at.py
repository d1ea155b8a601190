"""A program that kills itself at one of its steps: `python -m tests.chaos.sink.killed_at STEP TIMES MODULE WORDS…`.

SIGKILL, the `TIMES`-th time that the step is taken and counts; a step is there before or after a function of the program,
which knows nothing of it.
"""

import functools
import inspect
import os
import runpy
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

Counts = Callable[[tuple[Any, ...], Any], object]


def always(_arguments: tuple[Any, ...], _result: Any) -> bool:
    return True


def with_records(arguments: tuple[Any, ...], _result: Any) -> object:
    return arguments[1].records


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`where` is `module:name` of the function; before it, the result that `counts` is given is None."""

    where: str
    is_after: bool = True
    counts: Counts = always


_TASK = "sink_connector.runtime.sink_task:SinkTask"
_WRITER = "sink_connector.sink.table_writer:TableWriter"
OF_SINK: Mapping[str, Step] = {
    "records polled": Step(where=f"{_TASK}._take_in", is_after=False, counts=with_records),
    "records converted": Step(where=f"{_TASK}._take_in", counts=with_records),
    "transaction begun": Step(where="sink_connector.sink.offsets:advance", is_after=False),
    "offsets moved": Step(where="sink_connector.sink.offsets:advance"),
    "rows written": Step(where=f"{_WRITER}._write_tables"),
    "dead letters stored": Step(where="sink_connector.sink.table_writer:store"),
    "committed": Step(where=f"{_WRITER}._transaction"),
    "commit noted": Step(where=f"{_TASK}._after_commit"),
}


def arm(step: Step, *, times: int) -> None:
    """Put the end of the process at the step."""
    left = times

    def reached(arguments: tuple[Any, ...], result: Any) -> None:
        nonlocal left
        if step.counts(arguments, result):
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    module, _, name = step.where.partition(":")
    *owners, last = name.split(".")
    owner: Any = functools.reduce(getattr, owners, import_module(module))
    function = getattr(owner, last)
    setattr(owner, last, _wrapped(function, reached, is_after=step.is_after))


def _wrapped(function: Callable[..., Any], reached: Counts, *, is_after: bool) -> Callable[..., Any]:
    if not inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        def called(*arguments: Any, **more: Any) -> Any:
            result = function(*arguments, **more)
            reached(arguments, result)
            return result

        return called

    @functools.wraps(function)
    async def awaited(*arguments: Any, **more: Any) -> Any:
        if not is_after:
            reached(arguments, None)
        result = await function(*arguments, **more)
        if is_after:
            reached(arguments, result)
        return result

    return awaited


def main() -> None:
    name, times, module, *words = sys.argv[1:]
    arm(OF_SINK[name], times=int(times))
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
