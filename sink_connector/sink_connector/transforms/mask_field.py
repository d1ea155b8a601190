"""MaskField: fields emptied, or replaced by a fixed value."""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from sink_connector.config.definition import Importance, Kind
from sink_connector.data.decimals import single
from sink_connector.data.instants import EPOCH
from sink_connector.data.record import DATE, DECIMAL, TIME, TIMESTAMP, Record, Schema, Type
from sink_connector.transforms.columns import ValueColumns
from sink_connector.transforms.data import (
    Data,
    PerSchema,
    UnfitRecordError,
    defaults_of,
    lazily,
    need_map,
    need_struct,
    with_defaults,
)
from sink_connector.transforms.java.casting import BITS
from sink_connector.transforms.options import REPLACE_NULL_WITH_DEFAULT, Options, option

Mask = Callable[[Any], Any]


class MaskField:
    """Without `replacement`: 0, false, an empty text or list, 1970-01-01. With it: that, as the field's type."""

    OPTIONS = (
        option("fields", "Fields to mask.", kind=Kind.LIST, required=True, importance=Importance.HIGH),
        option("replacement", "What numbers and texts become instead of nothing.", importance=Importance.LOW),
        REPLACE_NULL_WITH_DEFAULT,
    )

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        self._names = options.names("fields")
        self._replacement = options.text("replacement")
        if self._replacement == "":
            options.problem("replacement", "must not be empty")
        self._replace_null = options.flag("replace.null.with.default")
        self._plan = PerSchema(self._plan_for)

    def change(self, schema: Schema | None, value: Any, record: Record) -> Data:  # noqa: ARG002 - the protocol's
        """The side as it is afterwards. Raises `BadRecordError` for one that it cannot handle."""
        if schema is None:
            entries = dict(need_map(value, "MaskField"))
            for name in self._names:
                found = entries.get(name)
                entries[name] = None if found is None else self._mask(_type_of(found))(found)
            return None, entries
        struct = need_struct(schema, value, "MaskField")
        defaults, masks = self._plan(schema)
        fields = with_defaults(struct, defaults)
        for name, mask in masks:
            if fields[name] is not None:
                fields[name] = mask(fields[name])
        return schema, fields

    def change_all(self, values: ValueColumns) -> ValueColumns | None:
        """See `ColumnChange`."""
        _, plan = self._plan(values.schema)
        if self._replace_null and values.has_defaults:
            return None
        masks = dict(plan)
        for place, field in enumerate(values.schema.fields):
            mask = masks.get(field.name)
            if mask is not None:
                column = values.column(place)
                if column is None:
                    return None
                masked = [None if value is None else mask(value) for value in column]
                values = values.with_column(values.schema, place, masked)
        return values

    def _plan_for(self, schema: Schema) -> tuple[tuple[tuple[str, Any], ...], tuple[tuple[str, Mask], ...]]:
        masked = [each for each in schema.fields if each.name in self._names]
        masks = tuple((each.name, lazily(self._mask, _kind(each.schema))) for each in masked)
        return defaults_of(schema, wanted=self._replace_null), masks

    def _mask(self, kind: Type | str) -> Mask:
        if self._replacement is None:
            return _emptied(kind)
        text = self._replacement
        if kind is Type.STRING:
            return lambda _: text
        number = _number(kind, text)
        return lambda _: number


_EMPTY: dict[Type | str, Any] = {
    **dict.fromkeys(BITS, 0),
    Type.FLOAT32: 0.0,
    Type.FLOAT64: 0.0,
    Type.BOOLEAN: False,
    Type.STRING: "",
    DECIMAL: Decimal(0),
    DATE: EPOCH.date(),
    TIME: time(0),
    TIMESTAMP: EPOCH,
}
_LOGICAL = {DECIMAL, DATE, TIME, TIMESTAMP}

_OF_PYTHON: dict[type, Type | str] = {
    bool: Type.BOOLEAN, int: Type.INT64, float: Type.FLOAT64, str: Type.STRING, list: Type.ARRAY, dict: Type.MAP,
    datetime: TIMESTAMP, date: DATE, time: TIME, Decimal: Type.FLOAT64,  # a number of JSON, as Connect takes it
}  # fmt: skip


def _kind(schema: Schema) -> Type | str:
    return schema.name if schema.name in _LOGICAL and schema.name is not None else schema.type


def _type_of(value: Any) -> Type | str:
    """The Connect type that a schemaless value would have."""
    kind = _OF_PYTHON.get(type(value))
    if kind is None:
        raise UnfitRecordError(f"MaskField: a value of type {type(value).__name__} cannot be masked")
    return kind


def _emptied(kind: Type | str) -> Mask:
    if kind is Type.ARRAY:
        return lambda _: []
    if kind is Type.MAP:
        return lambda _: {}
    if kind not in _EMPTY:
        raise UnfitRecordError(f"MaskField: a field of type {_said(kind)} cannot be masked")
    empty = _EMPTY[kind]
    return lambda _: empty


def _number(kind: Type | str, text: str) -> Any:
    try:
        if kind in {Type.FLOAT32, Type.FLOAT64}:
            return single(float(text)) if kind is Type.FLOAT32 else float(text)
        if kind == DECIMAL:
            return Decimal(text)
        if isinstance(kind, Type) and kind in BITS:
            number = int(Decimal(text))
            return (number + (half := 1 << (BITS[kind] - 1))) % (2 * half) - half
    except (ValueError, InvalidOperation, OverflowError):
        raise UnfitRecordError(f"MaskField: the replacement {text!r} is no number") from None
    raise UnfitRecordError(f"MaskField: a field of type {_said(kind)} cannot be replaced by a text")


def _said(kind: Type | str) -> str:
    return kind.value if isinstance(kind, Type) else kind
