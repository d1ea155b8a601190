"""Kafka takes any bytes for the name of a header, any length for a key: neither stops a task."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import MakeTopic
from tests.support.record_batches import RawRecord, send_raw
from tests.support.sink import (
    INT64,
    Message,
    configuration,
    connected,
    execute,
    rows,
    send,
    struct,
    wait_until_read,
)

BYTES = b"\xff\xfe\x00name"


def row(number: int, **headers: bytes) -> Message:
    return Message(value=struct({"id": number}, id=INT64), headers=list(headers.items()))


@pytest.mark.parametrize("codec", [0, 1], ids=["plain", "gzip"])
async def test_a_header_name_that_is_not_utf8_is_one_dead_letter(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, codec: int
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE numbers (id bigint)")
    bad = RawRecord(b"k", b"original", [("a", b"1"), (BYTES, b"2"), ("n", None)])
    await send(kafka_bootstrap, topic, [row(1)])
    second, third = (RawRecord(value=each.value, headers=each.headers) for each in (row(2, h=b"1"), row(3)))
    await send_raw(kafka_bootstrap, topic, [second, bad, third], compression=codec)
    await send(kafka_bootstrap, topic, [row(4)])
    given = configuration(database, topics=topic, table__name__format="numbers", errors__tolerance="all")
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, 5)
        await send(kafka_bootstrap, topic, [row(5)])
        await wait_until_read(connector, topic, 6)
    assert await rows(database, "SELECT id FROM numbers ORDER BY id") == [(n,) for n in range(1, 6)]
    [(offset, key, value, headers, stage)] = await rows(
        database, 'SELECT "offset", key, value, headers, stage FROM sink.dead_letters'
    )
    assert (offset, key, value, stage) == (2, b"k", b"original", "HEADER_CONVERTER")
    assert json.loads(headers) == [["a", "1"], [{"hex": BYTES.hex()}, "2"], ["n", None]]


def test_so_it_is_with_the_decoder_that_is_written_in_python(
    kafka_bootstrap: str, postgres_admin_dsn: str
) -> None:
    servers = {"TEST_KAFKA_BOOTSTRAP": kafka_bootstrap, "TEST_POSTGRES_DSN": postgres_admin_dsn}
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"{__file__}",
            "-k",
            "one_dead_letter",
        ],
        env=os.environ | servers | {"AIOKAFKA_NO_EXTENSIONS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout


async def test_a_bad_record_is_kept_whatever_its_headers_and_its_key_hold(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic(config={"message.timestamp.after.max.ms": str(2**63 - 1)})
    await execute(database, "CREATE TABLE numbers (id bigint)")
    keys = [b"k", os.urandom(20_000), b"\xff\0", None]
    headers = [[("na\0me", b"va\0lue")], [("h", b"\xff")], [("", b"")], [("n", b"\0" * 10)]]
    bad = [Message(value=b"{{", key=key, headers=named) for key, named in zip(keys, headers, strict=True)]
    late = Message(value=b'"\\ud800', timestamp_ms=2**62)
    await send(kafka_bootstrap, topic, [row(1), *bad, late, row(2)])
    given = configuration(database, topics=topic, table__name__format="numbers", errors__tolerance="all")
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, 7)
    assert await rows(database, "SELECT id FROM numbers ORDER BY id") == [(1,), (2,)]
    found = await rows(database, 'SELECT key FROM sink.dead_letters ORDER BY "offset"')
    assert [key for (key,) in found] == [*keys, None]
    [(stored,)] = await rows(database, 'SELECT headers FROM sink.dead_letters WHERE "offset" = 1')
    assert json.loads(stored) == [[{"hex": b"na\0me".hex()}, {"hex": b"va\0lue".hex()}]]
