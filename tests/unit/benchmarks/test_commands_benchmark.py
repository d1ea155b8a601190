"""The load of the commands benchmark counts only what was answered as it should be, and what is in the table."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

import pytest

from benchmarks.commands.load import Load, Measured, WrongAnswersError, check_rows, run
from benchmarks.commands.report import markdown

Answer = Callable[[int], int]
"""Number of the request to its status."""


@asynccontextmanager
async def served(status_of: Answer) -> AsyncIterator[int]:
    """Port of an HTTP server that reads requests with a body of two bytes."""
    numbers = count()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(2)
                status = status_of(next(numbers))
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nok".encode())
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def load() -> Load:
    return Load(path="/orders", body=b"{}", expected=201, seconds=0.2, connections=2)


def measured(answers: int) -> Measured:
    return Measured(per_second=1.0, p50_ms=1.0, p99_ms=1.0, cpu_us=1.0, answers=answers)


async def test_answers_of_the_unmeasured_part_are_counted_as_well() -> None:
    seen: list[int] = []

    def created(number: int) -> int:
        seen.append(number)
        return 201

    async with served(created) as port:
        found = await run(load(), pid=os.getpid(), port=port)
    assert found.answers == len(seen) > 0
    assert found.per_second > 0


async def test_one_other_answer_ends_the_run() -> None:
    async with served(lambda number: 503 if number == 5 else 201) as port:
        with pytest.raises(WrongAnswersError, match="503"):
            await run(load(), pid=os.getpid(), port=port)


def test_rows_have_to_equal_the_acknowledged_orders() -> None:
    check_rows(measured(3), rows=3)
    for rows in (2, 4):
        with pytest.raises(WrongAnswersError):
            check_rows(measured(3), rows=rows)


def test_shares_are_taken_within_a_run() -> None:
    runs = [
        {"run": number, "database": "sqlite", "part": part, "per_second": rate, "p50_ms": 1, "p99_ms": 1, "cpu_us": 1}
        for number, part, rate in ((0, "orders", 50.0), (0, "empty route", 100.0), (1, "orders", 90.0), (1, "empty route", 300.0))
    ]  # fmt: skip
    page = markdown(
        {
            "day": "2026-01-01",
            "machine": "",
            "connections": 1,
            "events": 10,
            "runs": runs,
            "drain": [["sqlite", 5]],
        }
    )
    assert "| orders | 70 (50 to 90) | 0.40 (0.30 to 0.50) |" in page
