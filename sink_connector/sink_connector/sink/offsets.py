"""The next offset of every partition, kept with the rows, and the epochs that fence off earlier writers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from asyncpg import Connection

from sink_connector.data import sql_files
from sink_connector.errors import FatalError, FencedError, WentBackError
from sink_connector.sink.table_metadata import STATE

SQL = sql_files.load("offsets.sql", package=__package__)
MOVING, ALL_MOVED, UNCHANGED, TOLD = (SQL[name] for name in ("moving", "all_moved", "unchanged", "told"))
ADVANCE = f"{MOVING}\n{SQL['moved']}"
TABLE = f"known AS (SELECT $9::bigint AS id), found AS ({STATE})"
MOVE_OR_FAIL = f"{MOVING} SELECT {ALL_MOVED}, {TOLD}"
UNCHANGED_OR_FAIL = f"WITH {TABLE} SELECT {UNCHANGED}"
FIRST_OF_ROWS = 11  # the parameter that says how many rows there are, those of rows follow
UNSET = -1  # the next offset where there is none
LONGEST_NOTIFICATION = 7_900  # bytes; PostgreSQL takes fewer than 8000


class TopicRecreatedError(FatalError):
    """The offsets stored for a topic belong to another one that had its name."""

    def __init__(self, topic: str, *, stored: str, found: str) -> None:
        super().__init__(
            f"topic {topic} was deleted and created anew: the stored offsets belong to the topic with id {stored}, this one "
            f"has {found or 'none'}; reset the connector's offsets to read the new topic from its beginning"
        )


class Position(NamedTuple):
    """How far a batch moves a partition, and the epoch that allows it."""

    next_offset: int
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A partition taken over: where to begin and the epoch to write with."""

    next_offset: int
    epoch: int


class Partition(NamedTuple):
    """A partition of a topic, as Kafka names it."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """Where to begin when nothing is stored, and the id of the topic that the offset is to belong to.

    `first` counts on the very first claim, `reset` after the offset was reset.
    """

    first: int
    reset: int
    topic_id: str


async def claim(connection: Connection, connector: str, partition: Partition, beginning: Beginning) -> Claim:
    """Take over a partition; from here on every earlier claimant is refused.

    Raises `FatalError` when the stored offset belongs to another topic of the same name, and when there is none to begin at.
    """
    row = await connection.fetchrow(
        SQL["claim"], connector, *partition, beginning.first, beginning.reset, beginning.topic_id
    )
    if row is None:
        raise FatalError("the claim of a partition returned nothing")
    if row["topic_id"] != beginning.topic_id:
        raise TopicRecreatedError(partition.topic, stored=row["topic_id"], found=beginning.topic_id)
    if row["next_offset"] == UNSET:
        raise FatalError(
            f"no offset is stored for {partition.topic}/{partition.partition}, and auto.offset.reset is none: set the "
            "connector's offsets, or say earliest or latest"
        )
    return Claim(next_offset=row["next_offset"], epoch=row["epoch"])


@dataclass(frozen=True, slots=True)
class OffsetStore:
    """The stored offsets of one connector, as a consumer asks for them when it is given partitions."""

    connection: Connection
    connector: str

    async def has_begun(self) -> bool:
        """Whether the connector was ever started."""
        return bool(await self.connection.fetchval(SQL["has_begun"], self.connector))

    async def begin(self, beginnings: Mapping[Partition, Beginning]) -> None:
        """Record where the partitions of the very first start begin; nothing if another task was faster.

        Partitions that appear later are not among them, and so are read from their own beginning.
        """
        async with self.connection.transaction():
            await self.connection.execute(SQL["lock_beginning"], self.connector)
            if await self.has_begun():
                return
            await self.connection.execute(
                SQL["begin"],
                self.connector,
                [partition.topic for partition in beginnings],
                [partition.partition for partition in beginnings],
                [beginning.first for beginning in beginnings.values()],
                [beginning.topic_id for beginning in beginnings.values()],
            )

    async def stored(self) -> dict[Partition, int]:
        """See `stored`."""
        return await stored(self.connection, self.connector)

    async def claim(self, partition: Partition, beginning: Beginning) -> Claim:
        """See `claim`."""
        return await claim(self.connection, self.connector, partition, beginning)


async def stored(connection: Connection, connector: str) -> dict[Partition, int]:
    """The next offset of every partition the connector has ever had, those reset left out."""
    rows = await connection.fetch(SQL["stored"], connector)
    return {Partition(row["topic"], row["partition"]): row["next_offset"] for row in rows}


async def alter(connection: Connection, connector: str, offsets: Mapping[Partition, int]) -> None:
    """Set next offsets by hand. Only while the connector is stopped; one that still runs is fenced off."""
    async with connection.transaction():
        for partition, next_offset in sorted(offsets.items()):
            await connection.execute(SQL["alter"], connector, *partition, next_offset)
        topics, partitions = [each.topic for each in offsets], [each.partition for each in offsets]
        await connection.execute(SQL["forget_sent"], connector, topics, partitions)


async def reset(connection: Connection, connector: str) -> None:
    """Forget every offset: the next start begins where `auto.offset.reset` says, with the topics as they are then."""
    async with connection.transaction():
        await connection.execute(SQL["reset"], connector)
        await connection.execute(SQL["forget_sent"], connector, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The partitions of a batch and how far they move; whoever listens to `channel` is told (nobody when it is empty).

    `stored` are the positions that this writer has committed so far. `taken_ms` is when the first of the records came from
    Kafka, milliseconds since 1970; the notification says it.
    """

    connector: str
    positions: Mapping[Partition, Position]
    channel: str = ""
    stored: Mapping[Partition, Position] = field(default_factory=dict)
    taken_ms: int = 0

    @property
    def parameters(self) -> tuple[Any, ...]:
        """Those of the statements that begin with `moving`."""
        return (
            self.connector,
            [partition.topic for partition in self.positions],
            [partition.partition for partition in self.positions],
            [position.next_offset for position in self.positions.values()],
            [position.epoch for position in self.positions.values()],
            self.channel,
            _notification(self) if self.channel else "",
            [_floor(self.stored.get(each), position) for each, position in self.positions.items()],
        )


def with_rows(write: str) -> str:
    """The statement that moves partitions and runs `write`, or neither: it fails unless all moved and the table is as it was.

    Its parameters are those of the move, the id of the table and its `Table.state`, then those of `write` from `FIRST_OF_ROWS` on.
    """
    return f"{MOVING}, {TABLE}, written AS ({write}) SELECT {ALL_MOVED}, {UNCHANGED}, {TOLD}"


async def advance(connection: Connection, move: Move) -> bool:
    """Store the next offsets in the running transaction and notify those who listen.

    False when the batch is in already: its commit was answered into a broken connection, and it was tried again.
    Raises `WentBackError` when the database does not have them, `FencedError` when another writer has claimed one of the
    partitions since.
    """
    row = await connection.fetchrow(ADVANCE, *move.parameters)
    positions = move.positions
    moved, there, behind = row[:3] if row is not None else (0, 0, 0)
    if moved == len(positions):
        return True
    if there == len(positions):
        return False
    if behind:
        raise WentBackError(
            f"the database lacks what was committed of {behind} of {len(positions)} partitions: a standby without it was "
            "promoted, or a backup restored"
        )
    raise FencedError(
        f"{len(positions) - moved} of {len(positions)} partitions were claimed by another writer"
    )


def _floor(stored: Position | None, position: Position) -> int:
    """The next offset that must be there at least; of what an earlier claim stored, the claim itself is the proof."""
    return stored.next_offset if stored is not None and stored.epoch == position.epoch else 0


def _notification(move: Move) -> str:
    topics: dict[str, dict[str, int]] = {}
    for partition, position in move.positions.items():
        topics.setdefault(partition.topic, {})[str(partition.partition)] = position.next_offset
    notice = {"connector": move.connector, "taken_ms": move.taken_ms, "topics": topics}
    text = json.dumps(notice, separators=(",", ":"))
    if len(text.encode()) <= LONGEST_NOTIFICATION:
        return text
    return json.dumps(notice | {"topics": {}}, separators=(",", ":"))
