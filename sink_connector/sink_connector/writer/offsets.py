"""The next offset of every partition, kept with the rows, and the epochs that fence off earlier writers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from asyncpg import Connection

from sink_connector.errors import FatalError, FencedError
from sink_connector.writer import queries

SQL = queries.load("offsets.sql")
LONGEST_NOTIFICATION = 7_900  # bytes; PostgreSQL takes fewer than 8000


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
    topic: str
    partition: int


async def claim(
    connection: Connection, connector: str, partition: Partition, *, first_offset: int, topic_id: str
) -> Claim:
    """Take over a partition; from here on every earlier claimant is refused. `first_offset` counts on the very first claim.

    Raises `FatalError` when the stored offset belongs to another topic of the same name.
    """
    row = await connection.fetchrow(SQL["claim"], connector, *partition, first_offset, topic_id)
    if row is None:
        raise FatalError("the claim of a partition returned nothing")
    if row["topic_id"] != topic_id:
        raise FatalError(
            f"topic {partition.topic} was created anew: the stored offset {row['next_offset']} of partition "
            f"{partition.partition} belongs to the topic with id {row['topic_id']}, this one has {topic_id}; "
            "delete the connector's offsets to read the new topic from its beginning"
        )
    return Claim(next_offset=row["next_offset"], epoch=row["epoch"])


async def advance(
    connection: Connection, connector: str, positions: Mapping[Partition, Position], *, channel: str
) -> None:
    """Store the next offsets in the running transaction and notify `channel` (none when empty).

    Raises `FencedError` when another writer has claimed one of the partitions since.
    """
    moved = await connection.fetchval(
        SQL["advance"],
        connector,
        [partition.topic for partition in positions],
        [partition.partition for partition in positions],
        [position.next_offset for position in positions.values()],
        [position.epoch for position in positions.values()],
        channel,
        _notification(connector, positions) if channel else "",
    )
    if moved < len(positions):
        raise FencedError(
            f"{len(positions) - moved} of {len(positions)} partitions were claimed by another writer"
        )


def _notification(connector: str, positions: Mapping[Partition, Position]) -> str:
    topics: dict[str, dict[str, int]] = {}
    for partition, position in positions.items():
        topics.setdefault(partition.topic, {})[str(partition.partition)] = position.next_offset
    text = json.dumps({"connector": connector, "topics": topics}, separators=(",", ":"))
    if len(text.encode()) <= LONGEST_NOTIFICATION:
        return text
    return json.dumps({"connector": connector, "topics": {}}, separators=(",", ":"))
