"""An audit of a copy of the read model while the system works: it against the topics, up to the offsets it stands for.

The copy is read in one snapshot, together with how far its connectors have come; records beyond that are left out. So
nothing has to be quiet. What the topics do not say (the write databases, stocks, commands) is the whole audit's matter.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace

from auditor.observations import DeadLetter, Fact, History, Log, Progress, Record
from auditor.report import Report, examine
from auditor.scratch import Scratch, scratch
from auditor.sources.databases import snapshot
from auditor.sources.rows import read_facts
from auditor.sources.topics import topic_facts
from auditor.sql import text
from auditor.target import SINK_CONNECTORS, Target

ASKED = frozenset(
    {
        "read-missing", "read-extra", "read-older", "read-newer", "read-different", "state-doubled",
        "topic-unreadable", "history-missing", "history-extra", "history-doubled", "history-different",
        "offset-ahead", "offset-lost", "dead-letter-unknown", "dead-letter-doubled", "projection-different",
    }
)  # fmt: skip
"""The questions about a read model alone."""

_KEEPERS = {keeps: {r.name: r for r in SINK_CONNECTORS if r.keeps == keeps} for keeps in ("state", "history")}

At = Mapping[tuple[str, str, int], int]
"""The next offset of each (connector, topic, partition)."""


async def audit_copy(target: Target, *, schema: str, suffix: str) -> Report:
    """Compare the read tables in `schema`, written by the sink's connectors with `suffix` added to their names.

    Errors of the databases' and Kafka's drivers propagate.
    """
    topics = topic_facts(replace(target, write_databases={}))
    return await compare(_copy_facts(target, schema=schema), topics, suffix=suffix)


async def _copy_facts(target: Target, *, schema: str) -> AsyncIterator[Sequence[Fact]]:
    """All of the copy at one moment. The transaction ends before the topics are read, which may take long."""
    separator = "&" if "?" in target.read_dsn else "?"
    async with snapshot(f"{target.read_dsn}{separator}search_path={schema}") as database:
        async for block in read_facts(database, target=target):
            yield block


async def compare(
    copy: AsyncIterator[Sequence[Fact]], topics: AsyncIterator[Sequence[Log | Record]], *, suffix: str
) -> Report:
    """Connectors of one topic are not equally far: what is kept by key and what is kept by event is compared apart."""
    at: dict[tuple[str, str, int], int] = {}
    with scratch() as states, scratch() as events:
        sides = {"state": states, "history": events}
        for keeps, side in sides.items():
            side.add(_KEEPERS[keeps].values())
        async for block in copy:
            for keeps, side in sides.items():
                own = list(_own(block, keeps=keeps, suffix=suffix))
                side.add(own)
                at |= {(p.reader, p.topic, p.partition): p.next for p in own if isinstance(p, Progress)}
        async for records in topics:
            for keeps, side in sides.items():
                side.add(_reached(records, at=at, keeps=keeps))
        states.execute(text("diff"))
        return _joined([_examined(side) for side in sides.values()])


def _own(block: Sequence[Fact], *, keeps: str, suffix: str) -> Iterator[Fact]:
    """What a block of the read database says of the copy's rows that are kept so, and of who writes them."""
    for fact in block:
        match fact:
            case Progress(reader=name) | DeadLetter(reader=name):
                own = name.removesuffix(suffix)
                if name.endswith(suffix) and own in _KEEPERS[keeps]:
                    yield fact._replace(reader=own)
            case History():
                if keeps == "history":
                    yield fact
            case _:
                if keeps == "state":
                    yield fact


def _reached(block: Sequence[Log | Record], *, at: At, keeps: str) -> Iterator[Log | Record]:
    """What the connector that keeps this of a topic has had: its records, and partitions that end where it stands."""
    of = {reader.topic: name for name, reader in _KEEPERS[keeps].items()}
    for each in block:
        if each.topic not in of:
            continue
        end = at.get((of[each.topic], each.topic, each.partition), 0)
        if isinstance(each, Log):
            yield each._replace(end=min(each.end, end))
        elif each.position < end:
            yield each


def _examined(side: Scratch) -> Report:
    side.settle()
    return examine(side, asked=ASKED)


def _joined(reports: Sequence[Report]) -> Report:
    counts = {name: count for report in reports for name, count in report.counts.items()}
    findings = tuple(finding for report in reports for finding in report.findings)
    return Report(counts=counts, findings=findings, asked=len(ASKED))
