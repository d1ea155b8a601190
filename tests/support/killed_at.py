"""A process that kills itself at one of its steps, each before or after a function of a program that knows nothing of it."""

import functools
import inspect
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

Counts = Callable[[tuple[Any, ...], Any], object]


def always(_arguments: tuple[Any, ...], _result: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`where` is `module:name` of the function; before it, the result that `counts` is given is None."""

    where: str
    is_after: bool = True
    counts: Counts = always


def arm(step: Step, *, times: int) -> None:
    """Put the end of the process, by SIGKILL, at the step: the `times`-th time that it is taken and counts."""
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
            if not is_after:
                reached(arguments, None)
            result = function(*arguments, **more)
            if is_after:
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
