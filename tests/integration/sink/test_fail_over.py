"""The primary is killed and its standby promoted: the task goes on there, each record's row there once.

Rows and offsets are one transaction, so a standby that lacks the last rows lacks their offsets too.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.conftest import MakeTopic
from tests.support.persisted_topic import wait_until_sent
from tests.support.sink import (
    INT64,
    Message,
    configuration,
    connected,
    execute,
    rows,
    send,
    struct,
)
from tests.support.standby import Pair, primary_and_standby
from tests.support.waiting import wait_until

COUNTED = "SELECT count(*), count(DISTINCT n) FROM numbers"


@pytest.fixture
async def pair(session_directory: Path, request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    directory = session_directory / f"pair-{abs(hash(request.node.name)):x}"
    directory.mkdir()
    directory.chmod(0o755)
    async with primary_and_standby(directory) as made:
        await execute(made.primary.admin_dsn, "CREATE TABLE numbers (n bigint)")
        yield made


def numbers(span: Iterable[int]) -> list[Message]:
    return [Message(value=struct({"n": n}, n=INT64), partition=n % 2) for n in span]


def given(pair: Pair, topic: str, **keys: str) -> dict[str, str]:
    return configuration(
        pair.url,
        topics=topic,
        table__name__format="numbers",
        insert__mode="insert",
        retry__backoff__ms="50",
        errors__retry__delay__max__ms="300",
        **keys,
    )


async def until_there(dsn: str, count: int) -> None:
    async def there() -> bool:
        return await rows(dsn, COUNTED) == [(count, count)]

    await wait_until(there, timeout_s=60, what=f"{count} rows, each once")


@pytest.mark.guarantees("G-SINK-13")
async def test_nothing_is_lost_or_doubled_that_a_synchronous_standby_has(
    kafka_bootstrap: str, make_topic: MakeTopic, pair: Pair
) -> None:
    topic = await make_topic(partitions=2)
    await pair.wait_for_commits()
    async with connected(kafka_bootstrap, given(pair, topic, batch__size="50")) as connector:
        await send(kafka_bootstrap, topic, numbers(range(200)))
        await until_there(pair.primary.admin_dsn, 200)
        load = asyncio.create_task(send(kafka_bootstrap, topic, numbers(range(200, 2000))))
        await pair.fail_over()
        await load
        await until_there(pair.standby.admin_dsn, 2000)
        assert not any(status.trace for status in connector.status)
    assert await rows(pair.standby.admin_dsn, "SELECT count(*) FROM sink.dead_letters") == [(0,)]


@pytest.mark.guarantees("G-SINK-13")
@pytest.mark.parametrize("more", [0, 100], ids=["without further records", "with further records"])
async def test_what_the_standby_lacked_is_read_again(
    kafka_bootstrap: str, make_topic: MakeTopic, pair: Pair, more: int
) -> None:
    topic = await make_topic(partitions=2)
    async with connected(kafka_bootstrap, given(pair, topic)) as connector:
        await send(kafka_bootstrap, topic, numbers(range(100)))
        await until_there(pair.standby.admin_dsn, 100)
        pair.stream.cut()
        await send(kafka_bootstrap, topic, numbers(range(100, 150)))
        await until_there(pair.primary.admin_dsn, 150)
        await pair.primary.kill()
        await send(kafka_bootstrap, topic, numbers(range(150, 150 + more)))
        assert await rows(pair.standby.admin_dsn, COUNTED) == [(100, 100)]
        await execute(pair.standby.admin_dsn, "SELECT pg_promote()")
        await until_there(pair.standby.admin_dsn, 150 + more)
        await send(kafka_bootstrap, topic, numbers(range(150 + more, 300)))
        await until_there(pair.standby.admin_dsn, 300)
        assert not any(status.trace for status in connector.status)


@pytest.mark.parametrize("option", ["targetServerType=primary", "target_session_attrs=read-write", ""])
async def test_a_standby_that_is_named_first_is_passed_over(
    kafka_bootstrap: str, make_topic: MakeTopic, pair: Pair, option: str
) -> None:
    topic = await make_topic(partitions=2)
    await send(kafka_bootstrap, topic, numbers(range(10)))
    first, second = urlsplit(pair.standby.admin_dsn), urlsplit(pair.primary.admin_dsn)
    hosts = f"{first.hostname}:{first.port},{second.hostname}:{second.port}"
    url = f"jdbc:postgresql://{hosts}/postgres?user=postgres&password={second.password}&{option}".rstrip("&")
    async with connected(kafka_bootstrap, given(pair, topic) | {"connection.url": url}):
        await until_there(pair.primary.admin_dsn, 10)
        await until_there(pair.standby.admin_dsn, 10)


@pytest.mark.guarantees("G-SINK-14")
async def test_a_bad_record_whose_dead_letter_the_standby_lacked_is_not_told_as_committed(
    kafka_bootstrap: str, make_topic: MakeTopic, pair: Pair
) -> None:
    """The primary is lost between a commit and the sending of what was committed."""
    topic, to = await make_topic(partitions=2), await make_topic(partitions=2)
    # What is read together is one batch: nothing more is written while what was committed cannot be told.
    keys = given(pair, topic, persisted__topic__name=to, errors__tolerance="all", linger__ms="3000")
    messages = numbers(range(100, 150))
    messages[7] = Message(value=b"{", partition=1)
    every = {(n % 2, n // 2) for n in range(150) if n != 107}
    async with connected(kafka_bootstrap, keys) as connector:
        await send(kafka_bootstrap, topic, numbers(range(100)))
        await wait_until_sent(kafka_bootstrap, to, {each for each in every if each[1] < 50})
        await until_there(pair.standby.admin_dsn, 100)
        pair.stream.cut()
        holding = await asyncpg.connect(pair.primary.admin_dsn)
        await holding.execute("BEGIN; LOCK TABLE sink.persisted")
        await send(kafka_bootstrap, topic, messages)
        await until_there(pair.primary.admin_dsn, 149)
        await pair.fail_over()
        holding.terminate()
        await until_there(pair.standby.admin_dsn, 149)
        found = await wait_until_sent(kafka_bootstrap, to, every)
        assert not any(status.trace for status in connector.status)
    assert set(found) == every
    assert await rows(pair.standby.admin_dsn, 'SELECT partition, "offset" FROM sink.dead_letters') == [
        (1, 53)
    ]


async def test_a_primary_that_comes_back_is_left_alone_by_a_task_that_has_another(
    kafka_bootstrap: str, make_topic: MakeTopic, pair: Pair
) -> None:
    """It takes writes, as nobody has told it of the other: keeping it from that is its keeper's to do."""
    topic = await make_topic(partitions=2)
    async with connected(kafka_bootstrap, given(pair, topic)) as connector:
        await send(kafka_bootstrap, topic, numbers(range(100)))
        await until_there(pair.standby.admin_dsn, 100)
        await pair.fail_over()
        await send(kafka_bootstrap, topic, numbers(range(100, 150)))
        await until_there(pair.standby.admin_dsn, 150)
        async with pair.primary:
            await send(kafka_bootstrap, topic, numbers(range(150, 200)))
            await until_there(pair.standby.admin_dsn, 200)
            assert await rows(pair.primary.admin_dsn, COUNTED) == [(100, 100)]
            assert not any(status.trace for status in connector.status)


async def test_a_task_that_is_sent_back_to_an_old_primary_leaves_each_server_whole(
    kafka_bootstrap: str, make_topic: MakeTopic, pair: Pair
) -> None:
    """Two servers that both take writes: each has the rows of its own offsets, none twice and none left out."""
    topic = await make_topic(partitions=2)
    keys = given(pair, topic)
    async with connected(kafka_bootstrap, keys):
        await send(kafka_bootstrap, topic, numbers(range(100)))
        await until_there(pair.standby.admin_dsn, 100)
        await pair.fail_over()
        await send(kafka_bootstrap, topic, numbers(range(100, 150)))
        await until_there(pair.standby.admin_dsn, 150)
        async with pair.primary:  # the first in the URL
            await execute(
                pair.standby.admin_dsn,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = 'postgres' AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
            )
            await send(kafka_bootstrap, topic, numbers(range(150, 200)))
            await until_there(pair.primary.admin_dsn, 200)
            assert await rows(pair.standby.admin_dsn, COUNTED) == [(150, 150)]


async def test_a_restart_after_the_fail_over_goes_on_where_the_new_primary_is(
    kafka_bootstrap: str, make_topic: MakeTopic, pair: Pair
) -> None:
    topic = await make_topic(partitions=2)
    keys = given(pair, topic)
    async with connected(kafka_bootstrap, keys):
        await send(kafka_bootstrap, topic, numbers(range(100)))
        await until_there(pair.standby.admin_dsn, 100)
        pair.stream.cut()
        await send(kafka_bootstrap, topic, numbers(range(100, 150)))
        await until_there(pair.primary.admin_dsn, 150)
    await pair.fail_over()
    async with connected(kafka_bootstrap, keys):
        await until_there(pair.standby.admin_dsn, 150)
