"""Records that nobody honest sends, drawn by a seed: what a broker takes all the same.

Every name in them begins with `forged-`, so that what comes of them is told from everything else.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from tests.support.record_batches import RawRecord, send_batch

FORGED = "forged-"
DEEP = 5_000
BEYOND_64_BITS = (2**63, 2**64, 10**30, -(2**63) - 1)

Headers = Sequence[tuple[bytes, bytes | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileRecord:
    """A record as it goes over the wire; names of headers are bytes."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Place(NamedTuple):
    """Where a record is."""

    topic: str
    partition: int
    position: int


async def send_alone(producer: AIOKafkaProducer, record: HostileRecord, *, partition: int) -> Place:
    """Send one record as it is, in a batch of its own."""
    raw = RawRecord(record.key, record.value, record.headers)
    return Place(
        record.topic, partition, await send_batch(producer, record.topic, [raw], partition=partition)
    )


def hostile_records(*, seed: int, count: int) -> Iterator[HostileRecord]:
    """`count` records for every topic of the system in turn; the same seed gives the same ones."""
    dice = random.Random(seed)  # noqa: S311  dice, no secret
    makers = (_of_orders, _of_products, _of_inbox, _of_configs, _of_status)
    for number in range(count):
        yield makers[number % len(makers)](dice, number)


def _of_orders(dice: random.Random, number: int) -> HostileRecord:
    name = f"{FORGED}order-{number}"
    order = {
        "order_id": name, "user_id": f"{FORGED}user", "status": "PENDING",
        "lines": [{"product_id": f"{FORGED}tea", "quantity": 1, "unit_price_cents": 1}], "total_cents": 1,
        "version": 1, "instance": "order-1", "reason": None, "placed_at": 1, "updated_at": 1,
    }  # fmt: skip
    spoilt: dict[str, Any] = dice.choice([
        {"version": dice.choice(BEYOND_64_BITS)},
        {"total_cents": dice.choice(BEYOND_64_BITS)},
        {"placed_at": dice.choice([2**62, -(2**62), "yesterday", None])},
        {"lines": dice.choice(["tea", 7, None, {}, [7], [None], _nested(50)])},
        {"user_id": "nul\x00byte"},
        {"status": dice.choice([7, None, ["PENDING"], {}])},
        {"instance": dice.choice([None, 7, {}])},
        {"version": dice.choice(["1", 1.5, True, None, -1])},
    ])  # fmt: skip
    return _spoilt("orders", name, order | spoilt, "order.placed.v1", dice)


def _of_products(dice: random.Random, number: int) -> HostileRecord:
    name = f"{FORGED}tea-{number}"
    product = {
        "product_id": name, "name": "Tea", "unit_price_cents": 1, "stock_available": 1, "stock_reserved": 0,
        "version": 1, "instance": "order-1", "updated_at": 1,
    }  # fmt: skip
    spoilt: dict[str, Any] = dice.choice([
        {"version": dice.choice(BEYOND_64_BITS)},
        {"unit_price_cents": dice.choice([*BEYOND_64_BITS, "1", None, {}])},
        {"stock_available": dice.choice([2**31, 2**63, "1", None])},
        {"name": dice.choice(["nul\x00byte", None, 7, []])},
        {"instance": dice.choice([None, 7, {}])},
        {"updated_at": dice.choice([2**62, "now", None])},
    ])  # fmt: skip
    return _spoilt("products", name, product | spoilt, "product.registered.v1", dice)


def _of_inbox(dice: random.Random, number: int) -> HostileRecord:
    name = f"{FORGED}order-{number}"
    message = {
        "order_id": name, "order_version": 1, "instance": "order-2",
        "lines": [{"product_id": f"{FORGED}tea", "quantity": 1}],
    }  # fmt: skip
    spoilt: dict[str, Any] = dice.choice([
        {"lines": [{"product_id": "green-tea", "quantity": dice.choice([-5, 0, 2**31, 2**63])}]},
        {"order_version": dice.choice([*BEYOND_64_BITS, -1, "1", None])},
        {"instance": dice.choice(["nowhere", "order-99", "", None, 7, "nul\x00byte"])},
        {"order_id": dice.choice(["nul\x00byte", None, 7, "x" * 100_000])},
        {"lines": dice.choice([None, 7, {}, [7], _nested(50)])},
    ])  # fmt: skip
    kind = dice.choice(
        ["reserve-stock.v1", "release-stock.v1", "stock-reserved.v1", "no-such-message.v1", ""]
    )
    topic = f"inbox.order-{dice.randint(1, 3)}"
    return _spoilt(topic, name, message | spoilt, kind, dice)


def _of_configs(dice: random.Random, number: int) -> HostileRecord:
    prefix = dice.choice(
        ["connector-", "task-", "commit-", "target-state-", "session-key-", "restart-connector-", ""]
    )
    key = f"{prefix}{FORGED}{number}".encode()
    value = dice.choice([
        b'{"properties":5}', b'{"properties":{"tasks.max":[]}}', b'{"state":7}', b'{"tasks":-1}', b"[]", b"null", b"7",
        b"\xff\xfe", b"", None, _deep(), b'{"properties":{"name":null}}',
    ])  # fmt: skip
    return HostileRecord(topic="sink-configs", key=dice.choice([key, key, key, b"\xff\xfe"]), value=value)


def _of_status(dice: random.Random, number: int) -> HostileRecord:
    prefix = dice.choice(["status-connector-", "status-task-", "status-topic-", "status-worker-", ""])
    value = dice.choice([
        b'{"state":7}', b'{"state":"RUNNING","trace":[],"worker_id":7,"generation":"x"}', b"[]", b"null", b"\xff", b"",
        None, _deep(), b'{"generation":9223372036854775808}',
    ])  # fmt: skip
    key = f"{prefix}{FORGED}{number}".encode()
    return HostileRecord(topic="sink-status", key=dice.choice([key, key, b"\xff\xfe"]), value=value)


def _spoilt(topic: str, name: str, payload: dict[str, Any], kind: str, dice: random.Random) -> HostileRecord:
    """A record with a spoilt payload, or spoilt in the way it is wrapped."""
    key = json.dumps({"payload": name}).encode()
    value = json.dumps({"payload": payload}).encode()
    headers: Headers = ((b"ce_id", f"{FORGED}{name}:1".encode()), (b"ce_type", kind.encode()))
    match dice.randrange(12):
        case 0:
            headers = ((b"ce_type", None), (b"traceparent", None))
        case 1:
            headers = (*headers, (b"\xff\xfe", b"1"))
        case 2:
            headers = (*headers, (b"nul\x00name", b"\xff"))
        case 3:
            value = _deep()
        case 4:
            value = value[: dice.randrange(len(value))]
        case 5:
            key = dice.choice([b"\xff\xfe", b"", b"{}", b'{"payload":7}', b"null"])
        case 6:
            value = dice.randbytes(dice.randrange(1, 200))
        case 7:
            headers = ()
        case _:
            pass
    return HostileRecord(topic=topic, key=key, value=value, headers=headers)


def _deep() -> bytes:
    return b'{"schema":' + b"[" * DEEP + b"]" * DEEP + b',"payload":1}'


def _nested(depth: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(depth):
        nested = [nested]
    return nested
