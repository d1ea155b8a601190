"""One value of each kind into one column of each kind, on a real PostgreSQL, with a transform and without."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from sink_connector.converters.json_envelope import EnvelopeConverter
from sink_connector.converters.plain_json import PlainJsonConverter
from sink_connector.data.record_schema import RecordSchemas
from sink_connector.errors import BadRecordError
from sink_connector.sink.encoders.encoding import created_type, encoder_of, set_codecs
from sink_connector.sink.table_metadata import TableName, read_table

CONNECT = "org.apache.kafka.connect.data."
DEBEZIUM = "io.debezium."
Check = Callable[..., Awaitable[None]]
EXTENSION_TYPES = {"hstore", "citext", "ltree", "xml", "cube", "seg", "citext[]", "ltree[]"}
# The first PostgreSQL that has a value of a type.
SINCE = {("numeric", '"-Infinity"'): 14}
MULTIRANGES = 14
SETUP = (
    "CREATE SCHEMA ext",
    "CREATE DOMAIN code3 AS varchar(3); CREATE DOMAIN code3b AS code3; CREATE DOMAIN fixed3 AS char(3)",
    "CREATE DOMAIN bits4 AS bit(4); CREATE DOMAIN cents AS numeric(6,2); CREATE DOMAIN ref AS uuid",
    "CREATE TYPE mood AS ENUM ('happy', 'sad'); CREATE TYPE pair AS (a integer, d numeric(6,2))",
    "CREATE DOMAIN good_pair AS pair CHECK ((VALUE).a > 0); CREATE DOMAIN given AS integer NOT NULL; CREATE TYPE strict AS (a given, c code3b)",
    "CREATE TYPE deep AS (n text, p pair, ps pair[], at timestamp, raw bytea, j jsonb, f real, ts text[])",
    'CREATE TYPE odd AS (n name, b bit(3), c char(2), m money, x "char", o oid, "T s" time(0), i interval(0), fs real[], g good_pair, d date, k boolean)',
    "CREATE TABLE kept (a integer NOT NULL, gone text, d numeric(6,2)); ALTER TABLE kept DROP COLUMN gone",
    "CREATE DOMAIN reals AS real[]; CREATE DOMAIN amounts AS numeric(6,2)[]; CREATE DOMAIN ident AS oid CHECK (VALUE <> 5)",
    "CREATE DOMAIN while_ AS tsrange CHECK (NOT isempty(VALUE)); CREATE DOMAIN pairs AS pair[]; CREATE TYPE outer_ AS (w while_, ps pairs, i ident, rs reals)",
    "CREATE TYPE span AS RANGE (subtype = cents); CREATE TYPE singles AS RANGE (subtype = real)",
)


def node(kind: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    return {"type": kind, "optional": True, **({"name": name} if name else {}), **more}


def decimal(scale: int) -> dict[str, Any]:
    return node("bytes", CONNECT + "Decimal", version=1, parameters={"scale": str(scale)})


def array(items: dict[str, Any]) -> dict[str, Any]:
    return node("array", items=items)


STRING, INT32, INT64, FLOAT, DOUBLE, BOOLEAN, BYTES = map(
    node, ("string", "int32", "int64", "float", "double", "boolean", "bytes")
)
TIMESTAMP, DATE, TIME = (
    node("int64", CONNECT + "Timestamp"),
    node("int32", CONNECT + "Date"),
    node("int32", CONNECT + "Time"),
)
VARIABLE = node(
    "struct", DEBEZIUM + "data.VariableScaleDecimal",
    fields=[{"field": "scale", "type": "int32"}, {"field": "value", "type": "bytes"}],
)  # fmt: skip
POINT = node(
    "struct", DEBEZIUM + "data.geometry.Point",
    fields=[
        {"field": "x", "type": "double"}, {"field": "y", "type": "double"},
        {"field": "wkb", **BYTES}, {"field": "srid", **INT32},
    ],
)  # fmt: skip
PLACE = {"x": 1.5, "y": 2.0, "wkb": "AQEAAAAAAAAAAAD4PwAAAAAAAABA", "srid": 4326}
DEEP = node(
    "struct",
    fields=[
        {"field": "ps", **array(node("struct", fields=[{"field": "d", **decimal(2)}]))}, {"field": "n", **STRING},
        {"field": "p", **node("struct", fields=[{"field": "a", **INT32}])}, {"field": "at", **TIMESTAMP},
        {"field": "raw", **BYTES}, {"field": "j", **node("struct", fields=[{"field": "q", **FLOAT}])},
        {"field": "f", **FLOAT}, {"field": "ts", **array(STRING)},
    ],
)  # fmt: skip
TEXTS = node("map", keys=node("string"), values=STRING)
INNER = node("struct", fields=[{"field": "a", **INT32}, {"field": "d", **decimal(2)}])
BITS8 = node("bytes", DEBEZIUM + "data.Bits", parameters={"length": "8"})
BITS16 = node("bytes", DEBEZIUM + "data.Bits", parameters={"length": "16"})
ZONED = node("string", DEBEZIUM + "time.ZonedTimestamp")


@dataclass(slots=True)
class Target:
    """A table of one column, written in both ways that a record with a schema can take, or in the one without."""

    connection: asyncpg.Connection
    rich: bool

    def can(self, kind: str, text: str = "") -> bool:
        """Whether the value is one for this server: the types of extensions are tried where there are some."""
        since = MULTIRANGES if "multirange" in kind else SINCE.get((kind, text), 0)
        return self.rich == (kind in EXTENSION_TYPES) and self.connection.get_server_version().major >= since

    async def column(self, kind: str) -> None:
        await self.connection.execute(f"DROP TABLE IF EXISTS target; CREATE TABLE target (v {kind})")

    async def write(self, schema: dict[str, Any], payload: Any, *, transformed: bool) -> str | None:
        wrapped = {"type": "struct", "optional": False, "fields": [{"field": "v", **schema}]}
        data = json.dumps({"schema": wrapped, "payload": {"v": payload}}, separators=(",", ":")).encode()
        converter = EnvelopeConverter()
        if transformed:
            decoded = converter.decode("t", data, ())
            assert decoded.schema is not None
            shape, value = RecordSchemas().of(decoded.schema), decoded.value
        else:
            found, value = converter.read(data)
            assert found is not None
            shape = found
        return await self._insert(shape.schema.fields[0].schema, shape.form, *shape.take(value))

    async def write_plain(self, data: bytes, *, transformed: bool = False) -> str | None:
        converter = PlainJsonConverter()
        shape, value = converter.read(data)
        if transformed:
            value = converter.decode("t", data, ()).value
        assert shape is not None
        return await self._insert(shape.schema.fields[0].schema, shape.form, *shape.take(value))

    async def _insert(self, schema: Any, form: Any, value: Any) -> str | None:
        table = await read_table(self.connection, TableName(None, "target"))
        assert table is not None
        column = table.columns["v"]
        wire = encoder_of(schema, form, column)
        sent = [value] if wire.encode is None else wire.encode([value])
        cell = f"$1::{wire.type}"
        await self.connection.execute(
            f"INSERT INTO target SELECT {wire.expression(cell, column)} AS c", sent[0]
        )
        text: str | None = await self.connection.fetchval("SELECT v::text FROM target")
        return text


@asynccontextmanager
async def connected(database: str, *, rich: bool) -> AsyncIterator[Target]:
    connection = await asyncpg.connect(database, server_settings={"timezone": "Asia/Seoul"})
    try:
        for statement in SETUP:
            await connection.execute(statement)
        for name in EXTENSION_TYPES & {"hstore", "citext", "ltree", "cube", "seg"} if rich else ():
            await connection.execute(f"CREATE EXTENSION {name} SCHEMA ext")
        await connection.execute("SET search_path = public, ext")
        await set_codecs(connection)
        yield Target(connection, rich=rich)
    finally:
        await connection.close()


@pytest.fixture
async def target(database: str) -> AsyncIterator[Target]:
    async with connected(database, rich=False) as made:
        yield made


@pytest.fixture
async def rich_target(rich_database: str) -> AsyncIterator[Target]:
    async with connected(rich_database, rich=True) as made:
        yield made


WRITTEN: list[tuple[str, dict[str, Any], Any, str | None]] = [
    # texts into what reads them
    ("code3", STRING, "abc", "abc"), ("code3b", STRING, "abc", "abc"), ("fixed3", STRING, "ab", "ab"), ("code3[]", array(STRING), ["abc", None], "{abc,NULL}"),
    ("bit(4)", STRING, "1010", "1010"), ("bit varying(8)", STRING, "101", "101"), ("bits4", STRING, "1010", "1010"), ("bit(2)[]", array(STRING), ["10"], "{10}"),
    ("name", STRING, "x" * 63, "x" * 63), ('"char"', STRING, "x", "x"), ("ref", STRING, "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    ("ref[]", array(STRING), ["6ba7b810-9dad-11d1-80b4-00c04fd430c8"], "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}"), ("mood", STRING, "sad", "sad"),
    ("uuid", BYTES, "a6e4EJ2tEdGAtADAT9QwyA==", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"), ("ref", BYTES, "a6e4EJ2tEdGAtADAT9QwyA==", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"), ("uuid[]", array(BYTES), ["a6e4EJ2tEdGAtADAT9QwyA==", None], "{6ba7b810-9dad-11d1-80b4-00c04fd430c8,NULL}"),
    ("mood[]", node("string", DEBEZIUM + "data.EnumSet"), "sad,happy", "{sad,happy}"), ("cents", STRING, "1.20", "1.20"),
    ("numeric(6,2)", STRING, " 1.230 ", "1.23"), ("numeric(6,2)", STRING, "NAN", "NaN"), ("numeric(6,2)[]", array(STRING), ["1.20", None], "{1.20,NULL}"), ("time(0)", STRING, "10:00:00.0", "10:00:00"), ("timestamp(3)", STRING, "infinity", "infinity"),
    ("interval year", STRING, "24 months", "2 years"), ("interval(0)", STRING, "PT61S", "00:01:01"), ("interval day[]", array(STRING), ["2 days", None], '{"2 days",NULL}'), ("pair", STRING, "(1,2.5)", "(1,2.50)"),
    # what takes no document is null where the document is
    ("pair", INNER, None, None), ("pair[]", array(INNER), [None], "{NULL}"), ("bytea", TEXTS, None, None), ("interval", array(STRING), None, None),
    # numbers
    ("cents", decimal(2), "MDk=", "123.45"), ("cents[]", array(decimal(2)), ["MDk=", "/w=="], "{123.45,-0.01}"), ("numeric", DOUBLE, 123456789012345.67, "123456789012345.67"),
    ("numeric", FLOAT, 0.1, "0.1"), ("cents", DOUBLE, 1.239, "1.24"), ("integer", decimal(1), "Mg==", "5"), ("integer", DOUBLE, 5.0, "5"), ("text", decimal(2), "MDk=", "123.45"),
    ("numeric", VARIABLE, {"scale": 2, "value": "MDk="}, "123.45"), ("numeric(5,2)", VARIABLE, {"scale": 2, "value": "MDk="}, "123.45"), ("jsonb", INT32, 5, "5"), ("jsonb", BOOLEAN, True, "true"), ("money", STRING, "$1,234.50", "$1,234.50"), ("money", STRING, "-1.50", "-$1.50"),
    ("bit(1)", BOOLEAN, True, "1"), ("jsonb", TIMESTAMP, 5, "5"), ("json", DOUBLE, 1.5, "1.5"), ("integer", INT32, 7, "7"), ("boolean", INT32, 1, "true"), ("boolean", INT32, 0, "false"),
    # bits, durations, years, geometries
    ("bit(8)", BITS8, "/w==", "11111111"), ("bit varying(16)", BITS16, "AgE=", "0000000100000010"), ("bytea", BITS8, "/w==", "\\xff"),
    ("interval", node("int64", DEBEZIUM + "time.MicroDuration"), 93600000000, "1 day 02:00:00"), ("interval", node("int64", DEBEZIUM + "time.MicroDuration"), -93600000000, "-1 days -02:00:00"),
    ("interval", node("int64", DEBEZIUM + "time.NanoDuration"), 1500, "00:00:00.000001"), ("interval", node("string", DEBEZIUM + "time.Interval"), "P1DT2H", "1 day 02:00:00"),
    ("interval", node("int64", DEBEZIUM + "time.MicroTime"), 3020398999999, "838:59:58.999999"), ("interval", node("int64", DEBEZIUM + "time.NanoTime"), -3020399000000000, "-838:59:59"), ("interval", node("int32", DEBEZIUM + "time.Time"), -1500, "-00:00:01.5"),
    ("interval", node("string", DEBEZIUM + "time.IsoTime"), "30:00:00.5Z", "30:00:00.5"), ("interval[]", array(node("int64", DEBEZIUM + "time.MicroTime")), [-1, 108000000000], "{-00:00:00.000001,30:00:00}"),
    ("interval[]", array(node("int64", DEBEZIUM + "time.MicroDuration")), [1000000, None], "{00:00:01,NULL}"), ("date", node("int32", DEBEZIUM + "time.Year"), 1999, "1999-01-01"),
    ("integer", node("int32", DEBEZIUM + "time.Year"), 1999, "1999"), ("bytea", POINT, PLACE, "\\x0101000000000000000000f83f0000000000000040"),
    ("text", POINT, PLACE, "0101000020E6100000000000000000F83F0000000000000040"), ("point", POINT, PLACE, "(1.5,2)"),
    # instants
    ("timestamp", ZONED, "2024-01-01T10:00:00+02:00", "2024-01-01 17:00:00"), ("timestamp", ZONED, "2024-01-01T10:00:00Z", "2024-01-01 19:00:00"), ("timestamp", STRING, "2024-01-01T10:00:00-05", "2024-01-02 00:00:00"),
    ("timestamp", STRING, "2024-01-01T10:00:00", "2024-01-01 10:00:00"), ("timestamp", STRING, "2024-01-01", "2024-01-01 00:00:00"), ("date", ZONED, "2024-01-01T20:00:00Z", "2024-01-02"),
    ("timestamptz", ZONED, "2024-01-01T10:00:00Z", "2024-01-01 19:00:00+09"), ("timestamp[]", array(ZONED), ["2024-01-01T10:00:00Z", None], '{"2024-01-01 19:00:00",NULL}'), ("text", ZONED, "2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
    ("time", node("string", DEBEZIUM + "time.ZonedTime"), "10:00:00Z", "19:00:00"), ("timetz", node("string", DEBEZIUM + "time.ZonedTime"), "10:00:00Z", "10:00:00+00"), ("timestamp", TIMESTAMP, 1704103200000, "2024-01-01 19:00:00"),
    ("time", TIME, 86400000, "24:00:00"), ("timestamptz", TIMESTAMP, 253402300800000, "10000-01-01 09:00:00+09"), ("date", DATE, 2932897, "10000-01-01"), ("date", DATE, -719529, "0002-12-31 BC"),
    ("date[]", array(DATE), [0, 20000], "{1970-01-01,2024-10-04}"), ("timestamp", node("int64", DEBEZIUM + "time.NanoTimestamp"), 1000, "1970-01-01 00:00:00.000001"),
    ("time", node("int64", DEBEZIUM + "time.MicroTime"), 86400000000, "24:00:00"), ("date", node("int32", DEBEZIUM + "time.Date"), 1, "1970-01-02"),
    ("date", STRING, "2024-01-01T20:00:00Z", "2024-01-02"), ("date", STRING, "2024-01-01", "2024-01-01"), ("date[]", array(STRING), ["2024-01-01T20:00:00Z", None], "{2024-01-02,NULL}"),
    ("time", STRING, "10:00:00Z", "19:00:00"), ("time", STRING, "10:00:00", "10:00:00"), ("date", TIMESTAMP, 1704139200000, "2024-01-02"),
    # no numbers, no dates
    ("timestamptz", TIMESTAMP, 9223372036825200, "infinity"), ("timestamp[]", array(node("int64", DEBEZIUM + "time.MicroTimestamp")), [9223372036825200000, None], "{infinity,NULL}"),
    ("date", DATE, -2147472691, "-infinity"), ("date", node("string", DEBEZIUM + "time.IsoDate"), "-5877611-06-21Z", "infinity"), ("date", node("string", DEBEZIUM + "time.IsoDate"), "2024-02-29Z", "2024-02-29"),
    ("timestamp", node("string", DEBEZIUM + "time.IsoTimestamp"), "-290308-12-21T19:59:27.6Z", "-infinity"), ("numeric[]", array(DOUBLE), ["NaN", 0.1], "{NaN,0.1}"), ("json", DOUBLE, "Infinity", '"Infinity"'),
    # plain numbers, where the column is one of whole numbers
    ("bigint", node("int64", DEBEZIUM + "time.MicroTimestamp"), 1704103200000000, "1704103200000000"), ("bigint", node("int64", DEBEZIUM + "time.Timestamp"), -1, "-1"), ("integer", node("int32", DEBEZIUM + "time.Date"), 19723, "19723"),
    ("numeric", node("int64", DEBEZIUM + "time.NanoTimestamp"), 1500, "1500"), ("integer", node("int32", DEBEZIUM + "time.Time"), 108000000, "108000000"), ("bigint[]", array(node("int64", DEBEZIUM + "time.MicroTime")), [-1, None], "{-1,NULL}"),
    # nested
    ("jsonb", array(STRING), ["x", 'q"'], '["x", "q\\""]'), ("json", array(INT32), [1, 2], "[1, 2]"), ("text", array(STRING), ["x", 'q"'], '["x", "q\\""]'), ("jsonb", array(decimal(2)), ["MDk="], "[123.45]"),
    ("jsonb[]", array(INNER), [{"a": 1, "d": "MDk="}], '{"{\\"a\\": 1, \\"d\\": 123.45}"}'), ("int[]", array(array(INT32)), [[1, 2], [3, 4]], "{{1,2},{3,4}}"), ("int[]", array(array(INT32)), [], "{}"), ("jsonb[]", array(array(INT32)), [[1], []], "{[1],[]}"), ("numeric", FLOAT, 16777217, "16777216.0"), ("jsonb", array(FLOAT), [3.4028235e38], "[340282350000000000000000000000000000000]"), ("jsonb", INNER, {"a": 1, "d": "MDk="}, '{"a": 1, "d": 123.45}'),
    ("citext", STRING, "aB", "aB"), ("citext[]", array(STRING), ["aB", None], "{aB,NULL}"), ("ltree", STRING, "top.sub", "top.sub"), ("ltree", node("string", DEBEZIUM + "data.Ltree"), "a.b", "a.b"),
    ("ltree[]", array(STRING), ["a.b"], "{a.b}"), ("cube", STRING, "(0.1,1e10)", "(0.1, 10000000000)"), ("seg", STRING, "0.1 .. 2", "0.1 .. 2"), ("hstore", node("string", DEBEZIUM + "data.Json"), '{"k": "v", "n": null}', '"k"=>"v", "n"=>NULL'), ("hstore", STRING, '"k"=>"v"', '"k"=>"v"'), ("hstore", STRING, '"k"=>"k=>1", l=>k, "k "=>2', '"k"=>"k=>1", "l"=>"k", "k "=>"2"'), ("hstore", STRING, 'a,b=>1,b=>x"y', '"b"=>"x\\"y", "a,b"=>"1"'), ("hstore", TEXTS, {'a"': "1", "a\\": "2"}, '"a\\""=>"1", "a\\\\"=>"2"'), ("regclass", STRING, "pg_class", "pg_class"), ("inet", STRING, "10.0.0.1/8", "10.0.0.1/8"),
    ("xml", node("string", DEBEZIUM + "data.Xml"), "<a>1</a>", "<a>1</a>"), ("xml", STRING, "<a/>", "<a/>"),
    ("jsonb", TEXTS, {"k": "v"}, '{"k": "v"}'), ("hstore", TEXTS, {"k": 'v "w', "n": None}, '"k"=>"v \\"w", "n"=>NULL'), ("hstore", INNER, {"a": 1, "d": "MDk="}, '"a"=>"1", "d"=>"123.45"'), ("text", TEXTS, {"k": "v"}, '{"k": "v"}'),
    # composite types, field by name
    ("pair", INNER, {"a": 1, "d": "MDk="}, "(1,123.45)"), ("pair", INNER, {"a": None, "d": None}, "(,)"), ("pair", TEXTS, {"d": "2.50"}, "(,2.50)"), ("pair[]", array(INNER), [{"a": 1, "d": "MDk="}, None], '{"(1,123.45)",NULL}'), ("pair[]", array(INNER), [], "{}"),
    ("good_pair", INNER, {"a": 1, "d": "MDk="}, "(1,123.45)"), ("good_pair", STRING, "(1,2.5)", "(1,2.50)"), ("strict", TEXTS, {"a": "1", "c": "abc"}, "(1,abc)"), ("strict", STRING, "(1,abc )", "(1,abc)"),
    ("deep", DEEP, {"n": 'a"\\,()', "p": {"a": 1}, "ps": [{"d": "MDk="}, {"d": None}, None], "at": 1704103200123, "raw": "AP8=", "j": {"q": 0.1}, "f": 0.1, "ts": ["", "NULL", None, "{}", 'x"\\']}, '("a""\\\\,()","(1,)","{""(,123.45)"",""(,)"",NULL}","2024-01-01 19:00:00.123","\\\\x00ff","{""q"": 0.1}",0.1,"{"""",""NULL"",NULL,""{}"",""x\\\\""\\\\\\\\""}")'),
    ("deep", STRING, '("",,"{""(1,2.5)"",NULL}",2024-01-01T10:00:00Z,,,1.5,{})', '("",,"{""(1,2.50)"",NULL}","2024-01-01 19:00:00",,,1.5,{})'), ("pair[]", STRING, '{"(1,2.5)", null,"(,)"}', '{"(1,2.50)",NULL,"(,)"}'), ("pair[]", array(STRING), ["(1,2.5)"], '{"(1,2.50)"}'),
    ("odd", STRING, f'({"x" * 63},101,a,"1.20",y,7,10:00:00,PT1S,"{{0.5}}","(1,)",2024-01-01T20:00:00Z,t)', f'({"x" * 63},101,"a ",$1.20,y,7,10:00:00,00:00:01,{{0.5}},"(1,)",2024-01-02,t)'), ("odd", node("struct", fields=[{"field": "k", **INT32}, {"field": "T s", **TIME}, {"field": "d", **DATE}, {"field": "o", **INT64}, {"field": "fs", **array(DOUBLE)}]), {"k": 1, "T s": 86400000, "d": -719529, "o": 4294967295, "fs": [0.5, "-Infinity"]}, '(,,,,,4294967295,24:00:00,,"{0.5,-Infinity}",,"0002-12-31 BC",t)'),
    # texts of arrays and ranges
    ("real[]", STRING, " { 0.1 , NaN,null,{} } ".replace(",{}", ""), "{0.1,NaN,NULL}"), ("numeric(6,2)[]", STRING, "{{1.20,2.3},{NULL,NaN}}", "{{1.20,2.30},{NULL,NaN}}"), ("cents[]", STRING, "{1.20}", "{1.20}"), ("text[]", STRING, "[0:1]={a,b}", "[0:1]={a,b}"), ('"char"[]', STRING, "{a,b}", "{a,b}"), ("name[]", STRING, f"{{{'x' * 63},{'y' * 63}}}", f"{{{'x' * 63},{'y' * 63}}}"),
    ("timestamp[]", STRING, '{2024-01-01T10:00:00Z,"2024-01-01 10:00"}', '{"2024-01-01 19:00:00","2024-01-01 10:00:00"}'), ("date[]", STRING, "{2024-01-01T20:00:00Z}", "{2024-01-02}"), ("date[]", STRING, "{{2020-01-01},{2020-01-02}}", "{{2020-01-01},{2020-01-02}}"), ("timestamp[]", STRING, "[0:1]={2024-01-01,NULL}", '[0:1]={"2024-01-01 00:00:00",NULL}'), ("timestamp(3)[]", STRING, "{{2024-01-01 10:00:00.123}}", '{{"2024-01-01 10:00:00.123"}}'), ("timestamp(3)[]", STRING, "{2024-01-01T10:00:00.123Z,NULL}", '{"2024-01-01 19:00:00.123",NULL}'), ("time[]", STRING, "[2:3]={10:00,11:00}", "[2:3]={10:00:00,11:00:00}"), ("time[]", STRING, "{}", "{}"), ("time[]", STRING, None, None), ("money[]", STRING, '{"$1,234.50"}', '{"$1,234.50"}'), ("money", STRING, "12,34,567.5", "$1,234,567.50"), ("mood[]", STRING, "{sad, happy}", "{sad,happy}"), ("box[]", STRING, "{(1,1),(0,0);(3,3),(2,2)}", "{(1,1),(0,0);(3,3),(2,2)}"),
    ("tsrange", STRING, "[2024-01-01T10:00:00Z,2024-01-02 10:00)", '["2024-01-01 19:00:00","2024-01-02 10:00:00")'), ("tsrange", STRING, " EMPTY ", "empty"), ("tsrange[]", STRING, '{"(,2024-01-01T10:00:00Z]"}', '{"(,\\"2024-01-01 19:00:00\\"]"}'), ("daterange", STRING, "[2024-01-01T20:00:00Z,)", "[2024-01-02,)"), ("tsmultirange", STRING, "{[2024-01-01T10:00:00Z,), (,2020-01-01]}", '{(,"2020-01-01 00:00:00"],["2024-01-01 19:00:00",)}'), ("tsmultirange", STRING, "{}", "{}"),
    ("reals", STRING, "{0.1}", "{0.1}"), ("amounts", STRING, "{1.2}", "{1.20}"), ("ident", STRING, "4", "4"), ("while_", STRING, "[2024-01-01T10:00:00Z,)", '["2024-01-01 19:00:00",)'), ("while_[]", STRING, '{"[2024-01-01T10:00:00Z,)"}', '{"[\\"2024-01-01 19:00:00\\",)"}'), ("pairs", STRING, '{"(1,2.5)"}', '{"(1,2.50)"}'), ("pairs", array(INNER), [{"a": 1, "d": "MDk="}], '{"(1,123.45)"}'),
    ("outer_", STRING, '("[2024-01-01T10:00:00Z,)","{""(1,2.5)""}",4,{0.1})', '("[""2024-01-01 19:00:00"",)","{""(1,2.50)""}",4,{0.1})'), ("outer_", node("struct", fields=[{"field": "w", **STRING}, {"field": "ps", **array(INNER)}, {"field": "i", **INT64}, {"field": "rs", **array(FLOAT)}]), {"w": "[2024-01-01T10:00:00Z,)", "ps": [{"a": 1, "d": "MDk="}], "i": 4, "rs": [0.1]}, '("[""2024-01-01 19:00:00"",)","{""(1,123.45)""}",4,{0.1})'),
    *((kind, STRING, None, None) for kind in ("tsrange", "tsrange[]", "tsmultirange", "span", "pair", "pair[]", "good_pair", "strict", "outer_", "timestamp[]", "real[]", "money", "point")), ("strict", TEXTS, None, None),
    *((kind, schema, None, None) for kind, schema in (("uuid", DOUBLE), ("uuid", array(INT32)), ("uuid[]", DOUBLE), ("uuid[]", array(DOUBLE)), ("inet", INT64), ("mood", BOOLEAN), ("pair", INT32), ("tsrange", TIMESTAMP), ("money", FLOAT), ("interval", INT64), ("point", BYTES), ("integer", DATE), ("boolean", decimal(2)), ("numeric(6,2)", BOOLEAN), ("timestamp(3)", DOUBLE), ("ref", INT32))), ("kept", INNER, {"a": None, "d": "MDk="}, "(,123.45)"), ("kept", STRING, "(1,2.5)", "(1,2.50)"), ("outer_", TEXTS, {}, "(,,,)"),
    ("int4range", STRING, "(1,5]", "[2,6)"), ("numrange", STRING, "[1.005,2.50)", "[1.005,2.50)"), ("span", STRING, "[1.20,2.5)", "[1.20,2.50)"), ("singles", STRING, "[0.1,)", "[0.1,)"), ("tsvector", STRING, "'a b':1A,3 c:16383", "'a b':1A,3 'c':16383"), ("point", STRING, "(0.1,1e10)", "(0.1,10000000000)"), ("oid", STRING, "4294967295", "4294967295"), ("oid", STRING, "00", "0"), ("tsvector", STRING, "'\\':99999' b:1", "''':99999' 'b':1"), ("xid", STRING, "3", "3"),
    ("text[]", array(STRING), [], "{}"), ("jsonb", TEXTS, None, None), ("hstore", TEXTS, None, None), ("numeric[]", array(decimal(2)), None, None), ("interval", node("int64", DEBEZIUM + "time.MicroDuration"), None, None),
]  # fmt: skip
REFUSED: list[tuple[str, dict[str, Any], Any]] = [
    ("code3", STRING, "abcd"), ("code3b", STRING, "abcd"), ("fixed3", STRING, "abcd"), ("code3[]", array(STRING), ["abcd"]), ("varchar(3)[]", array(STRING), ["abcd"]), ("char(3)", STRING, "abcd"),
    ("integer", node("int64", DEBEZIUM + "time.MicroTimestamp"), 1704103200000000), ("bit(4)", STRING, "10101"), ("bit(4)", STRING, "101"), ("bits4", STRING, "10101"), ("bit varying(2)", STRING, "101"), ("bit(8)", BITS16, "AgE="), ("bit(2)[]", array(STRING), ["101"]), ("name", STRING, "x" * 64), ('"char"', STRING, "xy"), ("name[]", array(STRING), ["x" * 64]),
    ("interval year", STRING, "1 year 2 mons"), ("interval day", STRING, "1 day 02:00"), ("interval month", node("int64", DEBEZIUM + "time.MicroDuration"), 86400000000), ("interval hour to minute", TIME, 3661000), ("interval(0)", STRING, "1500 milliseconds"),
    ("interval(0)", STRING, "0.00001 days"), ("interval year[]", array(STRING), ["1 year", "1 mon"]), ("time(0)", STRING, "100000.5"), ("time(0)[]", array(STRING), ["10:00:00.5"]), ("timestamp(3)", STRING, "2024-01-01 100000.1234"), ("timestamptz(0)", STRING, "20240101T100000.5Z"),
    ("cents", STRING, "1.239"), ("numeric(6,2)[]", array(STRING), ["1.239"]), ("timestamp[]", array(array(STRING)), [["2024-01-01"], ["2024-01-02"]]),
    ("numeric", FLOAT, 1e39), ("jsonb", array(FLOAT), [1e39]), ("real", FLOAT, 1e39),
    ("int[]", array(array(INT32)), [[], []]), ("int[]", array(array(INT32)), [[]]), ("text[]", array(array(STRING)), [["a"], []]), ("numeric[]", array(array(decimal(2))), [[], []]), ("numeric", STRING, "snan"), ("numeric", STRING, "\uff11\uff12"),
    ("numeric", decimal(2), ""), ("jsonb", INNER, {"a": 1, "d": ""}), ("numeric[]", array(decimal(2)), [""]), ("numeric", VARIABLE, {"scale": 2, "value": ""}), ("jsonb", VARIABLE, {"scale": 2, "value": ""}),
    ("pair", TEXTS, {"A": "1"}), ("pair", TEXTS, {"a": "x"}), ("pair", TEXTS, {"d": "2.005"}), ("pair", node("struct", fields=[{"field": "d", **decimal(3)}]), {"d": "MDk="}), ("pair", node("struct", fields=[{"field": "a", **INT32}, {"field": "b", **INT32}]), {"a": 1, "b": None}), ("pair", node("struct", fields=[{"field": "a", **DOUBLE}]), {"a": 1.5}),
    ("pair", STRING, "(1,2.005)"), ("pair", STRING, "(1)"), ("kept", STRING, "(1,2.005)"), ("kept", STRING, "(1,,2.5)"), ("kept", TEXTS, {"gone": "x"}), ("pair", STRING, "(1,2,3)"), ("pair", STRING, "1,2"), ("pair", STRING, "(1,2) x"), ("pair", STRING, '(1,"2'), ("pair[]", STRING, '{"(1,2.005)"}'), ("pair[]", STRING, '[0:0]={"(1,2.5)"}'), ("pair[]", STRING, '{"(1,2.5)"'), ("pair[]", array(STRING), ["(1,2.005)"]), ("good_pair", STRING, "(0,)"), ("good_pair", INNER, {"a": 0, "d": None}), ("good_pair[]", array(INNER), [{"a": 0, "d": None}]),
    ("strict", TEXTS, {"c": "abc"}), ("strict", TEXTS, {"a": "1", "c": "abcd"}), ("strict", STRING, "(1,abcd)"), ("strict", STRING, "(,abc)"), ("deep", STRING, '(,"(1,2.005)",,,,,,)'), ("deep", STRING, '(,,"{""(1,2.005)""}",,,,,)'), ("deep", STRING, "(,,,,,,16777217,)"), ("deep", DEEP | {"fields": [{"field": "f", **INT32}]}, {"f": 16777217}), ("deep", DEEP | {"fields": [{"field": "p", **INNER | {"fields": [{"field": "d", **decimal(3)}]}}]}, {"p": {"d": "MDk="}}),
    *(("odd", node("struct", fields=[{"field": name, **STRING}]), {name: text}) for name, text in (("n", "x" * 64), ("b", "1011"), ("b", "1"), ("c", "abc"), ("m", "1.239"), ("x", "yz"), ("o", "-1"), ("T s", "10:00:00.5"), ("i", "1500 milliseconds"), ("fs", "{16777217}"), ("g", "(0,)"))), *(("odd", STRING, f"({',' * place}{text}{',' * (11 - place)})") for place, text in ((0, "x" * 64), (1, "1011"), (2, "abc"), (3, "1.239"), (4, "yz"), (5, "-1"), (6, "10:00:00.5"), (7, "1500 milliseconds"), (8, "{16777217}"), (9, '"(0,)"'))),
    ("real[]", STRING, "{16777217}"), ("real[]", STRING, "[0:1]={1,16777217}"), ("float8[]", STRING, "{{9007199254740993}}"), ("numeric(6,2)[]", STRING, "{1,{2.005}}"), ("numeric(6,2)[]", STRING, "{{2.005}}"), ("cents[]", STRING, "{2.005}"), ('"char"[]', STRING, "{ab}"), ("name[]", STRING, f"{{{'x' * 64}}}"), ("money[]", STRING, "{1.239}"), ("oid[]", STRING, "{-1}"), ("mood[]", STRING, "{glad}"), ("interval(0)[]", STRING, "{1500 milliseconds}"), ("time(0)[]", STRING, "{10:00:00.5}"), ("timestamp(3)[]", STRING, "{2024-01-01 10:00:00.1234}"), ("timestamp(3)[]", STRING, "{{2024-01-01 10:00:00.1234}}"), ("timestamp(3)[]", STRING, "{2024-01-01T10:00:00.1234Z}"), ("timestamp[]", STRING, "{{2024-01-01T10:00:00Z}}"), ("date[]", STRING, "[0:0]={2024-01-01T10:00:00Z}"), ("time[]", STRING, "{10:00"), ("tsvector", STRING, "a'b:99999 'c'"),
    ("reals", STRING, "{16777217}"), ("amounts", STRING, "{2.005}"), ("ident", STRING, "-1"), ("ident", STRING, "5"), ("while_", STRING, "empty"), ("while_[]", STRING, "{empty}"), ("pairs", STRING, '{"(1,2.005)"}'), ("outer_", STRING, "(empty,,,)"), ("outer_", STRING, '(,"{""(1,2.005)""}",,)'), ("outer_", STRING, "(,,5,)"), ("outer_", STRING, "(,,-1,)"), ("outer_", STRING, "(,,,{16777217})"), ("outer_", TEXTS, {"rs": "{16777217}"}), ("outer_", TEXTS, {"i": "-1"}),
    ("span", STRING, "[1.205,2.5)"), ("singles", STRING, "[16777217,)"), ("tsrange", STRING, "[2024-01-01T10:00:00Z"), ("tsrange", STRING, "[2024-01-02,2024-01-01]"), ("tsmultirange", STRING, "{[2024-01-01,)"), ("tsvector", STRING, "a:16384"), ("point", STRING, "(9007199254740993,0)"), ("path", STRING, "[(0,0),(1,9007199254740993)]"), ("oid", STRING, "-1"), ("oid", STRING, "010"), ("xid", STRING, "-1"), ("xid8", STRING, "-1"), ("cid", STRING, " -1"),
    ("pair", array(STRING), ["1"]), ("bytea", TEXTS, {"k": "v"}), ("integer", BYTES, "NQ=="), ("bytea", INT32, 5), ('"char"', INT32, 5), ("oid", INT32, -1), ("name", TEXTS, {"k": "v" * 64}), ("name", decimal(70), "MDk="), ("bytea[]", array(INT64), [5]), ("bigint[]", array(BYTES), ["NQ=="]), ("integer[]", INNER, {"a": 1, "d": "MDk="}),
    ("xml", STRING, "<a>"), ("ltree", STRING, "a b"), ("hstore", STRING, "k"), ("cube", STRING, "(9007199254740993)"), ("seg", STRING, "16777217"), ("hstore", STRING, 'k=>1, "k" => 2'), ("hstore", STRING, '"a\\\\"b"=>1,a\\\\"b=>2'), ("regclass", STRING, "010"), ("regclass", INT32, -1), ("regclass[]", STRING, "{010}"), ("cidr", STRING, "10.0.0.1/8"), ("hstore", STRING, '{"k": "v"}'), ("hstore", node("string", DEBEZIUM + "data.Json"), '["k"]'), ("cents", decimal(3), "MDk="), ("cents[]", array(decimal(3)), ["MDk="]), ("numeric(6,2)", STRING, "1.239"), ("integer", decimal(1), "Mw=="), ("integer", DOUBLE, 1.5), ("numeric(5,2)", VARIABLE, {"scale": 3, "value": "MDk="}),
    *((kind, TIMESTAMP, number) for kind in ("time", "time(0)", "timetz") for number in (9223372036825200, -9223372036832400)), ("time[]", array(TIMESTAMP), [9223372036825200]), ("time", ZONED, "infinity"), ("time[]", array(ZONED), ["-infinity"]), ("time", node("int64", DEBEZIUM + "time.MicroTimestamp"), 9223372036825200000),
    ("numeric", decimal(20000), "MDk="), ("numeric", decimal(-20000), "MDk="), ("jsonb", array(decimal(100000000)), ["MDk="]), ("jsonb", INNER | {"fields": [{"field": "d", **decimal(-1000000000)}]}, {"d": "MDk="}),
    ("numeric", VARIABLE, {"scale": -1000000000, "value": "MDk="}), ("time", TIME, 108000000), ("time", TIME, -1), ("time", node("int64", DEBEZIUM + "time.MicroTime"), 108000000000), ("timestamptz", TIMESTAMP, 2**62), ("date", node("int32", DEBEZIUM + "time.Year"), 10**7), ("point", POINT, {"x": 1.0}),
    ("boolean", INT32, 5), ("boolean", INT32, -1), ("boolean[]", array(INT32), [0, 2]), ("money", STRING, "$1.239"), ("money", STRING, "1,5"), ("money", STRING, "(1,2.5)"), ("money[]", STRING, '{"1,50"}'), ("money", STRING, "1.239-"), ("money", STRING, ""), ("money", STRING, "$"), ("integer", DOUBLE, "NaN"), ("double precision", DOUBLE, "nan"), ("real", STRING, "much"), ("uuid", BYTES, "AQI="), ("uuid", BYTES, ""),
]  # fmt: skip
UNTYPED: list[tuple[str, str, str | None]] = [
    ("code3", '"abc"', "abc"), ("bit(4)", '"1010"', "1010"), ("numeric", "1234567890123456.78", "1234567890123456.78"), ("bigint", "5.0", "5"), ("double precision", "9007199254740992", "9.007199254740992e+15"), ("real", "5", "5"), ("real", "1e-45", "1e-45"), ("real", "0e-400", "0"), ("real", "-0.0", "-0"), ("double precision", "5e-324", "5e-324"), ("float8[]", "[1,2.5]", "{1,2.5}"), ("hstore", '{"k":"v","n":null,"i":1.50}', '"i"=>"1.50", "k"=>"v", "n"=>NULL'),
    ("timestamp", '"2024-01-01T10:00:00Z"', "2024-01-01 19:00:00"), ("timestamp", "1704103200000", "2024-01-01 19:00:00"), ("timestamptz[]", '["2024-01-01T10:00:00Z",1704103200000,null]', '{"2024-01-01 19:00:00+09","2024-01-01 19:00:00+09",NULL}'),
    ("jsonb[]", '[{"a":1.10}]', '{"{\\"a\\": 1.10}"}'), ("numeric[]", "[1.10,2]", "{1.10,2}"), ("jsonb", '{"n":1234567890123456.78}', '{"n": 1234567890123456.78}'), ("date", "1", "1970-01-02"), ("interval", '"PT1H"', "01:00:00"),
    ("timestamptz", "253402300800000", "10000-01-01 09:00:00+09"), ("time", "86400000", "24:00:00"), ("date", "-719893", "0002-01-01 BC"), ("timestamp[]", '["2024-01-01T10:00:00Z",1704103200000,null]', '{"2024-01-01 19:00:00","2024-01-01 19:00:00",NULL}'), ("date", '"2024-01-01T20:00:00Z"', "2024-01-02"), ("double precision", '"NaN"', "NaN"), ("numeric", '"-Infinity"', "-Infinity"),
    ("numeric(6,2)", "1.239", "1.24"), ("cents", '"1.230"', "1.23"), ("numeric(6,2)[]", '["1.2",1.239,null]', "{1.20,1.24,NULL}"), ("interval year", '"24 months"', "2 years"), ("pair", '{"d":2.5,"a":1}', "(1,2.50)"), ("pair", '"(1,2.5)"', "(1,2.50)"), ("pair", "{}", "(,)"), ("pair", '{"d":1.239}', "(,1.24)"), ("pair", '{"d":"1.230"}', "(,1.23)"), ("pair[]", '[{"a":1},"(2,)",null]', '{"(1,)","(2,)",NULL}'),
    ("deep", '{"n":"x","p":{"a":1},"ps":[{"d":1.5},null],"at":1704103200000,"raw":"AP8=","j":{"q":1.10},"f":0.1,"ts":["a",null]}', '(x,"(1,)","{""(,1.50)"",NULL}","2024-01-01 19:00:00","\\\\x00ff","{""q"": 1.10}",0.1,"{a,NULL}")'), ("odd", '{"n":"a","o":"7","fs":[0.5],"k":true,"d":1,"m":"1.20","g":{"a":1}}', '(a,,,$1.20,,7,,,{0.5},"(1,)",1970-01-02,t)'),
    ("timestamp", "1.7041032E12", "2024-01-01 19:00:00"), ("timestamptz[]", "[1704103200000.0]", '{"2024-01-01 19:00:00+09"}'), ("pair", "null", None),
    ("int[]", "[[1,2],[3,4]]", "{{1,2},{3,4}}"), ("numeric[]", "[[1.10],[null]]", "{{1.10},{NULL}}"), ("jsonb[]", "[[1],[]]", "{[1],[]}"), ("int[]", "[]", "{}"), ("numeric", '" 1_000.5e1 "', "10005"), ("numeric", '"0x1F"', "31"), ("numeric", '"nan"', "NaN"),
    ("numeric", f"{'1' * 5000}", "1" * 5000), ("jsonb", f'{{"1":-{"1" * 5000}}}', f'{{"1": -{"1" * 5000}}}'), ("json", f"[{'1' * 5000}]", f"[{'1' * 5000}]"), ("numeric[]", f"[{'1' * 5000}]", f"{{{'1' * 5000}}}"),
]  # fmt: skip
UNTYPED_REFUSED = [
    ("code3", '"abcd"'), ("bit(4)", '"101"'), ("name", f'"{"x" * 64}"'), ("bigint", "5.5"), ("smallint", "40000"), ("hstore", '["k"]'), ("numeric", "1e20000"), ("real", "5e-324"), ("real", "-1e-46"), ("real[]", "[0.5,1e-50]"), ("double precision", "1e-400"), ("double precision", "1e400"), ("double precision", "9007199254740993"), ("real", "16777217"), ("float8[]", "[9007199254740993]"), ("text[]", '{"a":1}'), ("time", "108000000"), ("time", "-1"), ("integer", '"NaN"'), ("real", '"nan"'),
    ("numeric(6,2)", '"1.239"'), ("cents", '"1.239"'), ("numeric(6,2)[]", '["1.239"]'), ("money", '"$1.239"'), ("money", '"1,5"'), ("interval year", '"1 year 2 mons"'), ("interval day[]", '["1 day 02:00"]'), ("time(0)", '"100000.5"'), ("timestamp(3)[]", '["2024-01-01T10:00:00.1234Z"]'), ("timestamp", "1.5"),
    ("pair", '{"b":1}'), ("pair", '{"a":"1"}'), ("pair", '{"d":"1.239"}'), ("pair", '"(1,2.005)"'), ("pair", "[1]"), ("pair", "1"), ("good_pair", '{"a":0}'), ("strict", '{"c":"a"}'), ("deep", '{"p":{"d":"2.005"}}'), ("deep", '{"ps":["(1,2.005)"]}'), ("deep", '{"f":16777217}'), ("odd", '{"o":"-1"}'), ("odd", '{"fs":[16777217]}'), ("oid", '"-1"'), ("pair[]", '[{"x":1}]'),
    ("int[]", "[[],[]]"), ("int[]", "[[1],[]]"), ("int[]", "[[1],null]"), ("int[]", "[[1,2],[3]]"), ("timestamp[]", '[["2024-01-01"],["2024-01-02"]]'), ("numeric", '"snan"'), ("numeric", '"\uff11\uff12"'), ("numeric", '"\u0663"'), ("numeric", '"1__0"'), ("numeric", '"nan1"'), ("numeric", '""'),
    ("jsonb", '{"a":1e99999999999999999999}'), ("numeric", "1e99999999999999999999"),
]  # fmt: skip


async def all_are_written(target: Target, *, transformed: bool) -> None:
    wrong = []
    for kind, schema, payload, expected in WRITTEN:
        if not target.can(kind):
            continue
        await target.column(kind)
        try:
            found = await target.write(schema, payload, transformed=transformed)
        except (BadRecordError, asyncpg.PostgresError, ValueError) as error:
            wrong.append((kind, schema.get("name") or schema["type"], payload, repr(error)))
        else:
            if found != expected:
                wrong.append((kind, schema.get("name") or schema["type"], payload, str(found)))
    assert not wrong


async def all_are_refused(target: Target, *, transformed: bool) -> None:
    taken = []
    for kind, schema, payload in REFUSED:
        if not target.can(kind):
            continue
        await target.column(kind)
        try:
            taken.append((kind, payload, await target.write(schema, payload, transformed=transformed)))
        except (BadRecordError, asyncpg.DataError, asyncpg.PostgresError, ArithmeticError):
            continue
    assert not taken


async def all_are_written_without_a_schema(target: Target, *, transformed: bool) -> None:
    found = []
    expected = [each for each in UNTYPED if target.can(*each[:2])]
    for kind, text, _ in expected:
        await target.column(kind)
        found.append(
            (kind, text, await target.write_plain(f'{{"v":{text}}}'.encode(), transformed=transformed))
        )
    assert found == expected
    for kind, text in filter(lambda each: target.can(each[0]), UNTYPED_REFUSED):
        await target.column(kind)
        with pytest.raises((BadRecordError, asyncpg.PostgresError)):
            await target.write_plain(f'{{"v":{text}}}'.encode(), transformed=transformed)


EVERY = (all_are_written, all_are_refused, all_are_written_without_a_schema)


@pytest.mark.parametrize("transformed", [False, True])
@pytest.mark.parametrize("check", EVERY)
async def test_a_value_reaches_the_column_whole_or_is_refused(
    target: Target, check: Check, *, transformed: bool
) -> None:
    await check(target, transformed=transformed)


@pytest.mark.parametrize("transformed", [False, True])
@pytest.mark.parametrize("check", EVERY)
async def test_so_does_one_for_a_type_of_an_extension(
    rich_target: Target, check: Check, *, transformed: bool
) -> None:
    await check(rich_target, transformed=transformed)


CREATED = [
    (decimal(2), "numeric"), (array(decimal(2)), "numeric[]"), (array(DATE), "date[]"), (array(node("string", DEBEZIUM + "data.Uuid")), "uuid[]"), (BITS8, "bit(8)"), (node("bytes", DEBEZIUM + "data.Bits"), "bit varying"),
    (VARIABLE, "numeric"), (node("int64", DEBEZIUM + "time.MicroDuration"), "interval"), (node("string", DEBEZIUM + "time.Interval"), "interval"), (node("string", DEBEZIUM + "data.Xml"), "xml"), (ZONED, "timestamp with time zone"),
    (node("string", DEBEZIUM + "data.Json"), "jsonb"), (POINT, "bytea"), (node("int32", DEBEZIUM + "time.Year"), "integer"), (TEXTS, "jsonb"), (array(INNER), "jsonb"), (array(array(INT32)), "jsonb"), (node("int64", DEBEZIUM + "time.MicroTime"), "time without time zone"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "expected"), CREATED)
def test_a_column_that_is_made_has_the_type_that_the_value_means(
    schema: dict[str, Any], expected: str
) -> None:
    wrapped = {"type": "struct", "fields": [{"field": "v", **schema}]}
    data = json.dumps({"schema": wrapped, "payload": {}}).encode()
    converter = EnvelopeConverter()
    shape, _ = converter.read(data)
    decoded = converter.decode("t", data, ())
    assert shape is not None
    assert decoded.schema is not None
    for read in (shape, RecordSchemas().of(decoded.schema)):
        field = read.schema.fields[0].schema
        assert created_type(field, encoder_of(field, read.form, None)) == expected
