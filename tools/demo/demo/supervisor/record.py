"""What a supervisor writes down so that others find it, and find its children should it die without them."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import psutil

from demo.home import Home
from devservers.ports import Ports
from devservers.private_files import open_private, write_private

T = TypeVar("T")
_NO_PID = 2**31


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process distinguished from a later one that got the same pid, by when it started."""

    name: str
    pid: int
    started: float

    @classmethod
    def of(cls, name: str, pid: int) -> Self:
        """Identify the process that has `pid` now; psutil.NoSuchProcess when none has."""
        return cls(name=name, pid=pid, started=psutil.Process(pid).create_time())

    @classmethod
    def read(cls, raw: Any) -> Self:
        """Of what was written down. Raises ValueError, LookupError or TypeError for what is no process."""
        pid = _checked(raw["pid"], int)
        if not 0 < pid < _NO_PID:
            raise ValueError(f"no process has the number {pid}")
        return cls(
            name=_checked(raw["name"], str), pid=pid, started=float(_checked(raw["started"], (int, float)))
        )

    @classmethod
    def find_now(cls, name: str, pid: int) -> Self | None:
        """Like `of`, but None for a process that is gone already."""
        with suppress(psutil.NoSuchProcess):
            return cls.of(name, pid)
        return None

    def find(self) -> psutil.Process | None:
        """The process if it is still that one and not merely waiting to be reaped."""
        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started) < 1 and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Who supervises, where it listens, what it started; `observe` is whether with traces and metrics.

    `playground` is whether there are switches that break it.
    """

    supervisor: ProcessId
    socket: str
    brokers: int
    port_offset: int
    secure: bool = False
    children: tuple[ProcessId, ...] = ()
    observe: bool = False
    playground: bool = False

    @property
    def ports(self) -> Ports:
        """The ports it was started with, whatever the environment says now."""
        return Ports(offset=self.port_offset)

    def write(self, home: Home) -> None:
        """Replace what was written before."""
        write_private(home.record, json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, home: Home) -> "Record | None":
        """Read the record of the last supervisor, None when there was none or it cannot be understood."""
        try:
            raw = json.loads(home.record.read_text())
            return cls(
                supervisor=ProcessId.read(raw["supervisor"]),
                socket=_checked(raw["socket"], str),
                brokers=_checked(raw["brokers"], int),
                port_offset=_checked(raw["port_offset"], int),
                secure=raw.get("secure", False) is True,
                children=tuple(map(ProcessId.read, raw["children"])),
                observe=raw.get("observe", False) is True,
                playground=raw.get("playground", False) is True,
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None


def _checked(value: Any, kind: type[T] | tuple[type[T], ...]) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r:.100} cannot be understood")
    return value


class AlreadyRunningError(RuntimeError):
    """Another supervisor holds the lock of this home."""


@contextmanager
def supervisor_lock(home: Home) -> Iterator[None]:
    """Hold the home's lock; raises AlreadyRunningError when somebody else does."""
    with os.fdopen(open_private(home.lock, os.O_WRONLY | os.O_CREAT), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunningError(f"a supervisor of {home.root} is running already") from error
        yield


def running(home: Home) -> Record | None:
    """The record of the supervisor that runs now, if one does."""
    record = Record.read(home)
    return record if record and record.supervisor.find() else None


def leftovers(home: Home) -> list[tuple[ProcessId, psutil.Process]]:
    """Processes of a supervisor that is gone itself."""
    record = Record.read(home)
    if record is None or record.supervisor.find():
        return []
    found = ((child, child.find()) for child in record.children)
    return [(child, process) for child, process in found if process]


def forget(home: Home) -> None:
    """Remove what a supervisor that is gone wrote about itself, and its socket."""
    if record := Record.read(home):
        socket = Path(record.socket)
        socket.unlink(missing_ok=True)
        with suppress(OSError):
            socket.parent.rmdir()
    home.record.unlink(missing_ok=True)


def end(processes: list[psutil.Process], *, grace_s: float = 10.0) -> None:
    """Stop processes and their descendants, with SIGKILL for those that do not listen."""
    family = list(processes)
    for process in processes:
        with suppress(psutil.Error):
            family += process.children(recursive=True)
    for process in family:
        with suppress(psutil.Error):
            process.terminate()
            process.resume()  # a stopped one would never see it
    _, alive = psutil.wait_procs(family, timeout=grace_s)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


def supervisor_id() -> ProcessId:
    """This process, as the supervisor."""
    return ProcessId.of("supervisor", os.getpid())
