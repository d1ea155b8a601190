"""The order service speaks exactly as the golden samples do, and the samples are what the schemas say."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from order_service.adapters.serialization import OutboxRecord, RecordMaker
from order_service.domain.order import Order, OrderLine, OrderStatus, StockHold
from order_service.domain.product import Product
from order_service.domain.stock import DesiredHold, HoldState, LineItem, StockAnswer, StockRequest

CONTRACTS = Path(__file__).parents[2] / "contracts"
SAMPLES = sorted(path.stem for path in (CONTRACTS / "samples").glob("*.json"))
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ORDER_ID = "order-2-01JD9Z6Q4W8C3N5T7V9X2B4D6F"
PLACED_AT, REJECTED_AT, REGISTERED_AT, ANSWERED_AT = (
    1763800000123,
    1763800000321,
    1763799000456,
    1763800000130,
)


def sample(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((CONTRACTS / "samples" / f"{name}.json").read_text())
    return loaded


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((CONTRACTS / "schemas" / f"{name}.json").read_text())
    return loaded


def order(**changes: Any) -> Order:
    fields: dict[str, Any] = {
        "order_id": ORDER_ID,
        "user_id": "ada",
        "status": OrderStatus.PENDING,
        "lines": (
            OrderLine(product_id="tea-green", quantity=2, unit_price_cents=450),
            OrderLine(product_id="mug-blue", quantity=1, unit_price_cents=1200),
        ),
        "holds": (StockHold(home="order-1", product_ids=("tea-green", "mug-blue")),),
        "version": 1,
        "instance": "order-2",
        "reason": None,
        "placed_at": PLACED_AT,
        "updated_at": PLACED_AT,
    }
    return Order(**fields | changes)


def order_placed() -> OutboxRecord:
    return RecordMaker(instance="order-2").order(order(), "order.placed", at=PLACED_AT, trace=TRACE)


def order_rejected() -> OutboxRecord:
    rejected = order(
        status=OrderStatus.REJECTED, version=2, reason="out of stock: mug-blue", updated_at=REJECTED_AT
    )
    return RecordMaker(instance="order-2").order(rejected, "order.rejected", at=REJECTED_AT, trace=TRACE)


def product_registered() -> OutboxRecord:
    product = Product.register(
        product_id="tea-green",
        name="Grüner Tee",
        unit_price_cents=450,
        stock=100,
        instance="order-1",
        at=REGISTERED_AT,
    )
    maker = RecordMaker(instance="order-1")
    return maker.product(product, "product.registered", at=REGISTERED_AT, trace=TRACE)


def reserve_stock() -> OutboxRecord:
    request = StockRequest(
        order_id=ORDER_ID,
        order_version=1,
        instance="order-2",
        home="order-1",
        wanted=DesiredHold.RESERVED,
        goods=(LineItem(product_id="tea-green", quantity=2),),
    )
    return RecordMaker(instance="order-2").stock_request(request, at=PLACED_AT, trace=TRACE)


def stock_reserved() -> OutboxRecord:
    answer = StockAnswer(
        order_id=ORDER_ID,
        order_version=1,
        instance="order-2",
        home="order-1",
        held=HoldState.RESERVED,
        reason=None,
    )
    return RecordMaker(instance="order-1").stock_answer(answer, at=ANSWERED_AT, trace=TRACE)


@pytest.mark.guarantees("G-KAFKA-3")
@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("order.placed.v1", order_placed()),
        ("order.rejected.v1", order_rejected()),
        ("product.registered.v1", product_registered()),
        ("reserve-stock.v1", reserve_stock()),
        ("stock-reserved.v1", stock_reserved()),
    ],
)
def test_a_record_is_byte_for_byte_the_golden_sample(name: str, made: OutboxRecord) -> None:
    golden = sample(name)
    assert made.topic == golden["topic"]
    assert made.key.decode() == golden["key"]
    assert made.value.decode() == golden["value"]
    assert made.headers | {"ce_id": golden["headers"]["ce_id"]} == golden["headers"]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_what_its_schema_says(name: str) -> None:
    golden = sample(name)
    envelope = json.loads(golden["value"])
    jsonschema.validate(golden["headers"], schema("headers"))
    jsonschema.validate(envelope["payload"], schema(envelope["schema"]["name"]))
    assert [field["field"] for field in envelope["schema"]["fields"]] == list(envelope["payload"])
    assert json.loads(golden["key"])["payload"] == golden["headers"]["ce_subject"]


@pytest.mark.parametrize("path", sorted((CONTRACTS / "schemas").glob("*.json")), ids=lambda path: path.stem)
def test_every_schema_is_one(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text()))


@pytest.mark.parametrize("name", ["order.v1", "product.v1", "stock-request.v1", "stock-answer.v1"])
def test_the_envelope_s_schema_and_the_json_schema_name_the_same_fields(name: str) -> None:
    by_schema = {
        json.loads(sample(s)["value"])["schema"]["name"]: json.loads(sample(s)["value"])["schema"]
        for s in SAMPLES
    }
    assert [field["field"] for field in by_schema[name]["fields"]] == schema(name)["required"]
