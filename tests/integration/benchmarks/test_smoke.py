"""Benchmarks run to their reports, small. No time is asserted."""

import asyncio
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


async def output_of(*words: str) -> str:
    """What a benchmark prints that must end well."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *words,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def test_commands(
    monkeypatch: pytest.MonkeyPatch, kafka_bootstrap: str, postgres_admin_dsn: str
) -> None:
    monkeypatch.setenv("TEST_KAFKA_BOOTSTRAP", kafka_bootstrap)
    monkeypatch.setenv("TEST_POSTGRES_DSN", postgres_admin_dsn)
    printed = await output_of("benchmarks.commands", "--smoke")
    assert printed.count("| empty route |") == printed.count("The relay drains 5,000 waiting events") == 2


async def test_queries(postgres_admin_dsn: str) -> None:
    small = ("--orders", "5000", "--times", "20", "--seconds", "1", "--postgres", postgres_admin_dsn)
    printed = await output_of("benchmarks.queries", *small)
    assert "three instances, merged" in printed
    assert "Limit " in printed


async def test_stages_of_the_sink(kafka_bootstrap: str, postgres_admin_dsn: str) -> None:
    servers = ("--kafka", kafka_bootstrap, "--postgres", postgres_admin_dsn)
    kinds = ("insert", "upsert", "avro")
    printed = await output_of(
        "benchmarks.sink.stages", *servers, "--records", "12000", "--runs", "1", "--only", *kinds
    )
    assert [line.split(" | ")[0] for line in printed.splitlines()[-3:]] == [f"| {kind}" for kind in kinds]
