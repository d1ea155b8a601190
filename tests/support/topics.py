"""Whether the brokers know of a topic: each of them, as the answer of one says nothing of the others."""

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.metadata import MetadataRequest


async def is_known(admin: AIOKafkaAdminClient, topic: str) -> bool:
    """By all of them. A client of a broker that does not know it yet, a consumer above all, asks no other one for minutes."""
    return all(await _known(admin, topic))


async def is_gone(admin: AIOKafkaAdminClient, topic: str) -> bool:
    """From all of them. A broker that has not heard of its end yet takes records that nobody will ever read."""
    return not any(await _known(admin, topic))


async def _known(admin: AIOKafkaAdminClient, topic: str) -> list[bool]:
    request = MetadataRequest([topic])
    brokers = [broker.nodeId for broker in admin._client.cluster.brokers()]  # noqa: SLF001 - the admin client asks any one
    answers = [await admin._send_request(request, broker) for broker in brokers]  # noqa: SLF001
    return [
        all(error == 0 and partitions for error, _, _, partitions, *_ in answer.topics) for answer in answers
    ]
