import json
from pathlib import Path

import pytest

from catalog_service.changefeed.change import Change, UnreadableRecordError, read_change

SAMPLES = Path(__file__).parents[4] / "contracts" / "samples"


def read(sample: dict[str, object], *, value: bytes | None = None) -> Change:
    return read_change(
        topic=str(sample["topic"]),
        partition=3,
        offset=41,
        value=str(sample["value"]).encode() if value is None else value,
        kind="order.placed.v1",
        timestamp_ms=1_763_800_000_125,
        seen_ms=1_763_800_000_130,
    )


@pytest.mark.parametrize(
    "path",
    sorted([*SAMPLES.glob("order.*.json"), *SAMPLES.glob("product.*.json")]),
    ids=lambda path: path.stem,
)
def test_every_golden_record_reads_as_the_catalog_shows_it(path: Path) -> None:
    sample = json.loads(path.read_text())
    payload = json.loads(sample["value"])["payload"]
    shown = json.loads(read(sample).body)
    payload["reason"] = payload.get("reason", payload.get("status_reason"))  # renamed in version 2
    assert shown.keys() <= payload.keys()  # which also carries a field that the read model does not know
    times = {"placed_at", "updated_at"}
    assert {name: shown[name] for name in shown.keys() - times} == {
        name: payload[name] for name in shown.keys() - times
    }
    assert all(shown[name].endswith("Z") for name in shown.keys() & times)


def test_a_change_knows_when_it_was_committed_and_whose_it_is() -> None:
    change = read(json.loads((SAMPLES / "order.placed.v1.json").read_text()))
    assert (change.committed_ms, change.user_id, change.partition) == (
        1_763_800_000_123,
        "ada",
        ("orders", 3),
    )
    assert json.loads(change.body)["placed_at"] == "2025-11-22T08:26:40.123Z"


def test_a_product_belongs_to_no_user() -> None:
    assert read(json.loads((SAMPLES / "product.registered.v1.json").read_text())).user_id is None


@pytest.mark.parametrize(
    "value",
    [b"", b"\xff\xfe", b"{", b"null", b'{"payload":null}', b'{"payload":{"order_id":7}}'],
)
def test_a_record_against_the_contract_is_told_apart(value: bytes) -> None:
    with pytest.raises(UnreadableRecordError):
        read({"topic": "orders"}, value=value)


def test_a_time_beyond_every_calendar_is_told_apart() -> None:
    sample = json.loads((SAMPLES / "order.placed.v1.json").read_text())
    value = sample["value"].replace("1763800000123", "9223372036854775807")
    with pytest.raises(UnreadableRecordError):
        read(sample, value=value.encode())
