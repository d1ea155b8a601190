"""A design goes through its mishap on the Kafka and the PostgreSQL of the stack that runs, in places of its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from auditor.history.operation import Action, Operation, Outcome
from auditor.history.violation import Violation, said
from demo.anomalies.scenarios import Anomaly, Shop
from demo.stack import Stack
from loadgen.recorder import Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignRun:
    """What the checks found in the history of one design, and the history."""

    violations: tuple[Violation, ...]
    operations: tuple[Operation, ...]


async def run_design(
    anomaly: Anomaly,
    stack: Stack,
    *,
    is_wrong: bool,
    noted: Callable[[str], None],
    told: Callable[[str], None],
) -> DesignRun:
    """Run the wrong design or the right one; `noted` hears each operation as it ends, `told` what happens besides.

    Raises:
        OSError, KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError: Kafka or PostgreSQL did not do its part.
    """
    notes = _TellingRecorder(noted)
    async with (
        _own_places(stack) as (dsn, topic),
        Shop.opened(dsn=dsn, bootstrap=stack.bootstrap, topic=topic, notes=notes, told=told) as shop,
    ):
        await anomaly.run(shop, is_wrong)
        violations = shop.violations
    return DesignRun(violations=violations, operations=tuple(notes.operations))


class _TellingRecorder(Recorder):
    """Tells of every operation as it ends."""

    def __init__(self, noted: Callable[[str], None]) -> None:
        """The history begins now."""
        super().__init__()
        self._noted = noted

    def record(
        self, process: str, action: Action, *, invoked: float, outcome: Outcome, **known: Any
    ) -> Operation:
        """As `Recorder` does."""
        operation = super().record(process, action, invoked=invoked, outcome=outcome, **known)
        if operation.aggregate or action not in (Action.SNAPSHOT, Action.FINAL):
            at = f"{1000 * (operation.completed or operation.invoked):6.0f} ms"
            self._noted(f"{at}  {operation.process:<9}{operation.aggregate:<15}{said(operation)}")
        return operation


@asynccontextmanager
async def _own_places(stack: Stack) -> AsyncIterator[tuple[str, str]]:
    """An empty database and a topic of one partition, beside those of the stack; both are gone afterwards."""
    name = f"anomaly_{token_hex(4)}"
    server = await asyncpg.connect(stack.postgres.admin_dsn, timeout=10)
    kafka = AIOKafkaAdminClient(bootstrap_servers=stack.bootstrap)
    try:
        await kafka.start()
        await server.execute(f"CREATE DATABASE {name}")
        await kafka.create_topics([NewTopic(name, 1, stack.brokers)])
        try:
            yield f"{stack.postgres.admin_dsn.rpartition('/')[0]}/{name}", name
        finally:
            await kafka.delete_topics([name])
            await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await kafka.close()
        await server.close(timeout=10)
