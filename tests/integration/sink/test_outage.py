"""The database goes away under load: no dead letters, bounded memory, still a member of the group, goes on by itself."""

import pytest

from devservers.tcp_proxy import tcp_proxy
from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    Message,
    configuration,
    connected,
    execute,
    rows,
    send,
    struct,
    task_of,
    wait_until_read,
)
from tests.support.waiting import assert_stays, wait_until


def message(number: int) -> Message:
    return Message(value=struct({"id": number}, id=INT64), partition=number % 2)


@pytest.mark.guarantees("G-SINK-11")
@pytest.mark.parametrize("tolerance", ["none", "all"])
async def test_an_outage_of_the_database_is_waited_out(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tolerance: str
) -> None:
    topic = await make_topic(partitions=2)
    await execute(database, "CREATE TABLE numbers (id bigint)")
    async with tcp_proxy(database) as proxy:
        given = configuration(
            proxy.dsn,
            topics=topic,
            table__name__format="numbers",
            errors__tolerance=tolerance,
            errors__retry__delay__max__ms="500",
            batch__size="500",
            consumer__override__max__poll__interval__ms="6500",
        )
        async with connected(kafka_bootstrap, given) as connector:
            await send(kafka_bootstrap, topic, map(message, range(1000)))
            await wait_until_read(connector, topic, 1000)
            task = task_of(connector)
            generation = task.source.generation
            proxy.cut()
            await send(kafka_bootstrap, topic, map(message, range(1000, 6000)))
            # After max.poll.interval.ms, whoever does not poll is put out of the group.
            await assert_stays(
                lambda: task.source.generation == generation, for_s=8, what="it stays in the group"
            )
            assert task.attempts > 1
            proxy.open()
            await wait_until_read(connector, topic, 6000)
            assert task.source.generation == generation
            await wait_until(lambda: task.attempts == 0, what="nothing is tried again any more")
    assert await rows(database, "SELECT count(*), count(DISTINCT id) FROM numbers") == [(6000, 6000)]
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(0,)]


@pytest.mark.guarantees("G-SINK-11")
@pytest.mark.parametrize(
    "ways", [{}, {"answers": False}, {"requests": False}], ids=["both", "requests", "answers"]
)
async def test_a_link_that_is_held_until_the_task_has_given_up_loses_and_doubles_nothing(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, ways: dict[str, bool]
) -> None:
    """What was held arrives in the end: a COMMIT, too, of a transaction that its task knows nothing of any more."""
    topic = await make_topic(partitions=2)
    await execute(database, "CREATE TABLE numbers (id bigint)")
    async with tcp_proxy(database) as proxy:
        given = configuration(
            proxy.dsn,
            topics=topic,
            table__name__format="numbers",
            errors__tolerance="all",
            errors__retry__delay__max__ms="500",
            connection__command__timeout__ms="2000",
            batch__size="50",
        )
        async with connected(kafka_bootstrap, given) as connector:
            await send(kafka_bootstrap, topic, map(message, range(1000)))
            await wait_until_read(connector, topic, 1000)
            proxy.delay_s = 0.02  # so that the link is held in the midst of them
            await send(kafka_bootstrap, topic, map(message, range(1000, 6000)))
            await wait_until_read(connector, topic, 1001)
            proxy.hold(**ways)
            proxy.delay_s = 0.0
            await wait_until(lambda: task_of(connector).attempts > 1, what="the task to give up twice")
            proxy.release()
            await wait_until_read(connector, topic, 6000, timeout_s=60)
    assert await rows(database, "SELECT count(*), count(DISTINCT id) FROM numbers") == [(6000, 6000)]
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(0,)]


@pytest.mark.parametrize(("delay_s", "jitter_s"), [(0.2, 0.0), (0.0, 0.4)])
async def test_over_a_slow_link_everything_is_written(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, delay_s: float, jitter_s: float
) -> None:
    topic = await make_topic(partitions=2)
    await execute(database, "CREATE TABLE numbers (id bigint)")
    async with tcp_proxy(database) as proxy:
        proxy.slow(delay_s=delay_s, jitter_s=jitter_s)
        given = configuration(proxy.dsn, topics=topic, table__name__format="numbers")
        await send(kafka_bootstrap, topic, map(message, range(3000)))
        async with connected(kafka_bootstrap, given) as connector:
            await wait_until_read(connector, topic, 3000, timeout_s=60)
    assert await rows(database, "SELECT count(*), count(DISTINCT id) FROM numbers") == [(3000, 3000)]


async def test_a_database_that_is_away_at_the_start_is_waited_for(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=2)
    await execute(database, "CREATE TABLE numbers (id bigint)")
    await send(kafka_bootstrap, topic, [message(1)])
    async with tcp_proxy(database) as proxy:
        proxy.cut()
        given = configuration(proxy.dsn, topics=topic, table__name__format="numbers")
        async with connected(kafka_bootstrap, given) as connector:
            await wait_until(lambda: task_of(connector).attempts, what="a first attempt to fail")
            proxy.open()
            await wait_until_read(connector, topic, 1)
    assert await rows(database, "SELECT id FROM numbers") == [(1,)]
