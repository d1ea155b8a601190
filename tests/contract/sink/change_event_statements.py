"""The tables and the changes that `record_change_events` records."""

from tests.contract.sink.typed_columns import Typed, created, inserted

PLACES = ("north", "south")
"""What the field `place` of `customers` and others may hold: topics of records that are routed by it."""
LAST = "ends"
"""The table of the very last change, its only one; what is in it is not recorded."""

_CHANGES = [
    "INSERT INTO customers (id, name, place) VALUES (1, 'Ada', 'north'), (2, 'Grace', 'south'), (3, 'Größe', 'north')",
    "UPDATE customers SET name = 'Ada L.' WHERE id = 1",
    "DELETE FROM customers WHERE id = 2",
    "INSERT INTO customers (id, name, place) VALUES (2, 'Grace again', 'south')",
    "UPDATE customers SET id = 30 WHERE id = 3",
    "INSERT INTO customers (id, name, place, note) VALUES (4, 'Null', 'north', NULL)",
    "INSERT INTO items (order_id, line, price, place) VALUES ('o-1', 1, 12.34, 'north'), ('o-1', 2, 0.10, 'north')",
    "UPDATE items SET price = 99999999.99 WHERE line = 2",
    "DELETE FROM items WHERE line = 1",
    "INSERT INTO emptied (id, place) VALUES (1, 'north'), (2, 'south')",
    "TRUNCATE TABLE emptied",
    "INSERT INTO emptied (id, place) VALUES (3, 'north')",
]


def _in_schema(change: str) -> str:
    for word in ("INTO ", "UPDATE ", "FROM ", "TABLE "):
        change = change.replace(word, f"{word}shop.")
    return change


_EARLY = ("2024-01-01 10:00:00.123456", "2024-01-01 10:00:00.123", "2024-01-01 10:00:00")
_MILLIS = "types as Connect's"
_TEXTS = "types as texts"
_NANOS = "types in nanoseconds"
# What they hold at the source is recorded with the events; `texts` and `other` are what arrives where that is something else.
POSTGRESQL_TYPES = [
    Typed(name="sm", type="smallint", values=("-32768", "32767")),
    Typed(name="i", type="integer", values=("-2147483648", "2147483647")),
    Typed(name="bi", type="bigint", values=("-9223372036854775808", "9223372036854775807")),
    Typed(name="r", type="real", values=("1.1", "3.4e38")),
    Typed(name="d", type="double precision", values=("0.1", "-1.7976931348623157e308")),
    Typed(name="n12", type="numeric(12,2)", values=("-9999999999.99", "0.10")),
    Typed(
        name="n38", type="numeric(38,10)", values=("1234567890123456789012345678.0123456789", "-1e-10"),
        other={_MILLIS: ("numeric", ("1234567890123456900000000000", "-0.0000000001"))},
    ),
    Typed(
        name="n", type="numeric", values=("123456789012345678901234567890.1234567890", "1e25"),
        texts=("123456789012345678901234567890.123456789", "10000000000000000000000000"),  # the last zero: Debezium's
        other={
            _TEXTS: ("numeric", ()),
            _MILLIS: ("numeric", ("123456789012345680000000000000", "10000000000000000000000000")),
        },
    ),
    Typed(name="bo", type="boolean", values=("true", "false")),
    Typed(name="ch", type="char(5)", values=("'ab'", "'größe'")),
    Typed(name="vc", type="varchar(10)", values=("'größe  '", "''")),
    Typed(name="tx", type="text", values=("E'a\\n\"b\\\\'", "'__debezium_unavailable'")),
    Typed(
        name="by", type="bytea", values=("'\\x00ff10'", "''"),
        other={_TEXTS: ("text", ("AP8Q", "")), _MILLIS: ("text", ("00ff10", "")), _NANOS: ("text", ("AP8Q", ""))},
    ),
    Typed(name="b1", type="bit(1)", values=("'1'", "'0'")),
    Typed(name="b10", type="bit(10)", values=("'1000000001'", "'0000000001'")),
    Typed(
        name="vb", type="bit varying(12)", values=("'101'", "'111100001111'"),
        texts=("000000000101", "111100001111"),  # how many there were is not told
    ),
    Typed(name="da", type="date", values=("'2024-02-29'", "'0001-01-01'")),
    Typed(
        name="ti", type="time", values=("'23:59:59.999999'", "'00:00:00.000001'"),
        other={_MILLIS: ("time", ("23:59:59.999", "00:00:00"))},
    ),
    Typed(name="ti3", type="time(3)", values=("'10:00:00.123'", "'00:00:00'")),
    Typed(
        name="tz", type="timetz", values=("'10:00:00.5+02'", "'23:59:59Z'"), texts=("08:00:00.5+00", "23:59:59+00"),
    ),
    Typed(
        name="ts", type="timestamp", values=(f"'{_EARLY[0]}'", "'9999-12-31 23:59:59.999999'"),
        other={
            _NANOS: ("timestamp", (_EARLY[0], "1816-03-30 05:56:08.066276")),  # beyond 64 bits: Debezium's
            _MILLIS: ("timestamp", (_EARLY[1], "9999-12-31 23:59:59.999")),
        },
    ),
    Typed(
        name="ts3", type="timestamp(3)", values=(f"'{_EARLY[1]}'", "'0001-01-01 00:00:00'"),
        other={_NANOS: ("timestamp", (_EARLY[1], "1754-08-30 22:43:41.128654"))},  # beyond 64 bits: Debezium's
    ),
    Typed(name="tstz", type="timestamptz", values=(f"'{_EARLY[0]}+02'", "'1969-12-31 23:59:59.999999Z'")),
    Typed(name="iv", type="interval", values=("'1 day 02:00:00.000001'", "'-3 days'")),
    Typed(name="uu", type="uuid", values=("'3cfda21b-62c8-47e9-af8b-1b9e46e30bad'",) * 2),
    Typed(name="js", type="json", values=('\'{"a": [1, null], "a":  2.50}\'', "'null'")),
    Typed(name="jb", type="jsonb", values=("'{\"a\": 12345678901234567890.10}'", "'\"text\"'")),
    Typed(name="xm", type="xml", values=("'<a b=\"1\">&amp;</a>'", "'<b/>'")),
    Typed(name="ine", type="inet", values=("'10.0.0.1/24'", "'::1'")),
    Typed(name="cid", type="cidr", values=("'10.0.0.0/8'", "'::/0'")),
    Typed(name="mac", type="macaddr", values=("'08:00:2b:01:02:03'",) * 2),
    Typed(name="en", type="shop.mood", values=("'so so'", "'happy'")),
    Typed(name="po", type="point", values=("'(1.5,-2)'", "'(0.1,1e300)'")),
    Typed(name="lt", type="ltree", values=("'top.sub'", "''")),
    Typed(name="ci", type="citext", values=("'aBc'", "''")),
    Typed(name="hs", type="hstore", values=('\'k => "v \\"w", n => NULL\'', "''")),
    Typed(
        name="mo", type="money", values=("'-12.34'", "'92233720368547758.07'"),
        other={_MILLIS: ("numeric", ("-12.34", "92233720368547760"))},  # PostgreSQL makes no money of a double
    ),
    Typed(name="tv", type="tsvector", values=("'a b:1'", "''")),
    Typed(name="ir", type="int4range", values=("'[1,5)'", "'empty'")),
    Typed(name="nr", type="numrange", values=("'(0.1,2.50]'", "'(,)'")),
    Typed(name="tsr", type="tsrange", values=("'[2024-01-01 10:00,)'", "'empty'")),
    Typed(name="dr", type="daterange", values=("'[2024-01-01,2024-02-01)'", "'empty'")),
    Typed(name="ai", type="integer[]", values=("'{1,NULL,-3}'", "'{}'")),
    Typed(name="atx", type="text[]", values=('\'{a,"b,c",NULL,""}\'', "'{}'")),
    Typed(name="an", type="numeric(10,2)[]", values=("'{1.10,NULL}'", "'{}'")),
    Typed(name="au", type="uuid[]", values=("'{3cfda21b-62c8-47e9-af8b-1b9e46e30bad}'", "'{}'")),
    Typed(name="ad", type="date[]", values=("'{2024-02-29,1969-12-31}'", "'{}'")),
    Typed(name="ats", type="timestamptz[]", values=(f"'{{\"{_EARLY[0]}Z\"}}'", "'{}'")),
    Typed(name="oi", type="oid", values=("0", "4294967295")),
]  # fmt: skip
SPECIALS = [
    Typed(name="n", type="numeric", values=("'NaN'", "'Infinity'", "'-Infinity'")),
    Typed(name="d", type="double precision", values=("'NaN'", "'Infinity'", "'-Infinity'")),
    Typed(name="r", type="real", values=("'NaN'", "'Infinity'", "'-Infinity'")),
    Typed(name="ts", type="timestamp", values=("'infinity'", "'-infinity'", "'epoch'")),
    Typed(name="tstz", type="timestamptz", values=("'infinity'", "'-infinity'", "'epoch'")),
    Typed(name="da", type="date", values=("'infinity'", "'-infinity'", "'epoch'")),
]
_LONG = "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 100) i)"
POSTGRESQL_BEFORE = [
    "CREATE SCHEMA shop",
    *(f"CREATE EXTENSION {name}" for name in ("ltree", "citext", "hstore")),
    "CREATE TYPE shop.mood AS ENUM ('happy', 'so so')",
    "CREATE TABLE shop.customers (id int PRIMARY KEY, name varchar(40) NOT NULL, place text NOT NULL, note text DEFAULT 'none')",
    "CREATE TABLE shop.items (order_id text, line int, price numeric(12,2), place text, PRIMARY KEY (order_id, line))",
    "CREATE TABLE shop.emptied (id int PRIMARY KEY, place text NOT NULL)",
    f"CREATE TABLE shop.{LAST} (id int PRIMARY KEY, place text NOT NULL)",
    """CREATE TABLE shop.kinds (id bigint PRIMARY KEY, place text, n numeric, big numeric(38,10), b bit(8), vb varbit(16),
    f boolean, r real, d float8, at timestamptz, ts timestamp, ts0 timestamp(0), day date, clock time, zoned timetz, iv interval,
    u uuid, j jsonb, ip inet, tags text[], raw bytea, m money)""",
    created("shop.types", POSTGRESQL_TYPES),
    created("shop.specials", SPECIALS),
    "CREATE TABLE shop.big (id int PRIMARY KEY, n int, t text, j jsonb, h hstore, b bytea, ts text[], ns int[])",
    *(
        f"ALTER TABLE shop.big ALTER {column} SET STORAGE EXTERNAL"
        for column in ("t", "j", "h", "b", "ts", "ns")
    ),
]
POSTGRESQL = [
    *map(_in_schema, _CHANGES),
    """INSERT INTO shop.kinds VALUES (1, 'south', 123.45, 1234567890123456789012345678.0123456789, '10101010', '101', true, 1.5, 0.1,
    '2024-01-01 10:00:00.123456+02', '2024-01-01 10:00:00.123456', '2024-01-01 10:00:00', '2024-02-29', '23:59:59.999999',
    '10:00:00+02', '1 day 02:00:00', '3cfda21b-62c8-47e9-af8b-1b9e46e30bad', '{"a": [1, null]}', '10.0.0.1',
    '{a,"b,c",NULL}', '\\x00ff', 12.34)""",
    "INSERT INTO shop.kinds (id, place) VALUES (2, 'south')",
    "INSERT INTO shop.kinds (id, place, n, iv) VALUES (3, 'south', 1e20, '30 hours'), (4, 'south', 0.000001, '-1 hour')",
    "UPDATE shop.kinds SET f = false WHERE id = 1",
    *inserted("shop.types", POSTGRESQL_TYPES),
    "UPDATE shop.types SET i = 7 WHERE id = 1",
    *inserted("shop.specials", SPECIALS),
    f"""INSERT INTO shop.big SELECT 1, 1, v, jsonb_build_object('k', v), hstore('k', v), v::bytea, ARRAY[v, NULL],
    (SELECT array_agg(i) FROM generate_series(1, 1500) i) FROM (SELECT {_LONG}) AS long (v)""",  # noqa: S608 - our own
    "UPDATE shop.big SET n = 2",
    "UPDATE shop.big SET n = 3, t = 'short'",
    "SELECT pg_logical_emit_message(true, 'shop', 'a message')",
]

_T1 = "2024-01-01 10:00:00"


def _binary(
    name: str, kind: str, value: str, texts: tuple[str, str, str], *, empty: tuple[str, str] = ("", "")
) -> Typed:
    """A column of bytes: `texts` are the value in hexadecimal digits, in base64, and in base64 for URLs, `empty` what '' is."""
    hexadecimal, base64, url = texts
    return Typed(
        name=name, type=kind, values=(value, "''"), target="bytea", texts=(f"\\x{hexadecimal}", f"\\x{empty[0]}"),
        other={
            _TEXTS: ("text", (base64, empty[1])), _MILLIS: ("text", (hexadecimal, empty[0])), _NANOS: ("text", (url, empty[1])),
        },
    )  # fmt: skip


MARIADB_TYPES = [
    Typed(name="bo", type="boolean", values=("true", "false"), target="smallint", texts=("1", "0")),
    Typed(name="b1", type="bit(1)", values=("b'1'", "b'0'"), target="boolean", texts=("true", "false")),
    Typed(
        name="b12", type="bit(12)", values=("b'100000000011'", "b'1'"), target="bit(12)",
        texts=("100000000011", "000000000001"),
    ),
    Typed(name="ti8", type="tinyint", values=("-128", "127"), target="smallint", texts=("-128", "127")),
    Typed(name="tu8", type="tinyint unsigned", values=("0", "255"), target="smallint", texts=("0", "255")),
    Typed(name="su", type="smallint unsigned", values=("0", "65535"), target="integer", texts=("0", "65535")),
    Typed(name="me", type="mediumint", values=("-8388608", "8388607"), target="integer", texts=("-8388608", "8388607")),
    Typed(name="iu", type="int unsigned", values=("0", "4294967295"), target="bigint", texts=("0", "4294967295")),
    Typed(
        name="bi", type="bigint", values=("-9223372036854775808", "9223372036854775807"), target="bigint",
        texts=("-9223372036854775808", "9223372036854775807"),
    ),
    Typed(
        name="bu", type="bigint unsigned", values=("0", "18446744073709551615"), target="numeric",
        texts=("0", "18446744073709551615"),
        other=dict.fromkeys(("types", "types in microseconds"), ("numeric", ("0", "-1"))),  # the mode long: Debezium's
    ),
    Typed(name="fl", type="float", values=("1.5", "-3.4e38"), target="real", texts=("1.5", "-3.4e+38")),
    Typed(name="dou", type="double", values=("0.1", "1.7976931348623157e308"), target="double precision",
          texts=("0.1", "1.7976931348623157e+308")),
    Typed(
        name="de", type="decimal(12,2)", values=("-9999999999.99", "0.10"), target="numeric(12,2)",
        texts=("-9999999999.99", "0.10"),
    ),
    Typed(
        name="de38", type="decimal(38,10)", values=("1234567890123456789012345678.0123456789", "-0.0000000001"),
        target="numeric(38,10)", texts=("1234567890123456789012345678.0123456789", "-0.0000000001"),
        other={_MILLIS: ("numeric", ("1234567890123456900000000000", "-0.0000000001"))},  # the mode double: Debezium's
    ),
    Typed(name="ch", type="char(5)", values=("'ab'", "'größe'"), target="char(5)", texts=("ab", "größe")),
    Typed(name="vc", type="varchar(20)", values=("'größe 🦆  '", "''"), target="varchar(20)", texts=("größe 🦆  ", "")),
    Typed(name="tx", type="longtext", values=("'a\\n\"b\\\\'", "'x'"), target="text", texts=('a\n"b\\', "x")),
    _binary("bin", "binary(3)", "x'00ff10'", ("00ff10", "AP8Q", "AP8Q"), empty=("000000", "AAAA")),
    _binary("vbin", "varbinary(6)", "x'fbff'", ("fbff", "+/8=", "-_8=")),
    _binary("bl", "longblob", "x'00ff'", ("00ff", "AP8=", "AP8=")),
    Typed(
        name="js", type="json", values=('\'{"a": [1, null], "b": 12345678901234567890.10}\'', "'null'"), target="jsonb",
        texts=('{"a": [1, null], "b": 12345678901234567890.10}', "null"),
    ),
    Typed(name="en", type="enum('happy','so so')", values=("'so so'", "'happy'"), target="text", texts=("so so", "happy")),
    Typed(name="se", type="set('a','b','c')", values=("'a,c'", "''"), target="text[]", texts=("{a,c}", "{}")),
    Typed(name="ye", type="year", values=("2024", "1901"), target="integer", texts=("2024", "1901")),
    Typed(name="da", type="date", values=("'2024-02-29'", "'1000-01-01'"), target="date", texts=("2024-02-29", "1000-01-01")),
    Typed(
        name="ti", type="time(6)", values=("'23:59:59.999999'", "'00:00:00.000001'"), target="time",
        texts=("23:59:59.999999", "00:00:00.000001"),
        other={_MILLIS: ("time", ("23:59:59.999", "00:00:00"))},
    ),
    Typed(
        name="dt", type="datetime", values=(f"'{_T1}'", "'1000-01-01 00:00:00'"), target="timestamp",
        texts=(_T1, "1000-01-01 00:00:00"),
        other={_NANOS: ("timestamp", (_T1, "2169-02-08 23:09:07.419103"))},  # beyond 64 bits: Debezium's
    ),
    Typed(
        name="dt6", type="datetime(6)", values=(f"'{_T1}.123456'", "'9999-12-31 23:59:59.999999'"), target="timestamp",
        texts=(f"{_T1}.123456", "9999-12-31 23:59:59.999999"),
        other={
            _NANOS: ("timestamp", (f"{_T1}.123456", "1816-03-30 05:56:08.066276")),  # beyond 64 bits: Debezium's
            _MILLIS: ("timestamp", (f"{_T1}.123", "9999-12-31 23:59:59.999")),
        },
    ),
    Typed(
        name="tst", type="timestamp(6) null", values=(f"'{_T1}.123456'", "'1970-01-01 00:00:01'"), target="timestamptz",
        texts=(f"{_T1}.123456+00", "1970-01-01 00:00:01+00"),
    ),
    Typed(
        name="po", type="point", values=("ST_GeomFromText('POINT(1.5 -2)')", "ST_GeomFromText('POINT(0 0)')"), target="point",
        texts=("(1.5,-2)", "(0,0)"),
    ),
    Typed(
        name="ge", type="geometry", values=("ST_GeomFromText('LINESTRING(0 0,1 1)')", "ST_GeomFromText('POINT(0 1)')"),
        target="bytea",
        texts=(
            "\\x01020000000200000000000000000000000000000000000000000000000000f03f000000000000f03f",
            "\\x01010000000000000000000000000000000000f03f",
        ),
    ),
]  # fmt: skip
MARIADB_BEFORE = [
    "CREATE DATABASE shop DEFAULT CHARACTER SET utf8mb4",
    "CREATE TABLE shop.customers (id int PRIMARY KEY, name varchar(40) NOT NULL, place varchar(10) NOT NULL, note text DEFAULT 'none')",
    "CREATE TABLE shop.items (order_id varchar(20), line int, price decimal(12,2), place varchar(10), PRIMARY KEY (order_id, line))",
    "CREATE TABLE shop.emptied (id int PRIMARY KEY, place varchar(10) NOT NULL)",
    f"CREATE TABLE shop.{LAST} (id int PRIMARY KEY, place varchar(10) NOT NULL)",
    created("shop.types", MARIADB_TYPES),
]
MARIADB = [
    *map(_in_schema, _CHANGES),
    *inserted("shop.types", MARIADB_TYPES),
    "UPDATE shop.types SET me = 7 WHERE id = 1",
    "ALTER TABLE shop.emptied ADD COLUMN more int DEFAULT 5",
    "INSERT INTO shop.emptied (id, place) VALUES (4, 'south')",
]
