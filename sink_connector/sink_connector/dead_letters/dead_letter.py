"""Records that could not be delivered, kept in the table `sink.dead_letters` with the bytes they came as."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from asyncpg import Connection

from sink_connector.data import sql_files
from sink_connector.data.instants import EPOCH_2000_US
from sink_connector.data.write_record import SourceRecord
from sink_connector.dead_letters.table import stored_headers
from sink_connector.errors import BadRecordError, Stage

SQL = sql_files.load("dead_letters.sql", package=__package__)
LONGEST_ERROR = 32_768  # characters; a message may quote the whole record
TAKE_ANY = {"UTF8", "SQL_ASCII"}  # encodings of a database that have every letter
LATEST_MS = 9_224_318_015_999_999  # the last instant of PostgreSQL's timestamptz


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record, where on its path it failed and why."""

    source: SourceRecord
    stage: Stage
    error_class: str
    error: str

    @classmethod
    def of(cls, source: SourceRecord, error: BaseException, *, stage: Stage = Stage.TASK_PUT) -> "DeadLetter":
        """The dead letter of a record and of what was raised about it; `stage` counts where the error names none."""
        found = error.stage if isinstance(error, BadRecordError) else stage
        text = str(error) or type(error).__name__
        return cls(source=source, stage=found, error_class=type(error).__name__, error=text[:LONGEST_ERROR])

    @property
    def place(self) -> str:
        """Where the record stands in Kafka, in words."""
        return f"topic {self.source.topic}, partition {self.source.partition}, offset {self.source.offset}"

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        headers = sum(len(name) + len(value or b"") for name, value in self.source.headers)
        return len(self.source.key or b"") + len(self.source.value or b"") + headers


async def store(connection: Connection, connector: str, stored_dead_letters: Iterable[DeadLetter]) -> None:
    """Store dead letters in the running transaction; one that is there already is not doubled.

    Whatever a record holds can be stored.
    """
    letters = "utf-8" if connection.get_settings().server_encoding in TAKE_ANY else "ascii"
    rows = [_row(connector, letter, letters) for letter in stored_dead_letters]
    await connection.executemany(SQL["store"], rows)


def _row(connector: str, letter: DeadLetter, letters: str) -> tuple[Any, ...]:
    source = letter.source
    return (
        connector,
        source.topic,
        source.partition,
        source.offset,
        (source.timestamp * 1000 - EPOCH_2000_US,) if 0 <= source.timestamp <= LATEST_MS else None,
        source.key,
        source.value,
        stored_headers(source.headers, letters),
        letter.stage.value,
        letter.error_class,
        _stored_text(letter.error, letters),
    )


def _stored_text(text: str, letters: str) -> str:
    """A text that PostgreSQL takes: no U+0000, no half of a surrogate pair, none but these `letters`."""
    clean = text.encode(letters, "backslashreplace").decode()
    return clean.replace("\0", "\\0")
