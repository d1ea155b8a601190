"""What aiokafka's consumers and producers do when they are stopped."""

import asyncio
import contextlib
from collections.abc import Callable


class Stopping:
    """Its `stop` ends a task that ends in peace when it is cancelled, and waits for it: `meanwhile` is called then.

    Who waits and is cancelled cancels what it waits for: both cancellations are one for the task, and the caller's is lost.
    """

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self._meanwhile = meanwhile

    async def stop(self) -> None:
        work = asyncio.create_task(self._work())
        await asyncio.sleep(0)
        work.cancel()
        self._meanwhile()
        await work

    async def _work(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
