"""The topics job: create what `topics.json` declares and wait until every broker knows it and who leads each partition.

    python create_topics.py --bootstrap kafka-1:9092,kafka-2:9092 --replication 3 [--leaders together]

Needs aiokafka and nothing of this repository, so that `./demo` and the containers run the same file. Running it again
changes nothing. Exit code 1 with a sentence on standard error when brokers are missing or a topic has another shape.
"""

import argparse
import asyncio
import json
import os
import ssl
import sys
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

DECLARED = Path(__file__).with_name("topics.json")
NO_ERROR, TOPIC_ALREADY_EXISTS = 0, 36
PAUSE_S = 0.1

Answer = TypeVar("Answer")


class TopicsError(RuntimeError):
    """The topics are not as declared; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic as its file declares it."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)


async def ensure(
    topics: list[Topic], *, bootstrap: str, replication: int, together: bool, timeout_s: float
) -> None:
    """Create the missing of `topics` once `replication` brokers are there, and see each partition led.

    `together`: the same broker leads all their partitions, else Kafka spreads them.
    """
    async with asyncio.timeout(timeout_s):
        admin = await connected(bootstrap)
        try:
            brokers = await until(lambda: enough_brokers(admin, replication))
            await create_missing(admin, topics, replication=replication, brokers=brokers if together else ())
            await until(lambda: all_led(admin, topics))
        finally:
            await admin.close()


def login(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """How a cluster that asks is told who this is: `KAFKA_SASL_USERNAME`, `KAFKA_SASL_PASSWORD`, `KAFKA_SSL_CAFILE`.

    Or by a certificate of its own, `KAFKA_SSL_CERTFILE`, with its key in the same file.
    """
    if certificate := environment.get("KAFKA_SSL_CERTFILE"):
        context = ssl.create_default_context(cafile=environment.get("KAFKA_SSL_CAFILE"))
        context.load_cert_chain(certificate)
        return {"security_protocol": "SSL", "ssl_context": context}
    if "KAFKA_SASL_USERNAME" not in environment:
        return {}
    return {
        "security_protocol": "SASL_SSL",
        "ssl_context": ssl.create_default_context(cafile=environment.get("KAFKA_SSL_CAFILE")),
        "sasl_mechanism": environment.get("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
        "sasl_plain_username": environment["KAFKA_SASL_USERNAME"],
        "sasl_plain_password": environment["KAFKA_SASL_PASSWORD"],
    }


async def connected(bootstrap: str) -> AIOKafkaAdminClient:
    """A client of the brokers, as soon as one answers."""
    while True:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **login())
        try:
            await admin.start()
        except KafkaError:  # nobody answers yet; the caller's time-out is the bound
            await admin.close()
            await asyncio.sleep(PAUSE_S)
        else:
            return admin


async def until(question: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask until there is an answer."""
    while not (answer := await question()):  # noqa: ASYNC110  the question is one to Kafka
        await asyncio.sleep(PAUSE_S)
    return answer


async def enough_brokers(admin: AIOKafkaAdminClient, wanted: int) -> list[int]:
    """The brokers, of an answer that names as many as copies are wanted, else none: the next, of another broker, may name fewer."""
    brokers = [broker["node_id"] for broker in (await admin.describe_cluster())["brokers"]]
    return brokers if len(brokers) >= wanted else []


async def create_missing(
    admin: AIOKafkaAdminClient, topics: list[Topic], *, replication: int, brokers: Collection[int]
) -> None:
    """Make the topics that are not there yet, as `new_topic` says; those that are keep what they have."""
    there = set(await admin.list_topics())
    missing = [topic for topic in topics if topic.name not in there]
    if not missing:
        return
    new = [new_topic(topic, replication=replication, brokers=brokers) for topic in missing]
    for name, code, *message in (await admin.create_topics(new)).topic_errors:
        if code not in {NO_ERROR, TOPIC_ALREADY_EXISTS}:
            raise TopicsError(f"topic {name} was not created: {message[0] if message else f'error {code}'}")


def new_topic(topic: Topic, *, replication: int, brokers: Collection[int]) -> NewTopic:
    """What Kafka is asked for: the first of `brokers` leads every partition, and the next ones would; without any, Kafka decides.

    Brokers that share a machine gain nothing by sharing the lead: what one order causes would be requests to each of them
    (docs/adr/0031).
    """
    if not brokers:
        return NewTopic(topic.name, topic.partitions, replication, topic_configs=topic.config)
    replicas = sorted(brokers)[:replication]
    return NewTopic(
        topic.name,
        num_partitions=-1,
        replication_factor=-1,
        replica_assignments=dict.fromkeys(range(topic.partitions), replicas),
        topic_configs=topic.config,
    )


async def all_led(admin: AIOKafkaAdminClient, topics: list[Topic]) -> bool:
    """Whether every partition has a leader, as each of the brokers knows: the answer of one says nothing of the others.

    A client of a broker that does not know a topic yet, a consumer above all, asks no other one for minutes.
    """
    client = admin._client  # noqa: SLF001  the admin client itself asks any one of them
    await client.force_metadata_update()
    request = MetadataRequest([topic.name for topic in topics])
    try:
        answers = [
            await admin._send_request(request, broker.nodeId)  # noqa: SLF001
            for broker in client.cluster.brokers()
        ]
    except KafkaError:  # of one that has just come, or gone
        return False
    return bool(answers) and all(led_as_told(answer, topics) for answer in answers)


def led_as_told(answer: Any, topics: list[Topic]) -> bool:
    """The same, as one broker says."""
    leaders = {
        name: [leader for _, _, leader, *_ in partitions] for _, name, _, partitions, *_ in answer.topics
    }
    for topic in topics:
        partitions = leaders.get(topic.name)
        if not partitions or any(leader < 0 for leader in partitions):
            return False
        if len(partitions) != topic.partitions:  # keys would change their partition, and so their order
            raise TopicsError(
                f"topic {topic.name} has {len(partitions)} partitions, {topic.partitions} are declared; "
                "empty the stack to recreate it"
            )
    return True


def main() -> int:
    """Exit code 0 when every topic is there and can be written to."""
    parser = argparse.ArgumentParser(description="Create the topics of the stack.")
    parser.add_argument("--bootstrap", required=True, help="brokers, host:port, comma-separated")
    parser.add_argument("--replication", type=int, default=3, help="replicas of every partition")
    parser.add_argument(
        "--leaders",
        choices=("spread", "together"),
        default="spread",
        help="together: one broker leads all that is made",
    )
    parser.add_argument("--topics", type=Path, nargs="+", default=[DECLARED], help="what to create")
    parser.add_argument("--timeout", type=float, default=90.0, help="seconds for all of it")
    words = parser.parse_args()
    topics = [Topic(**topic) for file in words.topics for topic in json.loads(file.read_text())]
    try:
        asyncio.run(
            ensure(
                topics,
                bootstrap=words.bootstrap,
                replication=words.replication,
                together=words.leaders == "together",
                timeout_s=words.timeout,
            )
        )
    except (TopicsError, TimeoutError) as error:
        print(str(error) or f"the brokers were not ready within {words.timeout:g} s", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
