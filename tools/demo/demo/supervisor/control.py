"""Talking to a running supervisor: one JSON object per line over a Unix socket that only its owner can reach."""

import asyncio
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import psutil

from demo.errors import NotRunningError
from demo.supervisor.graph import Job, Service
from demo.supervisor.record import Record
from demo.supervisor.state import PartState, Phase, State
from demo.supervisor.supervisor import Supervisor

HEALTH_TIMEOUT_S = 2.0
FINAL = (Phase.STOPPED, Phase.FAILED)

Snapshot = dict[str, Any]


class ControlServer:
    """Answers `status`, `follow`, `down` and `stop|start|restart PART` for one supervisor."""

    def __init__(self, *, supervisor: Supervisor, described: Mapping[str, Any]) -> None:
        """`described` is added to every snapshot: addresses and passwords of the stack."""
        self._supervisor = supervisor
        self._described = described

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client, which says one line and reads until the end."""
        with suppress(ConnectionError):
            request = _understood(await reader.readline())
            match request:
                case {"do": "status"}:
                    await _send(writer, await self._status())
                case {"do": "follow"}:
                    await self._follow(writer)
                case {"do": "down"}:
                    self._supervisor.request_stop()
                    await self._follow(writer, until=FINAL)
                case {"do": "stop" | "start" | "restart" as action, "part": str(part)}:
                    await _send(writer, await self._act(action, part))
                case _:
                    await _send(writer, {"error": f"not understood: {request}"})
        writer.close()

    async def _act(self, action: str, part: str) -> Snapshot:
        """Carry it out; the answer tells in which state the part was before."""
        was = {part_state.part.name: str(part_state.state) for part_state in self._supervisor.parts}.get(part)
        try:
            if action in ("stop", "restart"):
                await self._supervisor.stop_part(part)
            if action in ("start", "restart"):
                await self._supervisor.start_part(part)
        except KeyError:
            services = [
                part_state.part.name
                for part_state in self._supervisor.parts
                if isinstance(part_state.part, Service)
            ]
            return {"error": f"no part is called {part!r}; there are {', '.join(sorted(services))}"}
        return {"done": action, "part": part, "was": was}

    async def _follow(
        self, writer: asyncio.StreamWriter, *, until: tuple[Phase, ...] = (Phase.READY, *FINAL)
    ) -> None:
        while True:
            change = asyncio.create_task(self._supervisor.changes())
            await asyncio.sleep(0)  # let it listen before the state is read, so that no change falls between
            await _send(writer, self._snapshot())
            if self._supervisor.phase in until:
                change.cancel()
                return
            await change

    async def _status(self) -> Snapshot:
        snapshot = self._snapshot()
        ready = [
            part_state.part
            for part_state in self._supervisor.parts
            if isinstance(part_state.part, Service) and part_state.state is State.READY
        ]
        answers = await asyncio.gather(*(_is_healthy(service) for service in ready))
        for service, healthy in zip(ready, answers, strict=True):
            if not healthy:
                snapshot["parts"][service.name]["state"] = "unready"
        for part in snapshot["parts"].values():
            part["rss_mb"] = resident_mb(part["pid"])
        snapshot["supervisor"]["rss_mb"] = resident_mb(snapshot["supervisor"]["pid"], children=False)
        return snapshot

    def _snapshot(self) -> Snapshot:
        supervisor = self._supervisor
        return {
            **self._described,
            "phase": supervisor.phase,
            "failure": supervisor.failure,
            "supervisor": {"pid": psutil.Process().pid},
            "parts": {
                k.part.name: _service_line(k, k.part)
                for k in supervisor.parts
                if isinstance(k.part, Service) and not k.absent
            },
            "jobs": {k.part.name: _job_line(k) for k in supervisor.parts if isinstance(k.part, Job)},
        }


def _understood(line: bytes) -> Any:
    """The request in a line; what is no JSON is no request."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


async def _send(writer: asyncio.StreamWriter, message: Snapshot) -> None:
    writer.write(json.dumps(message).encode() + b"\n")
    await writer.drain()


async def _is_healthy(service: Service) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(HEALTH_TIMEOUT_S):
            return await service.ready()
    return False


def _service_line(part_state: PartState, service: Service) -> Snapshot:
    return {
        "pid": part_state.child.pid if part_state.child else None,
        "state": part_state.state,
        "url": service.url,
        "restarts": part_state.restarts,
        "took_s": part_state.took_s,
    }


def _job_line(part_state: PartState) -> Snapshot:
    return {"state": part_state.state, "took_s": part_state.took_s}


def resident_mb(pid: int | None, *, children: bool = True) -> int | None:
    """Memory of a process and its descendants in MB; pages they share count once where the system tells (Linux)."""
    if pid is None:
        return None
    total = 0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)] if children else [process]
        for member in family:
            with suppress(psutil.Error):
                memory = member.memory_full_info()
                total += getattr(memory, "pss", 0) or memory.rss
    return round(total / 1e6)


def converse(
    record: Record, request: dict[str, str], *, timeout_s: float | None = None
) -> Iterator[Snapshot]:
    """Say `request` to the supervisor of `record` and give each of its answers; raises NotRunningError."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout_s)
            connection.connect(record.socket)
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("r") as lines:
                for line in lines:
                    yield json.loads(line)
    except OSError as error:
        raise NotRunningError(
            f"the supervisor (pid {record.supervisor.pid}) does not answer: {error}"
        ) from error


def ask(record: Record, request: dict[str, str], *, timeout_s: float = 60.0) -> Snapshot:
    """Say `request` and give the one answer."""
    for answer in converse(record, request, timeout_s=timeout_s):
        return answer
    raise NotRunningError("the supervisor closed the connection")
