"""A COMMIT whose answer is lost may not be written twice: the one window in which a retry could double plain inserts."""

import pytest

from tests.conftest import MakeTopic
from tests.support.lost_answer import lossy_way
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


@pytest.mark.guarantees("G-SINK-2")
async def test_a_batch_whose_commit_went_through_unheard_is_not_inserted_again(
    kafka_bootstrap: str, make_topic: MakeTopic, database: str
) -> None:
    topic = await make_topic()
    await execute(database, f'CREATE TABLE "{topic}" (n bigint)')
    async with lossy_way(database, lose_at=frozenset({2})) as way:
        given = configuration(way.dsn, topics=topic, insert__mode="insert")
        await send(kafka_bootstrap, topic, [Message(value=struct({"n": n}, n=INT64)) for n in range(200)])
        async with connected(kafka_bootstrap, given) as connector:
            await wait_until_read(connector, topic, 200, timeout_s=60)
        assert way.lost == 1, way
    query = f'SELECT n, count(*) FROM "{topic}" GROUP BY n ORDER BY n'  # noqa: S608  the test's own name
    assert await rows(database, query) == [(n, 1) for n in range(200)]
