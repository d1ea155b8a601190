"""Where the columns of a row come from: the key, the value, or the record's place in Kafka, as `pk.mode` says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sink_connector.config.connector import PkMode, TableConfig
from sink_connector.data.exact_json import encode_exact
from sink_connector.data.record import Field, Schema, Type
from sink_connector.data.record_schema import Form, RecordSchema, hashable
from sink_connector.data.write_record import WriteRecord, WriteRecords
from sink_connector.errors import BadRecordError, Stage
from sink_connector.sink.identifiers import check

KAFKA_COLUMNS = ("__connect_topic", "__connect_partition", "__connect_offset")
KAFKA_TYPES = (Type.STRING, Type.INT32, Type.INT64)
NESTED = {Type.ARRAY, Type.MAP, Type.STRUCT}

KeysOf = Callable[[WriteRecords], list[Any]]


@dataclass(frozen=True, slots=True)
class ColumnSource:
    """One column of the rows: its field, the form its values stand in, and whether it is part of the primary key."""

    field: Field
    form: Form
    is_key: bool


@dataclass(frozen=True, eq=False)
class ColumnMapping:
    """What the entries of one key shape and one value shape have in common. `sources` is in the order of a row.

    `keys_of(entries)` are the primary keys: bare for one column, else tuples; None with `pk.mode=none`. `key_places` are the
    places of a key's columns among the `sources`, in the order of such a tuple: it is the same for every layout of a table.
    """

    sources: tuple[ColumnSource, ...]
    keys_of: KeysOf | None
    key_places: tuple[int, ...]
    version_of: Callable[[Any], Any] | None
    separate_key: bool
    _take: Callable[[Any], tuple[Any, ...]] | None
    _kept: tuple[int, ...] | None

    def columns(self, entries: WriteRecords) -> list[Sequence[Any]]:
        """The entries' values, column by column in the order of `sources`."""
        columns: list[Sequence[Any]] = []
        if self.separate_key and self.keys_of is not None:
            keys = self.keys_of(entries)
            parts = [keys] if len(self.key_places) == 1 else list(zip(*keys, strict=True))
            columns += [parts[self.key_places.index(place)] for place in range(len(parts))]
        if self._take is not None:
            taken = list(zip(*map(self._take, entries.values), strict=True))
            columns += taken if self._kept is None else [taken[place] for place in self._kept]
        return columns


def make_column_mapping(
    config: TableConfig, topic: str, key_shape: RecordSchema | None, shape: RecordSchema | None
) -> ColumnMapping:
    """Raises `BadRecordError` when the key or the value has not what `pk.mode` and `pk.fields` ask for."""
    if shape is not None and not shape.is_struct:
        raise BadRecordError(f"the value is a {shape.schema.type.value}; only structs have columns")
    keys, keys_of = _key_sources(config, key_shape, shape)
    key_names = {source.field.name for source in keys}
    separate = config.pk_mode is not PkMode.RECORD_VALUE
    fields = shape.schema.fields if shape is not None else ()
    kept = [
        place
        for place, field in enumerate(fields)
        if not (separate and field.name in key_names)
        and (wanted(config, topic, field.name) or field.name in key_names)
    ]
    forms = shape.forms if shape is not None else ()
    values = tuple(
        ColumnSource(fields[place], forms[place], fields[place].name in key_names) for place in kept
    )
    sources = (_as_declared(config, keys, key_shape) if separate else ()) + values
    _check_columns(config, sources)
    names = [source.field.name for source in sources]
    version = config.version_field
    return ColumnMapping(
        sources=sources,
        keys_of=keys_of,
        key_places=tuple(names.index(source.field.name) for source in keys),
        version_of=shape.pick((version,))
        if version and shape is not None and shape.schema.field(version)
        else None,
        separate_key=separate,
        _take=shape.take if shape is not None else None,
        _kept=None if len(kept) == len(fields) else tuple(kept),
    )


def _check_columns(config: TableConfig, sources: Sequence[ColumnSource]) -> None:
    """Whether these make a row: a name that is allowed for each, no name twice, and at least one."""
    names = [check(config.column_name(each.field.name), config.identifiers_allow) for each in sources]
    if not names:
        raise BadRecordError("the record has no field that becomes a column")
    if len(set(names)) < len(names):
        twice = sorted({repr(name) for name in names if names.count(name) > 1})
        raise BadRecordError(f"two fields of the record become one column: {', '.join(twice)}")


def wanted(config: TableConfig, topic: str, field: str) -> bool:
    """Whether `fields.whitelist` and `field.exclude.list` let a field of a topic's values become a column."""
    names = {field, f"{topic}:{field}"}
    return not (names & config.exclude) and (not config.include or bool(names & config.include))


def _as_declared(
    config: TableConfig, keys: tuple[ColumnSource, ...], shape: RecordSchema | None
) -> tuple[ColumnSource, ...]:
    """The columns of a key as a table that is made has them: in the order of `pk.fields`, else of the key's own schema."""
    if config.pk_mode is not PkMode.RECORD_KEY or config.pk_fields or shape is None:
        return keys
    return tuple(sorted(keys, key=lambda each: shape.schema.fields.index(each.field)))


def _key_sources(
    config: TableConfig, key_shape: RecordSchema | None, shape: RecordSchema | None
) -> tuple[tuple[ColumnSource, ...], KeysOf | None]:
    """The columns of a key, in the order of the keys that go with them."""
    match config.pk_mode:
        case PkMode.NONE:
            return (), None
        case PkMode.KAFKA:
            names = config.pk_fields or KAFKA_COLUMNS
            sources = (
                ColumnSource(Field(n, Schema(type=t)), Form.JSON, is_key=True)
                for n, t in zip(names, KAFKA_TYPES, strict=True)
            )
            return tuple(sources), _kafka_keys
        case PkMode.RECORD_KEY:
            return _record_key(config, key_shape)
        case PkMode.RECORD_VALUE:
            return _record_value(config, shape)
        case PkMode.RECORD_HEADER:
            return _record_header(config)


def _record_key(config: TableConfig, shape: RecordSchema | None) -> tuple[tuple[ColumnSource, ...], KeysOf]:
    if shape is None:
        raise BadRecordError("the record has no key with a schema, which pk.mode=record_key needs")
    if shape.is_struct:
        names = _names(config, shape)
        pick = shape.pick(names)
        return _named(shape, names, "key"), lambda entries: list(map(pick, entries.keys))
    if len(config.pk_fields) != 1:
        raise BadRecordError("the key is a primitive, so pk.fields must give its column exactly one name")
    is_plain = shape.schema.type not in NESTED and shape.form is not Form.UNTYPED
    keys_of = _bare_keys if is_plain else _hashable_keys
    return (ColumnSource(Field(config.pk_fields[0], shape.schema), shape.form, is_key=True),), keys_of


def _record_value(config: TableConfig, shape: RecordSchema | None) -> tuple[tuple[ColumnSource, ...], KeysOf]:
    if shape is None:
        raise BadRecordError("the record has no value, which pk.mode=record_value needs")
    names = _names(config, shape)
    pick = shape.pick(names)
    return _named(shape, names, "value"), lambda entries: list(map(pick, entries.values))


def _names(config: TableConfig, shape: RecordSchema) -> tuple[str, ...]:
    """The fields of a key: those that are named, else all of them, in an order that another order of theirs does not change."""
    return config.pk_fields or tuple(sorted(field.name for field in shape.schema.fields))


def _named(shape: RecordSchema, names: Sequence[str], part: str) -> tuple[ColumnSource, ...]:
    found = []
    for name in names:
        field = shape.schema.field(name)
        if field is None:
            raise BadRecordError(f"pk.fields names {name!r}, but the {part} has no such field")
        found.append(ColumnSource(field, shape.forms[shape.schema.fields.index(field)], is_key=True))
    return tuple(found)


def _record_header(config: TableConfig) -> tuple[tuple[ColumnSource, ...], KeysOf]:
    names = config.pk_fields
    pick = itemgetter(*names)

    def key_of(entry: WriteRecord) -> Any:
        headers = dict(entry.source.headers if entry.headers is None else entry.headers)
        try:
            return pick({name: _text(headers[name]) for name in names})
        except KeyError as error:
            raise BadRecordError(
                f"the record has no header {error}, which pk.mode=record_header needs"
            ) from error

    text = Schema(type=Type.STRING)
    sources = tuple(ColumnSource(Field(name, text), Form.JSON, is_key=True) for name in names)
    return sources, lambda entries: list(map(key_of, entries))


def _kafka_keys(entries: WriteRecords) -> list[Any]:
    return [
        (*partition, record.offset)
        for partition, record in zip(entries.partitions, entries.records, strict=True)
    ]


def _bare_keys(entries: WriteRecords) -> list[Any]:
    return entries.keys


def _hashable_keys(entries: WriteRecords) -> list[Any]:
    return list(map(hashable, entries.keys))


def _text(value: Any) -> str:
    """A header as text; the column's type then reads it."""
    if value is None:
        raise BadRecordError("a header of the key is null", stage=Stage.HEADER_CONVERTER)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise BadRecordError(
                f"a header of the key is not UTF-8: {error}", stage=Stage.HEADER_CONVERTER
            ) from error
    if isinstance(value, bool | list | dict):
        return encode_exact(value).decode()
    return str(value)
