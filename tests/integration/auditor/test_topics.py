"""The auditor reads a topic to its end, whatever is in it."""

import uuid

import pytest
from aiokafka import AIOKafkaProducer

from auditor.observations import Record
from auditor.sources.topics import topic_facts
from auditor.target import Target
from tests.conftest import MakeTopic
from tests.support.hostile_records import HostileRecord, hostile_records, send_alone


@pytest.fixture
async def target(kafka_bootstrap: str, make_topic: MakeTopic) -> Target:
    """Topics of its own, as the system has them."""
    prefix = f"audit-{uuid.uuid4().hex[:8]}."
    target = Target(
        write_databases=dict.fromkeys(("order-1", "order-2", "order-3"), ""),
        read_dsn="",
        bootstrap=kafka_bootstrap,
        topic_prefix=prefix,
    )
    for topic in target.topics():
        await make_topic(name=target.in_kafka(topic))
    return target


def in_kafka(target: Target, record: HostileRecord) -> HostileRecord:
    return HostileRecord(
        topic=target.in_kafka(record.topic), key=record.key, value=record.value, headers=record.headers
    )


async def test_every_hostile_record_is_read_with_its_fault_and_what_follows_it_too(target: Target) -> None:
    last = HostileRecord(topic="orders", key=b"k", value=b"v", headers=((b"\xff\xfe", b"1"),))
    sent = [r for r in hostile_records(seed=14, count=150) if r.topic in target.topics()] + [last, last]
    # An audit reads up to the high watermark, which passes a record when every replica in sync has it.
    async with AIOKafkaProducer(bootstrap_servers=target.bootstrap, acks="all") as producer:
        places = [await send_alone(producer, in_kafka(target, record), partition=0) for record in sent]
    facts = [fact async for block in topic_facts(target) for fact in block]
    read = [fact for fact in facts if isinstance(fact, Record)]
    assert sorted((target.in_kafka(r.topic), r.partition, r.position) for r in read) == sorted(places)
    orders = [record for record in read if record.topic == "orders"]
    assert all(record.fault for record in orders[-2:])
    assert sum(record.fault is not None for record in read) > len(read) / 2
