"""Fault: a disk is full, of the read database, of an instance, of a broker. Invariants: SUM, ACK: nothing is lost, and it resumes when there is room."""

import contextlib
import pwd
import uuid
from functools import partial
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from devservers.kafka import brokers_seen
from devservers.kafka_cluster import KafkaCluster
from devservers.ports import free_ports
from devservers.postgres import UNPRIVILEGED_USER
from tests.conftest import MakeTopic
from tests.integration.order.conftest import built_clusters
from tests.support.order_cluster import payload
from tests.support.sink import (
    INT64,
    STRING,
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
from tests.support.small_disk import small_disk
from tests.support.topics import is_known
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

MANY = 3_000


def large(number: int) -> Message:
    value = struct({"id": number, "words": "word " * 400}, id=INT64, words=STRING)
    return Message(value=value, partition=number % 2)


@pytest.mark.guarantees("G-SINK-11")
async def test_a_sink_waits_while_the_disk_of_its_table_is_full_and_writes_everything_once_there_is_room(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, session_directory: Path
) -> None:
    topic, name = await make_topic(partitions=2), f"small_{uuid.uuid4().hex[:8]}"
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    with small_disk(session_directory / name, megabytes=4, uid=user.pw_uid, gid=user.pw_gid) as disk:
        await execute(
            database,
            f"CREATE TABLESPACE {name} LOCATION '{disk.directory}'",
            f"CREATE TABLE numbers (id bigint, words text) TABLESPACE {name}",
            "ALTER TABLE numbers ALTER words SET STORAGE PLAIN",
        )
        given = configuration(
            database,
            topics=topic,
            table__name__format="numbers",
            errors__tolerance="all",
            errors__retry__delay__max__ms="300",
            batch__size="200",
        )
        try:
            await send(kafka_bootstrap, topic, map(large, range(MANY)))
            async with connected(kafka_bootstrap, given) as connector:
                await wait_until(lambda: task_of(connector).attempts > 2, what="attempts to fail")
                trouble = task_of(connector).trouble
                assert trouble is not None
                assert "No space left on device" in trouble.reason
                disk.resize(megabytes=64)
                await wait_until_read(connector, topic, MANY, timeout_s=60)
            assert await rows(database, "SELECT count(*), count(DISTINCT id) FROM numbers") == [(MANY, MANY)]
            assert await rows(database, "SELECT count(*) FROM sink.dead_letters_v1") == [(0,)]
        finally:
            await execute(database, "DROP TABLE numbers", f"DROP TABLESPACE {name}")


async def test_an_instance_whose_disk_is_full_says_503_and_takes_commands_again_once_there_is_room(
    kafka_bootstrap: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", megabytes=8) as disk:

        async def url() -> str:
            return f"sqlite+aiosqlite:///{disk.directory}/order.db"

        async with built_clusters(url, make_topic, kafka_bootstrap) as make:
            instance = (await (await make()).start())[1]
            await instance.product("tea", stock=100_000)
            disk.fill()
            answers = [await instance.order(("tea", 1), key="first")]
            while (
                answers[-1].status_code == 201 and len(answers) < 2_000
            ):  # what is reserved already is used up first
                answers.append(await instance.order(("tea", 1)))
            assert answers[-1].status_code == 503, answers[-1].text
            assert answers[-1].headers["retry-after"]
            disk.free()

            async def accepted() -> bool:
                return (await instance.order(("tea", 1), key="after")).status_code == 201

            await wait_until(accepted, what="commands are taken again")
            acknowledged = sum(answer.status_code == 201 for answer in answers) + 1
            assert (await instance.rows("SELECT count(*) AS orders FROM orders"))[0]["orders"] == acknowledged
            await instance.ready()


async def test_a_broker_whose_disk_is_full_ends_and_is_back_with_every_acknowledged_record(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "disk", megabytes=96) as disk:
        cluster = partial(KafkaCluster, directory=disk.directory / "kafka", ports=free_ports(2))

        async def url() -> str:
            return f"sqlite+aiosqlite:///{tmp_path}/order.db"

        async with contextlib.AsyncExitStack() as stack:
            kafka = await stack.enter_async_context(cluster())
            make = await stack.enter_async_context(
                built_clusters(url, partial(single_topic, kafka.bootstrap), kafka.bootstrap)
            )
            shop = await (await make()).start()
            await shop[1].product("tea")
            await shop.records("products", at_least=1)
            disk.fill()
            placed = [await shop[1].placed(("tea", 1)) for _ in range(20)]
            await wait_until(partial(is_away, kafka.bootstrap), timeout_s=40, what="the broker has ended")
            placed += [await shop[1].placed(("tea", 1)) for _ in range(20)]
            disk.free()
            await stack.enter_async_context(cluster())
            for order in placed:
                await shop[1].reaches(order, "CONFIRMED", timeout_s=60)
            orders = {payload(record)["order_id"] for record in await shop.records("orders", at_least=80)}
            assert orders == set(placed)


async def single_topic(
    bootstrap: str, *, name: str, partitions: int = 1, config: dict[str, str] | None = None
) -> str:
    """A topic with one replica; it ends with its broker."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=config or {})])
    await wait_until(partial(is_known, admin, name), what="the broker knows the topic")
    await admin.close()
    return name


async def is_away(bootstrap: str) -> bool:
    return not await brokers_seen(bootstrap)
