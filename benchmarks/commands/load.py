"""A closed-loop load generator that costs little: keep-alive connections, one request each, written ready-made."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run. Latencies in milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """Processor time of the instance per request, which a busy machine distorts least."""
    answers: int
    """Every answer of the run, those of its unmeasured first tenth included; all have the expected status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """POST `body` to `path` on `connections` connections for `seconds`; every answer must have the status `expected`."""

    path: str
    body: bytes
    expected: int
    seconds: float
    connections: int

    @property
    def request(self) -> bytes:
        """The request's bytes, the same every time."""
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


class WrongAnswersError(RuntimeError):
    """Some answers had another status than expected, or the database has other rows than were acknowledged."""


@dataclass(slots=True)
class _Seen:
    latencies_s: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


async def run(load: Load, *, pid: int, port: int) -> Measured:
    """Load the process `pid` that listens on `port`. The first tenth of the time is not timed.

    Raises WrongAnswersError when an answer has another status than expected: such a run measures something else.
    """
    process = psutil.Process(pid)
    cpu_before = sum(process.cpu_times()[:2])
    begun = time.perf_counter()
    counted_from, ends = begun + load.seconds / 10, begun + load.seconds
    seen = _Seen()
    connections = (
        _one_connection(load.request, port, seen, counted_from, ends) for _ in range(load.connections)
    )
    await asyncio.gather(*connections)
    took = time.perf_counter() - counted_from
    if seen.statuses.keys() != {load.expected}:
        raise WrongAnswersError(
            f"POST {load.path}: expected {load.expected} only, answered {dict(seen.statuses)}"
        )
    latencies = sorted(seen.latencies_s)
    answers = seen.statuses.total()
    return Measured(
        per_second=len(latencies) / took,
        p50_ms=latencies[len(latencies) // 2] * 1e3,
        p99_ms=latencies[int(len(latencies) * 0.99)] * 1e3,
        cpu_us=(sum(process.cpu_times()[:2]) - cpu_before) / answers * 1e6,
        answers=answers,
    )


def check_rows(measured: Measured, *, rows: int) -> None:
    """Raise WrongAnswersError unless the table has exactly as many `rows` as orders were acknowledged."""
    if rows != measured.answers:
        raise WrongAnswersError(f"{measured.answers} orders were acknowledged, the table has {rows}")


async def _one_connection(request: bytes, port: int, seen: _Seen, counted_from: float, ends: float) -> None:
    """Send the next request when the last is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (sent := time.perf_counter()) < ends:
        writer.write(request)
        status, length = _head(await reader.readuntil(b"\r\n\r\n"))
        if length:
            await reader.readexactly(length)
        seen.statuses[status] += 1
        if sent >= counted_from:
            seen.latencies_s.append(time.perf_counter() - sent)
    writer.close()


def _head(head: bytes) -> tuple[int, int]:
    lower = head.lower()
    at = lower.find(b"content-length:")
    length = 0 if at < 0 else int(lower[at + 15 : lower.find(b"\r\n", at)])
    return int(head[9:12]), length
