"""Which worker reads which partition, as Kafka describes the connectors' consumer groups."""

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from demo.playground.workers import _readers


def _assigned(topic: str, *partitions: int) -> bytes:
    return bytes(ConsumerProtocolMemberAssignment(0, [(topic, list(partitions))], b"").encode())


def test_a_member_is_a_task_of_a_connector_at_a_worker() -> None:
    members = [
        (
            "m-1",
            "connector-consumer-order-history-0@host/127.0.0.1:8083",
            "/127.0.0.1",
            b"",
            _assigned("orders", 0, 1),
        ),
        (
            "m-2",
            "connector-consumer-order-history-1@host/127.0.0.1:8084",
            "/127.0.0.1",
            b"",
            _assigned("orders", 2),
        ),
        ("m-3", "connector-consumer-order-history-2@host/127.0.0.1:8085", "/127.0.0.1", b"", b""),
        ("m-4", "somebody-else", "/127.0.0.1", b"", _assigned("orders", 5)),
    ]
    found = {(each["partition"], each["task"], each["worker"]) for each in _readers(members)}
    assert found == {(0, 0, "127.0.0.1:8083"), (1, 0, "127.0.0.1:8083"), (2, 1, "127.0.0.1:8084")}
    assert {each["connector"] for each in _readers(members)} == {"order-history"}
