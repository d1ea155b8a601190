"""A worker: the connectors of one process and what they share."""

import asyncio
from collections.abc import Callable
from functools import partial

from aiokafka.client import AIOKafkaClient

from sink_connector.dead_letters.topic import DeadLetterTopic
from sink_connector.runtime.connector import Connector
from sink_connector.runtime.connector_definition import ConnectorDefinition
from sink_connector.runtime.consumer import PartitionConsumer
from sink_connector.runtime.kafka_options import client_options
from sink_connector.runtime.persisted_topic import PersistedTopic
from sink_connector.runtime.sink_task import SinkTask
from sink_connector.runtime.subscription import Subscription
from sink_connector.sink.offsets import Partition
from sink_connector.sink.session import Session
from sink_connector.sink.table_naming import TableNaming
from sink_connector.sink.table_writer import TableWriter


class Worker:
    """Holds the connectors by name. `client` is for questions to the cluster; every task has a consumer of its own.

    `changed` is called when a task has failed or is being restarted. `identity` is this worker's own, and the same after a
    restart; without one, what it leaves in a group when it is killed stays until the group's session time-out.
    """

    def __init__(
        self, client: AIOKafkaClient, changed: Callable[[], None] = lambda: None, *, identity: str = ""
    ) -> None:
        """Nothing runs yet."""
        self._client = client
        self._changed = changed
        self._identity = identity
        self.connectors: dict[str, Connector] = {}

    def hold(self, definition: ConnectorDefinition) -> Connector:
        """A connector without tasks so far. Its name must be free."""
        name = definition.config.name
        if name in self.connectors:
            raise ValueError(f"connector {name} already exists")
        connector = Connector(definition.config, partial(self._make_task, definition), self._changed)
        self.connectors[name] = connector
        return connector

    def redefine(self, definition: ConnectorDefinition) -> None:
        """Make the tasks of a connector that start from now on of another definition."""
        connector = self.connectors[definition.config.name]
        connector.config, connector.make_task = definition.config, partial(self._make_task, definition)

    async def remove(self, name: str) -> None:
        """Stop a connector and forget it."""
        await self.connectors[name].stop()
        del self.connectors[name]

    async def stop(self) -> None:
        """Stop every connector."""
        await asyncio.gather(*(connector.stop() for connector in self.connectors.values()))

    async def partitions(self) -> set[Partition]:
        """The partitions there are of all topics. Raises aiokafka's errors."""
        cluster = await self._client.fetch_all_metadata()
        return {
            Partition(topic, partition)
            for topic in cluster.topics()
            for partition in cluster.partitions_for_topic(topic) or ()
        }

    def _make_task(self, definition: ConnectorDefinition, number: int) -> SinkTask:
        config = definition.config
        own = f"connector-consumer-{config.name}-{number}" + (f"@{self._identity}" if self._identity else "")
        options = {"client_id": own, **definition.consumer}
        if "group_instance_id" in options:
            options["group_instance_id"] += f"-{number}"
        session = Session(
            address=config.connection,
            name=f"sink {config.name} {number}"[:63],
            timezone=config.timezone,
            command_timeout_s=config.command_timeout_ms / 1000,
        )
        naming, convert = TableNaming(config.table), definition.conversion()
        persisted = PersistedTopic(config, session, consumer=options, naming=naming, convert=convert)
        return SinkTask(
            config=config,
            number=number,
            source=PartitionConsumer(
                options=options,
                client=self._client,
                subscription=Subscription(topics=config.topics, pattern=config.topics_regex),
                # A static member is replaced by Kafka, and a client id of the user's may be that of several tasks.
                succeeds=bool(self._identity)
                and options["client_id"] == own
                and "group_instance_id" not in options,
            ),
            session=session,
            writer=TableWriter(config, session),
            naming=naming,
            convert=convert,
            persisted=persisted if config.persisted_topic else None,
            dead_letters=DeadLetterTopic(
                config.errors, client=client_options(definition.consumer), connector=config.name, task=number
            ),
        )
