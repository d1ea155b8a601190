"""A server of HTTP that ends with its event loop."""

import asyncio
import os
import socket
import sys
import threading
import time
from typing import Any

import uvicorn

END_S = 10
"""For the end of a process that is short of memory."""


class BrokenLoopError(RuntimeError):
    """The event loop accepts no connections any more, or has lost a call: whatever waits for it would wait for ever."""


class GuardedServer(uvicorn.Server):
    """uvicorn's server for as long as its event loop can be relied on; then it answers what it has and raises BrokenLoopError.

    uvloop accepts no connection after one that it could not take on, and a timer or what was read is lost when there is no
    memory for it. The process has `END_S` for its end then: for want of memory it may wait for a thread that never began.
    """

    _broken: BaseException | None = None
    _is_hurried = False

    def __init__(self, config: uvicorn.Config) -> None:
        """Serve what `config` says."""
        super().__init__(config)
        self._end = threading.Lock()
        self._end.acquire()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        threading.Thread(target=self._last_resort, name="last-resort", daemon=True).start()
        asyncio.get_running_loop().set_exception_handler(self._told)
        self._hook, sys.unraisablehook = sys.unraisablehook, self._ignored
        await super().startup(sockets)

    async def main_loop(self) -> None:
        """Until the end is asked for, or there is not even memory for waiting."""
        try:
            await super().main_loop()
        except MemoryError as error:
            self._break(error)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what is under way, as uvicorn does. Raises BrokenLoopError once the loop is broken, whoever asked for the end."""
        try:
            await super().shutdown(sockets)
        finally:
            if sys.unraisablehook == self._ignored:
                sys.unraisablehook = self._hook
        if self._broken is not None:
            raise BrokenLoopError("the event loop cannot be relied on any more") from self._broken
        if not self._is_hurried:
            self._end.release()

    def give_up(self, *ended: "asyncio.Task[Any]") -> None:
        """Let the server end, because other parts of the process have, if any has."""
        self.should_exit = True
        for error in (None if each.cancelled() else each.exception() for each in ended):
            if isinstance(error, MemoryError) or (
                isinstance(error, BaseExceptionGroup) and error.subgroup(MemoryError) is not None
            ):
                self._hurry()

    def _told(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What libuv calls itself, such as for a new connection, comes with nothing but the exception."""
        error = context.get("exception")
        of_connection = context.get("message", "").startswith("Fatal")  # which is closed for it
        if error is not None and (
            context.keys() == {"exception"} or (isinstance(error, MemoryError) and not of_connection)
        ):
            self._break(error)
        loop.default_exception_handler(context)

    def _ignored(self, unraisable: "sys.UnraisableHookArgs") -> None:
        if issubclass(unraisable.exc_type, MemoryError):
            self._break(unraisable.exc_value or MemoryError())
        self._hook(unraisable)

    def _break(self, error: BaseException) -> None:
        self._broken = self._broken or error
        self.should_exit = True
        self._hurry()

    def _hurry(self) -> None:
        if not self._is_hurried:
            self._is_hurried = True
            self._end.release()

    def _last_resort(self) -> None:
        """A thread that was there before, and needs nothing more. A signal would not do: the first process of a container gets none."""
        self._end.acquire()
        if self._is_hurried:
            try:
                time.sleep(END_S)
            finally:
                os._exit(1)
