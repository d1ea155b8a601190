"""Records that could not be delivered, kept in the table `sink.dead_letters` with the bytes they came as."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from asyncpg import Connection

from sink_connector.data.write_record import SourceRecord
from sink_connector.dead_letters.table import stored_headers
from sink_connector.errors import Stage
from sink_connector.sink import queries
from sink_connector.sink.encoders.encoder import EPOCH_2000_US

SQL = queries.load("dead_letters.sql", package=__package__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record, where on its path it failed and why."""

    source: SourceRecord
    stage: Stage
    error_class: str
    error: str

    @property
    def place(self) -> str:
        return f"topic {self.source.topic}, partition {self.source.partition}, offset {self.source.offset}"


async def park(connection: Connection, connector: str, letters: Iterable[DeadLetter]) -> None:
    """Store letters in the running transaction; one that is there already is not doubled."""
    await connection.executemany(SQL["park"], [_row(connector, letter) for letter in letters])


def _row(connector: str, letter: DeadLetter) -> tuple[Any, ...]:
    source = letter.source
    return (
        connector,
        source.topic,
        source.partition,
        source.offset,
        (source.timestamp * 1000 - EPOCH_2000_US,) if source.timestamp >= 0 else None,
        source.key,
        source.value,
        stored_headers(source.headers),
        letter.stage.value,
        letter.error_class,
        letter.error.replace("\0", "\\0"),
    )
