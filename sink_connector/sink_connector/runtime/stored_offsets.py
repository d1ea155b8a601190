"""The offsets of a connector, read and changed from outside its tasks. They live in the connector's target database."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from aiokafka.errors import KafkaError

from sink_connector.config.connection import Connection as Address
from sink_connector.config.connector import ConnectorConfig
from sink_connector.errors import FatalError, SinkError
from sink_connector.sink import offsets
from sink_connector.sink.offsets import Partition
from sink_connector.sink.session import connect, prepare_database

RESET = offsets.UNSET  # begin again where auto.offset.reset says
TIMEOUT_S = 10.0


class OffsetsError(SinkError):
    """The database that holds the offsets, or Kafka, did not do what it was asked."""


class NoPartitionError(SinkError):
    """An offset is given for a partition that does not exist."""


Partitions = Callable[[], Awaitable[set[Partition]]]


@dataclass(slots=True)
class StoredOffsets:
    """`partitions` asks the cluster for all that there are. Everything here raises `OffsetsError`."""

    partitions: Partitions

    async def read(self, config: ConnectorConfig) -> dict[Partition, int]:
        """The next offset of each partition."""
        async with _database(config.connection) as connection:
            return await offsets.stored(connection, config.name)

    async def alter(self, config: ConnectorConfig, changes: Mapping[Partition, int | None]) -> None:
        """Set next offsets, also of topics that the connector does not read; None resets one, be its topic there or not.

        Raises `NoPartitionError` and changes nothing then.
        """
        existing = await self._existing()
        async with _database(config.connection) as connection:
            known = existing | set(await offsets.stored(connection, config.name))
            for partition, offset in changes.items():
                if partition not in (known if offset is None else existing):
                    raise NoPartitionError(f"there is no partition {partition.topic}-{partition.partition}")
            await offsets.alter(connection, config.name, _written(changes))

    async def reset(self, config: ConnectorConfig) -> None:
        """Forget every offset, those that a JVM worker has left in the consumer group included."""
        existing = [partition for partition in await self._existing() if config.reads(partition.topic)]
        async with _database(config.connection) as connection, connection.transaction():
            await offsets.reset(connection, config.name)
            await offsets.alter(connection, config.name, dict.fromkeys(existing, RESET))

    async def _existing(self) -> set[Partition]:
        try:
            return await self.partitions()
        except (OSError, KafkaError) as error:
            raise OffsetsError(f"Kafka does not tell which partitions there are: {error!r}") from error


def _written(changes: Mapping[Partition, int | None]) -> dict[Partition, int]:
    return {partition: RESET if offset is None else offset for partition, offset in changes.items()}


@asynccontextmanager
async def _database(address: Address) -> AsyncIterator[asyncpg.Connection]:
    try:
        connection = await connect(address, name="sink offsets", command_timeout_s=TIMEOUT_S)
        try:
            await prepare_database(connection)
            yield connection
        finally:
            await connection.close(timeout=TIMEOUT_S)
    except (OSError, TimeoutError, FatalError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise OffsetsError(f"{type(error).__name__}: {error}") from error
