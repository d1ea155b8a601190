"""An order instance in a process of its own that kills itself at one of its steps.

Such processes are forked from one that has loaded the service already, since loading it costs more than all that one does.
"""

import asyncio
import multiprocessing
from collections.abc import Mapping
from typing import Any

import uvloop

from order_service.bootstrap import build
from order_service.entrypoints import server
from order_service.logs import configure_logs
from order_service.settings import Settings
from tests.support.killed_at import Counts, Step, arm


def with_result(_arguments: tuple[Any, ...], result: Any) -> object:
    return result


def with_position_to_mark(arguments: tuple[Any, ...], _result: Any) -> bool:
    relay = arguments[0]
    return bool(relay.position != relay._noted)  # noqa: SLF001 - what makes it a step


def committing(use_case: str) -> Counts:
    """Of a group commit: that a use case of this name was in it."""

    def is_in(arguments: tuple[Any, ...], _result: Any) -> bool:
        return any(type(waiting.use_case).__name__ == use_case for waiting in arguments[1])

    return is_in


_RELAY = "order_service.entrypoints.outbox_relay:Relay"
_READER = "order_service.adapters.outbox_reader:OutboxReader"
_PUBLISHER = "order_service.adapters.kafka.publisher"
_USE_CASES = "order_service.service_layer.use_cases.mark_relayed"
_COMMIT = "order_service.service_layer.message_bus:MessageBus._commit"
OF_RELAY_SETTING_ASIDE: Mapping[str, Step] = {
    "about to commit what is set aside": Step(where=f"{_USE_CASES}:SetRecordsAside.decide"),
    "set aside": Step(where=_COMMIT, counts=committing("SetRecordsAside")),
}
"""While Kafka refuses what is for one topic."""
OF_RELAY_SENDING_WHAT_WAS_SET_ASIDE: Mapping[str, Step] = {
    "what was set aside acknowledged": Step(where=f"{_READER}.forget_set_aside", is_after=False),
    "what was set aside forgotten": Step(where=f"{_READER}.forget_set_aside"),
}
"""Once Kafka takes it."""
OF_RELAY: Mapping[str, Step] = {
    "records read": Step(where=f"{_READER}.after", counts=with_result),
    "a batch handed over": Step(where="aiokafka.producer.producer:AIOKafkaProducer.send_batch"),
    "a batch acknowledged": Step(where=f"{_PUBLISHER}:_acknowledged"),
    "everything acknowledged": Step(where=f"{_PUBLISHER}:KafkaPublisher.publish"),
    "position passed": Step(where=f"{_RELAY}.mark_now", is_after=False, counts=with_position_to_mark),
    "about to commit the position": Step(where=f"{_USE_CASES}:MarkRelayed.decide"),
    "position committed": Step(where=_COMMIT, counts=committing("MarkRelayed")),
}

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])
_PATIENCE_S = 60.0


async def order_instance_killed_at(step: str, settings: Settings) -> int | None:
    """Serve until the step is reached; the exit code, or None if it was not reached in time."""
    process = _PROCESSES.Process(target=_serve, args=(step, settings), daemon=True)
    process.start()
    try:
        await asyncio.to_thread(process.join, _PATIENCE_S)
        return process.exitcode
    finally:
        process.kill()
        process.join()


def _serve(step: str, settings: Settings) -> None:
    configure_logs("WARNING")
    arm({**OF_RELAY, **OF_RELAY_SETTING_ASIDE, **OF_RELAY_SENDING_WHAT_WAS_SET_ASIDE}[step], times=1)

    async def serve() -> None:
        async with build(settings) as service:
            await server.serve(service, host=settings.host, port=settings.port)

    uvloop.run(serve())
