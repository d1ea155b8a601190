"""The account of what an order costs runs to its report on a stack that is up. No figure is asserted."""

import asyncio
import sys

from tests.support.stack import REPOSITORY, RunningStack


async def test_every_part_and_every_kind_of_request_is_in_the_account(stack: RunningStack) -> None:
    small = ("--rate", "20", "--seconds", "2", "--idle", "1", "--warm-up", "5", "--home", str(stack.home))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.sync.cost",
        *small,
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed = (await process.communicate())[0].decode()
    assert process.returncode == 0, printed
    parts = ("brokers", "order instances", "sink", "catalog", "postgres")
    causes = ("Produce", "FetchFollower", "FetchConsumer", "order: statements", "read database: transactions")
    assert [name for name in (*parts, *causes) if f"| {name} |" not in printed] == []
