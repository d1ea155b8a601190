"""The read database behind a test's own topics: the real schema, filled by the real connectors in the test's process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from catalog_service.read_model.migrate import upgrade
from sink_connector.config.file import read_connector_file
from tests.support.sink import lone_worker

CONNECTORS = Path(__file__).parents[2] / "infra" / "connectors"


@asynccontextmanager
async def read_model(bootstrap: str, database: str, *, prefix: str) -> AsyncIterator[None]:
    """The connectors of infra/connectors write the topics called `prefix`… into `database` until the block ends."""
    await upgrade(database)
    async with lone_worker(bootstrap) as worker:
        for file in sorted(CONNECTORS.glob("*.json")):
            connector = read_connector_file(file)
            given = connector | {
                "topics": connector["topics"].replace("${env:SINK_TOPIC_PREFIX}", prefix),
                "connection.url": database,
                "consumer.override.group.id": f"{prefix}{connector['name']}",
            }
            await worker.put(given)
        yield
