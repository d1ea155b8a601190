"""What `add.fields` and `add.headers` of `ExtractNewRecordState` take out of a change event beside its row."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sink_connector.data.record import Field, Record, Schema
from sink_connector.transforms.change_events import OPERATION, SOURCE
from sink_connector.transforms.data import UnfitRecordError

_TOP_LEVEL = {OPERATION, "ts_ms", "ts_us", "ts_ns"}
_TRANSACTION = {"id", "total_order", "data_collection_order"}
_PAIR = 2


@dataclass(frozen=True, slots=True)
class Added:
    """A field of the event's metadata, and the name under which it is added."""

    struct: str | None  # None: of the event itself
    field: str
    name: str

    def is_in(self, event: Record) -> bool:
        """Whether an event has such a field, be it null: one in its struct, or one that another transform gave the event."""
        if event.value_schema is not None:
            return self.field_in(event.value_schema) is not None
        if self.field in event.value:
            return True
        inside = event.value.get(self.struct) if self.struct in event.value else {}
        return inside is None or (isinstance(inside, Mapping) and self.field in inside)

    def of(self, value: Mapping[str, Any]) -> Any:
        """Its value in an event; null where the struct it stands in is null."""
        inside = value if self.struct is None else value.get(self.struct)
        if isinstance(inside, Mapping) and self.field in inside:
            return inside[self.field]
        return value.get(self.field)

    def schema_in(self, envelope: Schema) -> Schema:
        """Its schema in the schema of an event that has it."""
        found = self.field_in(envelope)
        if found is None:
            raise UnfitRecordError(f"ExtractNewRecordState: the event has no field {self.field}")
        return replace(found.schema, optional=True, has_default=False, default=None)

    def field_in(self, envelope: Schema) -> Field | None:
        """The field in the schema of an event, None where there is none."""
        outer = None if self.struct is None else envelope.field(self.struct)
        return (None if outer is None else outer.schema.field(self.field)) or envelope.field(self.field)


def parse_added(text: str, prefix: str) -> tuple[Added, ...]:
    """`op`, `table`, `source.ts_ms:changed_at`: field, or struct and field, and the new name after a colon."""
    found = []
    for entry in (each.strip() for each in text.split(",") if each.strip()):
        place, _, renamed = entry.partition(":")
        parts = place.split(".")
        if not all(parts) or len(parts) > _PAIR or ":" in renamed:
            raise ValueError(f"{entry!r} is not field, struct.field or either with :name")
        if len(parts) == _PAIR:
            struct, field = parts
            name = renamed or f"{struct}_{field}"
        else:
            field = name = place
            struct = "" if field in _TOP_LEVEL else "transaction" if field in _TRANSACTION else SOURCE
            name = renamed or field
        found.append(Added(struct or None, field, prefix + name))
    return tuple(found)
