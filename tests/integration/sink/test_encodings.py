"""Databases whose encoding has not every letter: what cannot be written is that record's failure, and is kept in its bytes."""

import asyncpg
import pytest

from sink_connector.config.connection import Connection as Address
from sink_connector.dead_letters.table import stored_dead_letters
from sink_connector.sink.session import Session
from tests.conftest import MakeTopic
from tests.support.sink import STRING, Message, drain, execute, rows, send, struct

KOREAN, FRENCH = "주문", "é"
KEYS = {
    "insert__mode": "upsert",
    "pk__mode": "record_value",
    "pk__fields": "id",
    "errors__tolerance": "all",
}


@pytest.fixture
async def latin_database(database: str) -> str:
    """The database of a test, made anew in an encoding of western Europe's letters."""
    server, _, name = database.rpartition("/")
    admin = await asyncpg.connect(f"{server}/postgres")
    await admin.execute(f'DROP DATABASE "{name}"')
    await admin.execute(f"CREATE DATABASE \"{name}\" ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    await admin.close()
    return database


def row(key: str, text: str, **headers: bytes) -> Message:
    return Message(value=struct({"id": key, "t": text}, id=STRING, t=STRING), headers=list(headers.items()))


@pytest.mark.parametrize("count", [3, 100])
async def test_a_letter_that_the_database_has_not_makes_one_bad_record(
    kafka_bootstrap: str, latin_database: str, make_topic: MakeTopic, count: int
) -> None:
    topic = await make_topic()
    await execute(latin_database, "CREATE TABLE t (id text PRIMARY KEY, t text)")
    sent = [row(f"k{number}", KOREAN if number == 1 else FRENCH) for number in range(count)]
    await drain(kafka_bootstrap, latin_database, topic, sent, table__name__format="t", **KEYS)
    assert await rows(latin_database, "SELECT count(*), min(t) FROM t") == [(count - 1, FRENCH)]
    assert await rows(latin_database, 'SELECT "offset" FROM sink.dead_letters') == [(1,)]


async def test_a_bad_record_is_kept_whatever_letters_its_reason_and_its_headers_have(
    kafka_bootstrap: str, latin_database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(latin_database, "CREATE TABLE t (id text PRIMARY KEY, t text)")
    header = (KOREAN, FRENCH.encode())
    unknown = struct({"id": "x", KOREAN: "y"}, id=STRING, **{KOREAN: STRING})
    bad = Message(key=KOREAN.encode(), value=unknown, headers=[header])
    await send(kafka_bootstrap, topic, [row("a", FRENCH)])
    given = await drain(
        kafka_bootstrap, latin_database, topic, [bad, row("b", FRENCH)], table__name__format="t", **KEYS
    )
    assert await rows(latin_database, "SELECT id FROM t ORDER BY id") == [("a",), ("b",)]
    session = Session(Address(dsn=latin_database), name="test")
    try:
        [letter] = await stored_dead_letters(await session.connection(), given["name"])
    finally:
        await session.close()
    assert (letter.offset, letter.key, letter.value) == (1, KOREAN.encode(), unknown)
    assert list(letter.headers) == [header]
    assert KOREAN.encode("ascii", "backslashreplace").decode() in letter.error
