"""PostgreSQL's own limit: the same rows by binary COPY, encoded before the clock starts, no Kafka and no decoding.

Upserts go into a staging table and from there into the target, as any sink has to do it; inserts straight into the
target. Every batch is one transaction, with the last state of each of its keys, in the order of the keys.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass
from io import BytesIO

import asyncpg

from benchmarks.sink.orders import Order
from benchmarks.sink.statements import statement
from benchmarks.sink.system import Job
from benchmarks.sink.topics import partition_of

COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
COPY_END = struct.pack("!h", -1)
JSONB_FORMAT = b"\x01"
POSTGRES_EPOCH_MS = 946_684_800_000
# The best of 2,000 to 50,000 on the machine of the first results; the differences are small.
BATCH = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresLimit:
    """COPY over `connections` connections at once; partitions are dealt out to them as to the tasks of a sink."""

    connections: int = 1
    batch: int = BATCH

    @property
    def group(self) -> str:
        return "limit"

    @property
    def name(self) -> str:
        return "PostgreSQL alone"

    @asynccontextmanager
    async def running(self, job: Job) -> AsyncIterator["CopyRun"]:
        shares: list[list[Order]] = [[] for _ in range(self.connections)]
        for order in job.orders:
            shares[partition_of(order) % self.connections].append(order)
        batches = [[encode(part) for part in _parts(share, self.batch)] for share in shares]
        run = CopyRun([asyncio.create_task(_copy(job, share)) for share in batches])
        try:
            yield run
        finally:
            await run.stop()


class CopyRun:
    """The copying tasks, one per connection."""

    def __init__(self, tasks: list[asyncio.Task[None]]) -> None:
        self._tasks = tasks

    def check(self) -> None:
        """Raise what one of the tasks raised."""
        for task in self._tasks:
            if task.done():
                task.result()

    def usage(self) -> None:
        return None

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def encode(orders: Iterable[Order]) -> bytes:
    """Write `orders` in PostgreSQL's binary COPY format, columns as in `sql/table.sql`."""
    return COPY_HEAD + b"".join(map(_row, orders)) + COPY_END


def _row(order: Order) -> bytes:
    order_id, user_id, status, lines, total_cents, version, placed_at = astuple(order)
    fields = (
        order_id.encode(),
        user_id.encode(),
        status.encode(),
        JSONB_FORMAT + lines.encode(),
        struct.pack("!q", total_cents),
        struct.pack("!q", version),
        struct.pack("!q", (placed_at - POSTGRES_EPOCH_MS) * 1000),
    )
    return struct.pack("!h", len(fields)) + b"".join(
        struct.pack("!i", len(value)) + value for value in fields
    )


def _parts(orders: list[Order], size: int) -> Iterable[list[Order]]:
    for start in range(0, len(orders), size):
        last = {order.order_id: order for order in orders[start : start + size]}
        yield [last[key] for key in sorted(last)]


async def _copy(job: Job, batches: list[bytes]) -> None:
    connection = await asyncpg.connect(job.dsn)
    try:
        await connection.execute(statement("stage"))
        for batch in batches:
            async with connection.transaction():
                if job.mode == "insert":
                    await connection.copy_to_table("orders", source=BytesIO(batch), format="binary")
                else:
                    await connection.copy_to_table("staged", source=BytesIO(batch), format="binary")
                    await connection.execute(statement("upsert_staged"))
    finally:
        await connection.close()
