"""A closed-loop load generator that costs little: keep-alive connections, one request each, written ready-made."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run. Latencies in milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """Processor time of the instance per request, which a busy machine distorts least."""
    statuses: dict[int, int]


async def run(  # noqa: PLR0913 - a load has this many sides
    pid: int, port: int, path: str, body: bytes, *, seconds: float, connections: int
) -> Measured:
    """POST `body` on so many connections for so long to the process `pid`. The first tenth is not counted."""
    process = psutil.Process(pid)
    cpu_before = sum(process.cpu_times()[:2])
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    request = head.encode() + body
    begun = time.perf_counter()
    counted_from, ends = begun + seconds / 10, begun + seconds
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    sent_in_all = 0

    async def customer() -> None:
        nonlocal sent_in_all
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (sent := time.perf_counter()) < ends:
            writer.write(request)
            sent_in_all += 1
            status, length = _head(await reader.readuntil(b"\r\n\r\n"))
            if length:
                await reader.readexactly(length)
            if sent >= counted_from:
                latencies.append(time.perf_counter() - sent)
                statuses[status] += 1
        writer.close()

    await asyncio.gather(*(customer() for _ in range(connections)))
    latencies.sort()
    return Measured(
        per_second=len(latencies) / (time.perf_counter() - counted_from),
        p50_ms=latencies[len(latencies) // 2] * 1e3,
        p99_ms=latencies[int(len(latencies) * 0.99)] * 1e3,
        cpu_us=(sum(process.cpu_times()[:2]) - cpu_before) / sent_in_all * 1e6,
        statuses=dict(statuses),
    )


def _head(head: bytes) -> tuple[int, int]:
    lower = head.lower()
    at = lower.find(b"content-length:")
    length = 0 if at < 0 else int(lower[at + 15 : lower.find(b"\r\n", at)])
    return int(head[9:12]), length
