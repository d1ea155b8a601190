"""What the commands that only look have in common: a connector, and a sentence for every failure."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg
from aiokafka.errors import KafkaError

from sink_connector.config.worker import read_worker
from sink_connector.errors import SinkError, headline
from sink_connector.logs import configure_logging
from sink_connector.runtime.connector_definition import ConnectorDefinition, define_connector


def look(
    given: Mapping[str, str], ask: Callable[[ConnectorDefinition], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    """The answer to a question about a connector, given by its configuration, without the values that nobody gets to see.

    Nothing is logged meanwhile: the answer says it all. Raises `ConfigError`, and `SinkError` for whatever else goes wrong.
    """
    worker = read_worker()
    redactor = worker.providers.redactor
    definition = define_connector(given, worker, worker.providers.unrestricted())
    configure_logging("CRITICAL", redactor)
    logging.disable()
    try:
        return dict(redactor.scrub_all(asyncio.run(_asked(ask, definition))))
    except KafkaError as error:
        raise SinkError(redactor.scrub(f"Kafka cannot be used: {_said(error)}")) from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise SinkError(redactor.scrub(f"a server cannot be used: {_said(error)}")) from error
    except SinkError as error:
        error.args = tuple(redactor.scrub_all(error.args))
        raise
    finally:
        logging.disable(logging.NOTSET)


async def _asked(
    ask: Callable[[ConnectorDefinition], Awaitable[dict[str, Any]]], definition: ConnectorDefinition
) -> dict[str, Any]:
    return await ask(definition)


def _said(error: BaseException) -> str:
    return headline(error) if str(error) else type(error).__name__
