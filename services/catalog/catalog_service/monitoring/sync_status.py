"""The report behind `GET /sync`: how fresh the picture is, where the time goes, what is stuck, who is up."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import asyncpg
import msgspec

from catalog_service.monitoring.freshness import Freshness
from catalog_service.monitoring.latency import LatencyStatistics, Percentiles
from catalog_service.monitoring.probes import Part, Probes
from catalog_service.read_model import STATEMENTS
from catalog_service.read_model.database import Database, DatabaseAwayError, Record
from catalog_service.times import rfc3339

_SHOWN_LETTERS = 5
_FRESH_S = 0.9
_PATIENCE_S = 1.5  # for the read database: who waits for the metrics waits for two seconds


class PublishedChanges(Protocol):
    """What has become visible while this process watched."""

    latencies: LatencyStatistics
    published: int


class Topics(Protocol):
    """Where the topics end, and who leads their partitions."""

    @property
    def ends(self) -> Mapping[tuple[str, int], int]:
        """The offset after the last record of each (topic, partition), as far as Kafka has told."""
        ...

    @property
    def leaders(self) -> Mapping[tuple[str, int], int]:
        """The id of the broker that leads each (topic, partition), as far as Kafka has told."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionProgress:
    """One partition of one connector; what Kafka has to tell (`end_offset`, `lag`, `leader`) may be None.

    `leader` is the id of the broker that takes its writes.
    """

    partition: int
    next_offset: int
    end_offset: int | None
    lag: int | None
    leader: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorProgress:
    """One connector's way through one topic. `lag` counts records in Kafka that are not yet in the read database."""

    connector: str
    topic: str
    lag: int | None
    partitions: Sequence[PartitionProgress]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterRecord:
    """A dead letter. `parked_at` is when it was stored, RFC 3339."""

    connector: str
    topic: str
    partition: int
    offset: int
    stage: str
    error: str
    parked_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStatus:
    """One moment. `lag` sums the connectors' lags; `published` counts changes since the start of this process.

    `parked` are the latest dead letters, of the number that `dead_letters` gives.
    """

    at_ms: int
    lag_ms: int
    lag: int | None
    published: int
    connectors: Sequence[ConnectorProgress]
    legs: Mapping[str, Percentiles | None]
    dead_letters: int
    oldest_dead_letter_ms: int | None
    parked: Sequence[DeadLetterRecord]
    parts: Sequence[Part]


class SyncStatusReporter:
    """Puts the report together."""

    def __init__(  # noqa: PLR0913 - a report looks at everything
        self,
        *,
        database: Database,
        topics: Mapping[str, str],
        changes: PublishedChanges,
        kafka: Topics,
        freshness: Freshness,
        probes: Probes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`topics` maps Kafka's names to the catalog's; `clock` gives seconds since 1970."""
        self._database = database
        self._topics = topics
        self._changes = changes
        self._kafka = kafka
        self._freshness = freshness
        self._probes = probes
        self._clock = clock
        self._turn = asyncio.Lock()
        self._encoded = b""
        self._encoded_at = 0.0

    async def report(self) -> SyncStatus:
        """The report of this moment; with the read database away, what can be said without it."""
        now_ms = int(self._clock() * 1000)
        (offsets, stored_dead_letters, database), parts = await asyncio.gather(
            self._asked(), self._probes.look()
        )
        connectors = self._connectors(offsets)
        return SyncStatus(
            at_ms=now_ms,
            lag_ms=self._freshness.lag_ms(),
            lag=_total([each.lag for each in connectors]),
            published=self._changes.published,
            connectors=connectors,
            legs=self._changes.latencies.figures(now_ms=now_ms),
            dead_letters=stored_dead_letters[0]["total"] if stored_dead_letters else 0,
            oldest_dead_letter_ms=_oldest_ms(stored_dead_letters),
            parked=[_dead_letter(row) for row in stored_dead_letters],
            parts=[*parts, database],
        )

    async def _asked(self) -> tuple[Sequence[Record], Sequence[Record], Part]:
        """Offsets and dead letters, and how the database did; neither where it did not answer."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                offsets, dead_letters = await asyncio.gather(
                    self._database.fetch(STATEMENTS["applied_offsets"]),
                    self._database.fetch(STATEMENTS["dead_letters"], _SHOWN_LETTERS),
                )
        except (DatabaseAwayError, TimeoutError):
            return (), (), _database_part("down", "does not answer")
        except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
            return (), (), _database_part("up", "the sink has not written anything yet")
        except asyncpg.PostgresError as refused:
            return (), (), _database_part("degraded", f"refuses the question: {refused}")
        return offsets, dead_letters, _database_part("up", "answers")

    async def encoded(self) -> bytes:
        """The report as JSON, at most a second old: all streams share it."""
        async with self._turn:
            if self._clock() - self._encoded_at > _FRESH_S:
                self._encoded = msgspec.json.encode(await self.report())
                self._encoded_at = self._clock()
            return self._encoded

    def _connectors(self, offsets: Sequence[Record]) -> list[ConnectorProgress]:
        ends, leaders = self._kafka.ends, self._kafka.leaders
        found = []
        for (connector, topic), rows in groupby(offsets, key=lambda row: (row["connector"], row["topic"])):
            name = self._topics.get(topic, topic)
            partitions = []
            for row in rows:
                place = (name, row["partition"])
                partitions.append(_progress(row, end=ends.get(place), leader=leaders.get(place)))
            found.append(
                ConnectorProgress(
                    connector=connector,
                    topic=name,
                    lag=_total([each.lag for each in partitions]),
                    partitions=partitions,
                )
            )
        return found


def _database_part(state: str, detail: str) -> Part:
    return Part(name="read database", kind="database", state=state, detail=detail)


def _progress(row: Record, *, end: int | None, leader: int | None) -> PartitionProgress:
    next_offset: int = row["next_offset"]
    return PartitionProgress(
        partition=row["partition"],
        next_offset=next_offset,
        end_offset=end,
        lag=None if end is None else max(0, end - next_offset),
        leader=leader,
    )


def _dead_letter(row: Record) -> DeadLetterRecord:
    fields = {name: value for name, value in row.items() if name not in {"total", "oldest"}}
    return DeadLetterRecord(**fields | {"parked_at": rfc3339(row["parked_at"])})


def _oldest_ms(rows: Sequence[Record]) -> int | None:
    return round(rows[0]["oldest"].timestamp() * 1000) if rows else None


def _total(lags: Sequence[int | None]) -> int | None:
    """Unknown if any is, or if there is none to sum."""
    known = [lag for lag in lags if lag is not None]
    return sum(known) if known and len(known) == len(lags) else None
