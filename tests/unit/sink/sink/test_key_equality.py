"""Keys that stand in two forms in one batch are not compared by Python."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from sink_connector.data.record import DATE, TIMESTAMP, Field, Schema, Type
from sink_connector.data.record_schema import Form
from sink_connector.sink.column_mapping import ColumnSource
from sink_connector.sink.encoders.encoding import encoder_of
from sink_connector.sink.key_equality import KeyColumn, are_comparable
from sink_connector.sink.table_metadata import Column

INSTANT = Schema(type=Type.INT64, name=TIMESTAMP, version=1)
DAY = Schema(type=Type.INT32, name=DATE, version=1)
TEXT = Schema(type=Type.STRING)


def key_column(schema: Schema, kind: str, form: Form) -> KeyColumn:
    column = Column(name="k", type=kind, base_type=kind, not_null=True, has_default=False, generated=False)
    return KeyColumn(
        column, encoder_of(schema, form, column), ColumnSource(Field("k", schema), form, is_key=True)
    )


@pytest.mark.parametrize(
    ("schema", "kind", "keys"),
    [
        (INSTANT, "timestamp with time zone", [0, datetime(1970, 1, 1, tzinfo=UTC)]),
        (DAY, "date", [0, date(1970, 1, 1)]),
    ],
)
def test_a_number_and_the_date_it_stands_for_are_left_to_the_database(
    schema: Schema, kind: str, keys: list[Any]
) -> None:
    columns = [[key_column(schema, kind, form)] for form in (Form.JSON, Form.CONNECT)]
    assert are_comparable(columns[:1], keys[:1])
    assert are_comparable(columns[1:], keys[1:])
    assert not are_comparable(columns, keys)


def test_texts_are_compared_as_they_are_in_every_form() -> None:
    columns = [[key_column(TEXT, "text", form)] for form in (Form.JSON, Form.CONNECT)]
    assert are_comparable(columns, ["a", "b"])
