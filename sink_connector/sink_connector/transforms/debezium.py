"""Debezium's transform `ExtractNewRecordState`.

Source of the rules: Debezium's documentation of the "New Record State Extraction" transformation, version 3.
"""

from dataclasses import dataclass
from typing import Any

from msgspec import structs

from sink_connector.config.definition import UNAVAILABLE, Importance, Kind
from sink_connector.data.exact_json import parse_exact
from sink_connector.data.record import Field, Header, Record, Schema, Type
from sink_connector.transforms.added_metadata import parse_added
from sink_connector.transforms.change_events import (
    AFTER,
    BEFORE,
    DELETE,
    MESSAGE,
    OPERATION,
    TRUNCATE,
    unwrapped,
    wraps_row,
)
from sink_connector.transforms.data import PerSchema, UnfitRecordError, struct_like
from sink_connector.transforms.options import REPLACE_NULL_WITH_DEFAULT, Options, option
from sink_connector.transforms.unavailable import Placeholder

CLASS_NAME = "io.debezium.transforms.ExtractNewRecordState"
DELETED = "__deleted"


@dataclass(frozen=True, slots=True)
class Deletions:
    """What becomes of events that delete and of the tombstones that follow them."""

    events: str  # drop, tombstone, or rewrite
    keep_tombstones: bool

    @property
    def rewrites(self) -> bool:
        """Whether a deletion is the row as it was, with a field that says so."""
        return self.events == "rewrite"


MODES = {
    "drop": Deletions("drop", keep_tombstones=False),
    "tombstone": Deletions("tombstone", keep_tombstones=True),
    "rewrite": Deletions("rewrite", keep_tombstones=False),
    "rewrite-with-tombstone": Deletions("rewrite", keep_tombstones=True),
    "delete-to-tombstone": Deletions("tombstone", keep_tombstones=False),
}
OLD_MODES = {"drop": "drop", "none": "tombstone", "rewrite": "rewrite"}


class ExtractNewRecordState:
    """The row's new state in place of Debezium's change event. What is no change event passes unchanged."""

    OPTIONS = (
        option(
            "delete.tombstone.handling.mode",
            "drop: neither deletions nor tombstones; tombstone: deletions become tombstones, and tombstones stay; rewrite: deletions with __deleted=true; "
            "rewrite-with-tombstone: both; delete-to-tombstone: deletions become tombstones, and tombstones are dropped.",
            default="tombstone", values=tuple(MODES),
        ),
        option("drop.tombstones", "Older: whether tombstones are dropped (true).", kind=Kind.BOOLEAN),
        option("delete.handling.mode", "Older: what becomes of deletions.", values=tuple(OLD_MODES)),
        option("route.by.field", "The row's field that names the topic.", importance=Importance.LOW),
        option("add.fields", "Metadata to add as fields, e.g. op,source.ts_ms:changed.", kind=Kind.LIST, default=""),
        option("add.fields.prefix", "Prefix of these fields.", default="__", importance=Importance.LOW),
        option("add.headers", "Metadata to add as headers.", kind=Kind.LIST, default=""),
        option("add.headers.prefix", "Prefix of these headers.", default="__", importance=Importance.LOW),
        option("drop.fields.header.name", "Header that lists fields to drop.", importance=Importance.LOW),
        option(
            "drop.fields.from.key", "Whether they are dropped from the key as well.", kind=Kind.BOOLEAN, default="false",
            importance=Importance.LOW,
        ),
        option(
            "drop.fields.keep.schema.compatible", "Whether only optional fields are dropped.", kind=Kind.BOOLEAN,
            default="true", importance=Importance.LOW,
        ),
        REPLACE_NULL_WITH_DEFAULT,
        option(
            "unavailable.value.placeholder", "What the source writes for a column that it has not at hand: it is left out.",
            default=UNAVAILABLE, importance=Importance.LOW,
        ),
    )  # fmt: skip

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        self._deletions = _deletions(options)
        self._route = options.text("route.by.field")
        fields_prefix, headers_prefix = options.word("add.fields.prefix"), options.word("add.headers.prefix")
        self._fields = options.parsed("add.fields", lambda text: parse_added(text, fields_prefix)) or ()
        self._headers = options.parsed("add.headers", lambda text: parse_added(text, headers_prefix)) or ()
        self._drop_header = options.text("drop.fields.header.name")
        self._drop_from_key = options.flag("drop.fields.from.key")
        self._keep_compatible = options.flag("drop.fields.keep.schema.compatible")
        self._placeholder = Placeholder(options.word("unavailable.value.placeholder"))
        self._replace_null = options.flag("replace.null.with.default")
        self._extended = PerSchema(self._extend)

    def apply(self, record: Record) -> Record | None:
        """The row's record; None for a deletion or tombstone that is dropped, and for an event without a row."""
        if record.value is None:
            # One without its deletion is what compaction leaves; but it cannot say where a field would send it.
            keeps = self._deletions.keep_tombstones and (self._deletions.rewrites or not self._route)
            return self._without_dropped(self._headed_tombstone(record)) if keeps else None
        if not wraps_row(record):
            return record
        operation = record.value.get(OPERATION)
        if operation in {TRUNCATE, MESSAGE}:
            return None
        if operation == DELETE:
            return self._deletion(record)
        return self._row(record, AFTER, deleted=False)

    def _deletion(self, record: Record) -> Record | None:
        match self._deletions.events:
            case "drop":
                return None
            case "tombstone":
                headed = self._with_headers(
                    self._routed(record, record.value.get(BEFORE), deleted=True), record
                )
                return self._without_dropped(
                    structs.replace(headed, value_schema=self._schema_of_null(record), value=None)
                )
        return self._row(record, BEFORE, deleted=True)

    def _schema_of_null(self, event: Record) -> Schema | None:
        """What a deletion's null has as its schema: that of the row, unless it is to be a tombstone like any other."""
        after = None if event.value_schema is None else event.value_schema.field(AFTER)
        return after.schema if after is not None and self._deletions.keep_tombstones else None

    def _row(self, event: Record, side: str, *, deleted: bool) -> Record:
        row = self._placeholder.without(unwrapped(event, side))
        if row.value is None:
            return row
        if not isinstance(row.value, dict):
            raise UnfitRecordError(f"ExtractNewRecordState: {side} is no struct")
        row = self._with_headers(self._routed(row, row.value, deleted=deleted), event)
        if deleted:
            return self._extended_row(self._without_dropped(row), event, deleted=True)
        return self._without_dropped(self._extended_row(row, event, deleted=False))

    def _extended_row(self, row: Record, event: Record, *, deleted: bool) -> Record:
        added: dict[str, Any] = {}
        if self._deletions.rewrites:
            added[DELETED] = "true" if deleted else "false"
        added |= {each.name: each.of(event.value) for each in self._fields if each.is_in(event)}
        value = {**row.value, **added}
        if row.value_schema is None or event.value_schema is None:
            if len(value) < len(row.value) + len(added):
                twice = ", ".join(sorted(row.value.keys() & added.keys()))
                raise UnfitRecordError(f"ExtractNewRecordState: two fields have the same name: {twice}")
            return structs.replace(row, value=value)
        schema = self._with_added(row.value_schema, event.value_schema)
        # Debezium's own does so where it inserts __deleted.
        if self._replace_null and self._deletions.rewrites:
            for each in schema.fields:
                if value[each.name] is None and each.schema.default is not None:
                    value[each.name] = each.schema.default
        return structs.replace(row, value_schema=schema, value=value)

    def _with_added(self, row: Schema, envelope: Schema) -> Schema:
        return struct_like(row, row.fields + self._extended(envelope))

    def _extend(self, envelope: Schema) -> tuple[Field, ...]:
        fields = [Field(DELETED, Schema(type=Type.STRING, optional=True))] if self._deletions.rewrites else []
        found = (each for each in self._fields if each.field_in(envelope) is not None)
        return (*fields, *(Field(each.name, each.schema_in(envelope)) for each in found))

    def _routed(self, record: Record, row: Any, *, deleted: bool = False) -> Record:
        if not self._route:
            return record
        topic = row.get(self._route) if isinstance(row, dict) else None
        is_missing = isinstance(row, dict) and self._route not in row
        if (is_missing and not (deleted and record.value_schema is None)) or not isinstance(
            topic, str | None
        ):
            raise UnfitRecordError(
                f"ExtractNewRecordState: the row has no text in the field {self._route} to route by"
            )
        # A null stays where it is; and of a row that it deletes the source may log no more than the key.
        return structs.replace(record, topic=topic) if topic and topic.strip() else record

    def _with_headers(self, record: Record, event: Record) -> Record:
        if not self._headers:
            return record
        envelope = event.value_schema
        added = tuple(
            Header(each.name, each.of(event.value), None if envelope is None else each.schema_in(envelope))
            for each in self._headers
            if each.is_in(event)
        )
        return structs.replace(record, headers=record.headers + added)

    def _headed_tombstone(self, record: Record) -> Record:
        """A tombstone has no event, and says of itself that it is a deletion."""
        names = (each.name for each in self._headers if each.field == OPERATION)
        added = tuple(Header(name, DELETE, Schema(type=Type.STRING)) for name in names)
        return structs.replace(record, headers=record.headers + added) if added else record

    def _without_dropped(self, record: Record) -> Record:
        listed = next((each.value for each in record.headers if each.key == self._drop_header), None)
        names = _names(listed)
        if not names:
            return record
        if isinstance(record.value, dict):
            schema, value = self._dropped(record.value_schema, record.value, names)
            record = structs.replace(record, value_schema=schema, value=value)
        if self._drop_from_key and isinstance(record.key, dict):
            schema, key = self._dropped(record.key_schema, record.key, names)
            record = structs.replace(record, key_schema=schema, key=key)
        return record

    def _dropped(
        self, schema: Schema | None, value: dict[str, Any], names: frozenset[str]
    ) -> tuple[Schema | None, dict[str, Any]]:
        if schema is None:
            return None, {name: each for name, each in value.items() if name not in names}
        kept = tuple(
            each
            for each in schema.fields
            if each.name not in names or (self._keep_compatible and not each.schema.optional)
        )
        if len(kept) == len(schema.fields):
            return schema, value
        # As ReplaceField does it, which Debezium's own asks.
        left = {
            each.name: each.schema.default if value[each.name] is None else value[each.name] for each in kept
        }
        return struct_like(schema, kept), left


def _deletions(options: Options) -> Deletions:
    """By the older options where they alone are given, as Debezium did it as long as it had them."""
    older = {"drop.tombstones", "delete.handling.mode"} & options.given.keys()
    if not older or "delete.tombstone.handling.mode" in options.given:
        mode = options.text("delete.tombstone.handling.mode", any_case=True)
        return MODES.get(mode or "", MODES["tombstone"])
    events = OLD_MODES.get(options.text("delete.handling.mode", any_case=True) or "drop", "drop")
    drops = options.flag("drop.tombstones") if "drop.tombstones" in options.given else True
    return Deletions(events, keep_tombstones=not drops)


def _names(listed: Any) -> frozenset[str]:
    """The field names a header lists: a list, or a text of a JSON list or joined by commas."""
    if isinstance(listed, bytes):
        listed = listed.decode()
    if isinstance(listed, str):
        listed = _list_in(listed)
    if not isinstance(listed, list | tuple):
        return frozenset()
    return frozenset(str(each) for each in listed if each)


def _list_in(text: str) -> list[Any]:
    try:
        found = parse_exact(text.encode())
    except ValueError:
        found = None
    if isinstance(found, list):
        return found
    return [each.strip().strip('"') for each in text.strip().strip("[]").split(",")]
