"""Reading, replaying and removing what is in `sink.dead_letters`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from asyncpg import Connection, Record

from sink_connector.data import sql_files
from sink_connector.data.instants import EPOCH_2000_US

SQL = sql_files.load("dead_letters.sql", package=__package__)
NO_TIMESTAMP = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDeadLetter:
    """A parked record with its original bytes; a `SourceRecord`, so that it can take the path again."""

    id: int
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, Any]] = field(default_factory=tuple)
    stage: str
    error_class: str
    error: str
    parked_at: str


async def stored_dead_letters(
    connection: Connection, connector: str, ids: Sequence[int] | None = None
) -> list[StoredDeadLetter]:
    """The letters of a connector in the order of their topics, partitions and offsets; all of them, or those asked for."""
    rows = await connection.fetch(SQL["list"], connector, ids)
    return [_letter(row) for row in rows]


async def drop(connection: Connection, connector: str, ids: Sequence[int] | None = None) -> int:
    """Remove letters for good; returns how many there were."""
    return int(await connection.fetchval(SQL["drop"], connector, ids))


def stored_headers(headers: Sequence[tuple[str, bytes | None]], letters: str = "utf-8") -> bytes:
    """Headers as JSON: text where it is text that PostgreSQL takes, else `{"hex": …}`; their order and repetitions are kept.

    A name whose bytes are not UTF-8 is given with surrogates (`surrogateescape`). `letters` is "ascii" for a database that has
    not every letter.
    """
    stored = [
        [_stored(name.encode("utf-8", "surrogateescape"), letters), _stored(value, letters)]
        for name, value in headers
    ]
    return json.dumps(stored, ensure_ascii=False).encode()


def _stored(value: bytes | None, letters: str) -> Any:
    if value is None:
        return None
    try:
        text = value.decode(letters)
    except UnicodeDecodeError:
        return {"hex": value.hex()}
    return text if "\0" not in text else {"hex": value.hex()}


def _restored(value: Any) -> bytes | None:
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else bytes.fromhex(value["hex"])


def _restored_name(name: Any) -> str:
    return (_restored(name) or b"").decode("utf-8", "surrogateescape")


def _letter(row: Record) -> StoredDeadLetter:
    instant = row["timestamp"]
    return StoredDeadLetter(
        id=row["id"],
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        timestamp=NO_TIMESTAMP if instant is None else (instant[0] + EPOCH_2000_US) // 1000,
        key=row["key"],
        value=row["value"],
        headers=tuple((_restored_name(name), _restored(value)) for name, value in json.loads(row["headers"])),
        stage=row["stage"],
        error_class=row["error_class"],
        error=row["error"],
        parked_at=row["parked_at"],
    )
