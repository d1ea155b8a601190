"""A connector is there before its topic is: it reads it soon after it is made, not when the metadata is old."""

import uuid

from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    Message,
    configuration,
    connected,
    send,
    struct,
    task_of,
    wait_until_read,
)
from tests.support.waiting import wait_until

SOON_S = 45.0
"""The metadata are a minute old before they are asked for without a reason."""


async def test_a_topic_that_is_made_after_its_connector_is_read_soon(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    there, late = await make_topic(), f"test-{uuid.uuid4().hex[:12]}"
    record = Message(value=struct({"id": 1}, id=INT64))
    await send(kafka_bootstrap, there, [record])
    given = configuration(database, topics=f"{there},{late}", auto__create="true")
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, there, 1)
        generation = task_of(connector).source.generation
        await make_topic(name=late)
        await send(kafka_bootstrap, late, [record])
        await wait_until(
            lambda: task_of(connector).source.generation > generation,
            timeout_s=SOON_S,
            what="it is given the late one",
        )
        await wait_until_read(connector, late, 1)
