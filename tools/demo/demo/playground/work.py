"""Longer pieces of work, one at a time: an audit, a schedule of faults, a walk through the legs."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from demo.playground.errors import BusyError

Result = dict[str, Any]
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Work:
    """`results` has what each piece of work last led to: {at_ms, …}, with `error` or `stopped` where it came to nothing."""

    clock: Callable[[], float] = time.time
    results: dict[str, Result] = field(default_factory=dict)
    _name: str | None = None
    _began: float = 0.0
    _task: "asyncio.Task[None] | None" = None

    @property
    def running(self) -> Result | None:
        """{name, began_ms} of what is being done, None for nothing."""
        return None if self._name is None else {"name": self._name, "began_ms": round(self._began * 1000)}

    def require_idle(self) -> None:
        """Raise BusyError while something is being done."""
        if self._name is not None:
            raise BusyError(f"busy with: {self._name}")

    def begin(self, name: str, work: Callable[[], Awaitable[Result]]) -> None:
        """Begin a piece of work. Raises BusyError while another one is being done."""
        self.require_idle()
        self._name, self._began = name, self.clock()
        self._task = asyncio.create_task(self._run(name, work))

    async def stop(self) -> None:
        """End what is being done, as soon as it has cleaned up behind itself; it may be nothing."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})

    def interrupt(self) -> None:
        """The same without waiting for the end."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self, name: str, work: Callable[[], Awaitable[Result]]) -> None:
        try:
            result = await work()
        except asyncio.CancelledError:
            result = {"stopped": True}
        # Whatever keeps it from its end is told to the visitor, and is no reason for the other switches to stop.
        except Exception as error:  # noqa: BLE001 - see above
            log.warning("work.failed work=%s error=%r", name, error)
            result = {"error": str(error) or type(error).__name__}
        self.results[name] = {"at_ms": round(self.clock() * 1000), **result}
        self._name = None
