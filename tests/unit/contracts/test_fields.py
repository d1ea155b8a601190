"""The schemas are the one list of the fields of an order and of a product: whoever else lists them agrees with it.

A listing is text that begins with the id and names nearly all of the other fields, close by one another: a table's columns,
a statement, a class, a dictionary. It names all of them, in the schema's order; what it has beyond them is its own.
"""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import get_args

import pytest

from catalog_service.http.models import OrdersQuestion
from order_service.domain.order import OrderStatus
from order_service.entrypoints.http.bodies import OrderView

ROOT = Path(__file__).parents[3]
SCHEMAS = {
    name: list(
        json.loads((ROOT / f"contracts/schemas/{name}.v1.json").read_text(encoding="utf-8"))["properties"]
    )
    for name in ("order", "product")
}
PARTS = ("contracts", "services", "tools", "infra", "benchmarks", "tests")
WRITTEN_IN = {".py", ".sql", ".md", ".yaml", ".json"}
FEWER = 1
"""With more fields left out than this it is a view of its own."""
FAR = 150
"""Characters between two fields of one listing, at most."""
DIFFERENT = {
    "contracts/schemas/order.v1.json",  # the lists themselves
    "contracts/schemas/product.v1.json",
    "contracts/schemas/order.v2.json",  # the next version of the event, a field renamed and one added
    "contracts/samples/order.placed.v2.json",
    "services/order/order_service/domain/order.py",  # the aggregate, which computes its total
    "tests/e2e/test_load_and_audit.py",  # rows copied by the places of the read table's columns
}
LEFT_OUT = {
    "services/order/order_service/adapters/mappers.py": {
        "total_cents"
    },  # a row becomes an aggregate, see above
    "services/order/order_service/adapters/serialization.py": {"lines"},  # a constant of its own
}
"""What a place may leave out of a listing; the rest is compared all the same."""


def listings(text: str, fields: list[str]) -> Iterator[list[str]]:
    """Every listing of `text`, as the fields it names."""
    found: list[str] = []
    end = 0
    for match in re.finditer(rf"\b({'|'.join(fields)})\b", text):
        word = match[1]
        if found and word == found[-1] and match.start() - end <= FAR:
            end = match.end()
            continue
        if found and (word in found or word == fields[0] or match.start() - end > FAR):
            yield found
            found = []
        if found or word == fields[0]:
            found.append(word)
            end = match.end()
    yield found


def different(text: str, fields: list[str], *, left_out: Collection[str] = ()) -> list[list[str]]:
    allowed = (fields, [field for field in fields if field not in left_out])
    return [
        each for each in listings(text, fields) if len(fields) - FEWER <= len(each) and each not in allowed
    ]


def agreeing(text: str, fields: list[str]) -> int:
    return sum(each == fields for each in listings(text, fields))


def files() -> list[Path]:
    found = (file for part in PARTS for file in sorted((ROOT / part).rglob("*")) if file.suffix in WRITTEN_IN)
    return [file for file in found if file != Path(__file__) and str(file.relative_to(ROOT)) not in DIFFERENT]


@pytest.mark.parametrize(("name", "fields"), SCHEMAS.items(), ids=SCHEMAS)
def test_every_listing_of_the_fields_is_the_schemas(name: str, fields: list[str]) -> None:
    read = ((str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")) for file in files())
    texts = {place: text for place, text in read if fields[0] in text}  # with which a listing begins
    found = {
        place: different(text, fields, left_out=LEFT_OUT.get(place, ())) for place, text in texts.items()
    }
    assert {place: each for place, each in found.items() if each} == {}
    agree = {place for place, text in texts.items() if agreeing(text, fields)}
    assert agree >= {
        "services/catalog/catalog_service/changefeed/change.py",
        "services/catalog/catalog_service/http/models.py",
        "services/catalog/catalog_service/read_model/queries.sql",
        "services/order/order_service/adapters/mappers.py",
        "services/order/order_service/adapters/postgres/rows.sql",
        "services/order/order_service/adapters/serialization.py",
        "services/order/order_service/adapters/sqlite/rows.sql",
        "services/order/order_service/entrypoints/http/bodies.py",
        "services/order/order_service/entrypoints/http/representation.py",
        "tests/support/read_side.py",
        "tools/auditor/auditor/observations.py",
        "tools/auditor/auditor/read.sql",
        "tools/auditor/auditor/write.sql",
    }


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_requires_every_field_and_allows_no_other(name: str) -> None:
    schema = json.loads((ROOT / f"contracts/schemas/{name}.v1.json").read_text(encoding="utf-8"))
    assert schema["required"] == list(schema["properties"])
    assert schema["additionalProperties"] is False


def test_the_statuses_of_an_order_are_the_schemas_in_every_deployable() -> None:
    schema = json.loads((ROOT / "contracts/schemas/order.v1.json").read_text(encoding="utf-8"))
    statuses = schema["properties"]["status"]["enum"]
    assert [status.value for status in OrderStatus] == statuses
    assert list(get_args(OrderView.model_fields["status"].annotation)) == statuses
    pattern = OrdersQuestion.model_json_schema()["properties"]["status"]["anyOf"][0]["pattern"]
    assert pattern == f"^({'|'.join(statuses)})$"


ABC = ["a_id", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT a_id, b, c, d, e FROM t", []),
        ("SELECT t.a_id, t.b, c::text, own, (d * 2) AS d, e FROM t WHERE a_id = $1 AND b", []),
        ('{"a_id": x.a_id, "b": x.b, "c": x.c, "d": x.d, "e": x.e}', []),
        ("SELECT a_id, b, c, e FROM t", [["a_id", "b", "c", "e"]]),
        ("SELECT a_id, c, b, d, e FROM t", [["a_id", "c", "b", "d", "e"]]),
        ("SELECT a_id, b FROM t", []),
        ("UPDATE t SET b = v.b, c = v.c", []),
    ],
)
def test_a_listing_that_lacks_a_field_or_mixes_them_up_is_found(text: str, found: list[list[str]]) -> None:
    assert different(text, ABC) == found
