"""SetSchemaMetadata: another name or version for the schema of the key or value."""

from dataclasses import replace
from typing import Any

from sink_connector.config.definition import Importance, Kind
from sink_connector.data.record import Record, Schema, Type
from sink_connector.transforms.columns import ValueColumns
from sink_connector.transforms.data import (
    Data,
    PerSchema,
    UnfitRecordError,
    defaults_of,
    need_struct,
    with_defaults,
)
from sink_connector.transforms.options import REPLACE_NULL_WITH_DEFAULT, Options, option


class SetSchemaMetadata:
    """Of structs, as in Connect; a null without a schema passes."""

    OPTIONS = (
        option("schema.name", "The schema's new name.", importance=Importance.HIGH),
        option("schema.version", "The schema's new version.", kind=Kind.INT, importance=Importance.HIGH),
        REPLACE_NULL_WITH_DEFAULT,
    )

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        self._name = options.text("schema.name")
        self._version = options.number("schema.version")
        if self._name is None and options.text("schema.version") is None:
            options.problem("schema.name", "give schema.name or schema.version")
        self._replace_null = options.flag("replace.null.with.default")
        self._schema = PerSchema(self._renamed)

    def change(self, schema: Schema | None, value: Any, record: Record) -> Data:  # noqa: ARG002 - the protocol's
        """The side as it is afterwards. Raises `BadRecordError` for one that it cannot handle."""
        if schema is None:
            if value is None:
                return None, None
            raise UnfitRecordError("SetSchemaMetadata needs a schema")
        if value is None and schema.type is Type.STRUCT:
            return self._schema(schema), None
        struct = need_struct(schema, value, "SetSchemaMetadata")
        return self._schema(schema), with_defaults(struct, defaults_of(schema, wanted=self._replace_null))

    def change_all(self, values: ValueColumns) -> ValueColumns | None:
        """See `ColumnChange`."""
        if self._replace_null and values.has_defaults:
            return None
        return replace(values, schema=self._schema(values.schema))

    def _renamed(self, schema: Schema) -> Schema:
        return replace(
            schema,
            name=schema.name if self._name is None else self._name,
            version=schema.version if self._version is None else self._version,
        )
