"""Dead letters take their path again: convert, transform, write; each is removed in the transaction of its row."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

from sink_connector import telemetry
from sink_connector.dead_letters.table import StoredDeadLetter, stored_dead_letters
from sink_connector.errors import FatalError
from sink_connector.runtime.connector_definition import ConnectorDefinition
from sink_connector.runtime.conversion import RecordConverter
from sink_connector.runtime.tracing import traceparent
from sink_connector.sink.session import Session
from sink_connector.sink.sqlstate import Decision, decide
from sink_connector.sink.table_naming import TableNaming
from sink_connector.sink.table_writer import TableWriter


class Replayed(NamedTuple):
    """A letter and why it stays; empty when it was delivered and is gone."""

    letter: StoredDeadLetter
    reason: str


async def replay(definition: ConnectorDefinition, ids: Sequence[int] | None = None) -> list[Replayed]:
    """Deliver the letters of a connector once more, in the order of their offsets.

    `version.field` keeps an old state from overwriting what came after it. Raises what the driver raises when the database
    is away.
    """
    config = definition.config
    session = Session(
        address=config.connection, name=f"sink {config.name} replay"[:63], timezone=config.timezone
    )
    writer, naming, convert = TableWriter(config, session), TableNaming(config.table), definition.conversion()
    results = []
    try:
        for letter in await stored_dead_letters(await session.connection(), config.name, ids):
            reason = ""
            try:
                with _traced(letter, connector=config.name):
                    await _deliver(letter, writer, naming, convert)
            except FatalError:
                raise
            except Exception as error:  # a record's own failure keeps its letter; all else is raised again
                if decide(error) not in {Decision.RECORD, Decision.REFERENCE}:
                    raise
                reason = str(error)
            results.append(Replayed(letter, reason))
    finally:
        await session.close()
    return results


async def _deliver(
    letter: StoredDeadLetter, writer: TableWriter, naming: TableNaming, convert: RecordConverter
) -> None:
    converted = convert(letter)
    if converted is None:
        await writer.rewrite(letter.id, None, None)
    else:
        topic, entry = converted
        await writer.rewrite(letter.id, (topic, naming.table_of(topic)), entry)


def _traced(letter: StoredDeadLetter, *, connector: str) -> AbstractContextManager[object]:
    """A span in the trace that the letter names, if it names one."""
    trace = traceparent(letter.headers)
    if not trace:
        return nullcontext()
    attributes: telemetry.Attributes = {"sink.connector": connector, "messaging.kafka.offset": letter.offset}
    return telemetry.begin(f"replay {letter.topic}", parent=trace, kind="consumer", attributes=attributes)
