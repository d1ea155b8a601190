"""How far the sink has come: the next offsets it committed, beside the ends of the topics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from catalog_service.queries import STATEMENTS
from catalog_service.queries.orders import Rows

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionProgress:
    """One partition of one connector; `end_offset` is None while Kafka does not answer."""

    connector: str
    topic: str
    partition: int
    next_offset: int
    end_offset: int | None

    @property
    def lag(self) -> int | None:
        """Records that are in Kafka and not yet in the read database."""
        return None if self.end_offset is None else max(0, self.end_offset - self.next_offset)


async def read_progress(rows: Rows, ends: Mapping[Partition, int] | None) -> Sequence[PartitionProgress]:
    """Every partition the sink has ever written from; empty while the sink has not made its tables."""
    try:
        applied = await rows.fetch(STATEMENTS["applied_offsets"])
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return []
    return [
        PartitionProgress(
            **row, end_offset=None if ends is None else ends.get((row["topic"], row["partition"]))
        )
        for row in applied
    ]
