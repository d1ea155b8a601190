"""A worker: the connectors of one process and what they share."""

from functools import partial

from aiokafka.client import AIOKafkaClient

from sink_connector.worker.blueprint import Blueprint
from sink_connector.worker.connector import Connector
from sink_connector.worker.source import Source, Subscription
from sink_connector.worker.task import Task
from sink_connector.writer.naming import TableNaming
from sink_connector.writer.session import Session
from sink_connector.writer.writer import Writer


class Worker:
    """Holds the connectors by name. `client` is for questions to the cluster; every task has a consumer of its own."""

    def __init__(self, client: AIOKafkaClient) -> None:
        self._client = client
        self.connectors: dict[str, Connector] = {}

    async def add(self, blueprint: Blueprint) -> Connector:
        """Start a connector. Its name must be free."""
        name = blueprint.config.name
        if name in self.connectors:
            raise ValueError(f"connector {name} already exists")
        connector = Connector(blueprint.config, partial(self._make_task, blueprint))
        self.connectors[name] = connector
        await connector.start()
        return connector

    async def stop(self) -> None:
        for connector in self.connectors.values():
            await connector.stop()

    def _make_task(self, blueprint: Blueprint, number: int) -> Task:
        config = blueprint.config
        options = {"client_id": f"connector-consumer-{config.name}-{number}", **blueprint.consumer}
        if "group_instance_id" in options:
            options["group_instance_id"] += f"-{number}"
        session = Session(
            address=config.connection, name=f"sink {config.name} {number}"[:63], timezone=config.timezone
        )
        pattern = config.topics_regex.pattern if config.topics_regex is not None else None
        return Task(
            config=config,
            number=number,
            source=Source(
                options=options,
                client=self._client,
                subscription=Subscription(topics=config.topics, pattern=pattern),
            ),
            session=session,
            writer=Writer(config, session),
            naming=TableNaming(config.table),
            convert=blueprint.conversion(),
        )
