"""Builds a worker out of its configuration and runs it until it is told to stop."""

import asyncio
import gc
import json
import logging
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
import uvicorn
from aiokafka.client import AIOKafkaClient

from sink_connector.config.connector import unknown_keys
from sink_connector.config.worker import WorkerConfig
from sink_connector.errors import ConfigError
from sink_connector.rest.app import make_app
from sink_connector.worker.blueprint import Blueprint
from sink_connector.worker.kafka import client_options, consumer_options
from sink_connector.worker.worker import Worker

log = structlog.get_logger()

FAILED = 1


def configure_logging(level: str) -> None:
    """JSON lines on standard output. The client libraries speak up only when something is wrong."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def read_connector_file(path: Path) -> dict[str, str]:
    """A connector file: `{"name": …, "config": {…}}` as for Connect's REST, or the bare configuration.

    Raises `ConfigError`.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError({str(path): [f"cannot be read: {error}"]}) from error
    given = dict(content.get("config", content))
    if "name" in content:
        given.setdefault("name", content["name"])
    return {key: str(value) for key, value in given.items()}


@asynccontextmanager
async def worker(config: WorkerConfig) -> AsyncIterator[Worker]:
    """A worker with its connection to the cluster; stops what was started with it."""
    options = consumer_options({}, bootstrap_servers=config.bootstrap_servers, group_id="")
    client = AIOKafkaClient(**client_options(options))
    await _bootstrap(client)
    running = Worker(client)
    try:
        yield running
    finally:
        await running.stop()
        await client.close()


async def run_connectors(config: WorkerConfig, connectors: Sequence[Blueprint]) -> int:
    """Run connectors until SIGTERM or SIGINT (0), or until a task fails (1)."""
    async with worker(config) as running:
        for each in connectors:
            for key in unknown_keys(each.config.given):
                log.warning("sink.config.unknown", connector=each.config.name, key=key)
            await running.add(each)
        _tune_collector()
        server = uvicorn.Server(
            uvicorn.Config(
                make_app(running),
                host=config.rest_host,
                port=config.rest_port,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=1,
            )
        )
        serving = asyncio.create_task(server.serve())
        failures = [asyncio.create_task(each.failed.wait()) for each in running.connectors.values()]
        await asyncio.wait([serving, *failures], return_when=asyncio.FIRST_COMPLETED)
        failed = not serving.done()
        server.should_exit = True
        await serving
        for failure in failures:
            failure.cancel()
    return FAILED if failed else 0


def _tune_collector() -> None:
    """What exists now stays; batches hold many objects and no cycles, so the collector need not look at them often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


async def _bootstrap(client: AIOKafkaClient) -> None:
    while True:
        try:
            await client.bootstrap()
        except OSError as error:
            log.warning("sink.kafka.unreachable", error=str(error))
            await asyncio.sleep(1)
        else:
            return
