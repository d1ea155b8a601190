"""One audit: collect every side's facts, then ask the questions."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from itertools import groupby

from auditor.observations import Command, Fact, Planted
from auditor.report import SAMPLES, Report, examine
from auditor.scratch import Scratch, scratch
from auditor.sources.databases import snapshot
from auditor.sources.rows import progress_facts, read_facts, write_facts
from auditor.sources.topics import partition_ends, topic_facts
from auditor.target import Target
from auditor.waiting import until

_PAUSE_S = 0.5


async def audit(
    target: Target,
    *,
    commands: Iterable[Command] = (),
    planted: Iterable[Planted] = (),
    wait_s: float = 0.0,
    samples: int = SAMPLES,
) -> Report:
    """Compare everything with everything.

    The system should be quiet: what is on its way is reported as missing. `wait_s` is the time it is given to become
    so: an audit that finds something is repeated until then, since what is late arrives and what is lost does not.
    `commands` is a load's journal. `planted` are records that a test has put into the topics itself: they need not come
    from an outbox, and whoever has applied one is found out by what differs from the write databases. Errors of the databases' and Kafka's drivers propagate.
    """
    given: tuple[Fact, ...] = (*commands, *planted)
    deadline = time.monotonic() + wait_s
    while True:
        await until(partial(_is_quiet, target), timeout_s=deadline - time.monotonic(), pause_s=_PAUSE_S)
        report = await _audit_once(target, given, samples=samples)
        if report.clean or time.monotonic() >= deadline:
            return report
        await asyncio.sleep(_PAUSE_S)


async def _audit_once(target: Target, given: Sequence[Fact], *, samples: int) -> Report:
    with scratch() as facts:
        facts.add(target.readers())
        for _kind, alike in groupby(given, key=type):
            facts.add(alike)
        for instance, url in target.write_databases.items():
            async with snapshot(url) as database:
                await _collect(facts, write_facts(database, instance=instance, target=target))
        await _collect(facts, topic_facts(target))
        async with snapshot(target.read_dsn) as database:
            await _collect(facts, read_facts(database, target=target))
        facts.settle()
        return examine(facts, samples=samples)


async def _collect(facts: Scratch, blocks: AsyncIterator[Sequence[Fact]]) -> None:
    async for block in blocks:
        facts.add(block)


async def _is_quiet(target: Target) -> bool:
    """Every reader has reached the end of its topics: a cheap question before the dear ones."""
    ends = await partition_ends(target)
    reached = {(at.reader, at.topic, at.partition): at.next for at in await progress_facts(target)}
    return all(
        reached.get((reader.name, log.topic, log.partition), 0) >= log.end
        for reader in target.readers()
        for log in ends
        if log.topic == reader.topic
    )
