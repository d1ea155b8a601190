"""The tables and the changes that `record_change_events` records: what every source has, and PostgreSQL's own."""

from tests.contract.sink.typed_columns import (
    MICROS,
    MILLIS,
    NANOS,
    OF_A_SNAPSHOT,
    SNAPSHOT,
    TEXTS,
    Typed,
    created,
    inserted,
)

PLACES = ("north", "south")
"""What the field `place` of `customers` and others may hold: topics of records that are routed by it."""
LAST = "ends"
"""The table of the very last change, its only one; what is in it is not recorded."""

CHANGES = [
    "INSERT INTO shop.customers (id, name, place) VALUES (1, 'Ada', 'north'), (2, 'Grace', 'south'), (3, 'Größe', 'north')",
    "UPDATE shop.customers SET name = 'Ada L.' WHERE id = 1",
    "DELETE FROM shop.customers WHERE id = 2",
    "INSERT INTO shop.customers (id, name, place) VALUES (2, 'Grace again', 'south')",
    "UPDATE shop.customers SET id = 30 WHERE id = 3",
    "INSERT INTO shop.customers (id, name, place, note) VALUES (4, 'Null', 'north', NULL)",
    "INSERT INTO shop.items (order_id, line, price, place) VALUES ('o-1', 1, 12.34, 'north'), ('o-1', 2, 0.10, 'north')",
    "UPDATE shop.items SET price = 99999999.99 WHERE line = 2",
    "DELETE FROM shop.items WHERE line = 1",
    "INSERT INTO shop.emptied (id, place) VALUES (1, 'north'), (2, 'south')",
    "TRUNCATE TABLE shop.emptied",
    "INSERT INTO shop.emptied (id, place) VALUES (3, 'north')",
]
"""What happens to the tables that every source has."""

_EARLY = ("2024-01-01 10:00:00.123456", "2024-01-01 10:00:00.123", "2024-01-01 10:00:00")
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
        other={MILLIS: ("numeric", ("1234567890123456900000000000", "-0.0000000001"))},
    ),
    Typed(
        name="n", type="numeric", values=("123456789012345678901234567890.1234567890", "1e25"),
        texts=("123456789012345678901234567890.123456789", "10000000000000000000000000"),  # the last zero: Debezium's
        other={
            **dict.fromkeys((TEXTS, MICROS, SNAPSHOT), ("numeric", ())),
            MILLIS: ("numeric", ("123456789012345680000000000000", "10000000000000000000000000")),
        },
    ),
    Typed(name="bo", type="boolean", values=("true", "false")),
    Typed(name="ch", type="char(5)", values=("'ab'", "'größe'")),
    Typed(name="vc", type="varchar(10)", values=("'größe  '", "''")),
    Typed(name="tx", type="text", values=("E'a\\n\"b\\\\'", "'__debezium_unavailable'")),
    Typed(
        name="by", type="bytea", values=("'\\x00ff10'", "''"),
        other={TEXTS: ("text", ("AP8Q", "")), MILLIS: ("text", ("00ff10", "")), NANOS: ("text", ("AP8Q", ""))},
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
        other={MILLIS: ("time", ("23:59:59.999", "00:00:00"))},
    ),
    Typed(name="ti3", type="time(3)", values=("'10:00:00.123'", "'00:00:00'")),
    Typed(
        name="tz", type="timetz", values=("'10:00:00.5+02'", "'23:59:59Z'"), texts=("08:00:00.5+00", "23:59:59+00"),
    ),
    Typed(
        name="ts", type="timestamp", values=(f"'{_EARLY[0]}'", "'9999-12-31 23:59:59.999999'"),
        other={
            NANOS: ("timestamp", (_EARLY[0], "1816-03-30 05:56:08.066276")),  # beyond 64 bits: Debezium's
            MILLIS: ("timestamp", (_EARLY[1], "9999-12-31 23:59:59.999")),
        },
    ),
    Typed(
        name="ts3", type="timestamp(3)", values=(f"'{_EARLY[1]}'", "'0001-01-01 00:00:00'"),
        other={
            NANOS: ("timestamp", (_EARLY[1], "1754-08-30 22:43:41.128654")),  # beyond 64 bits: Debezium's
            **dict.fromkeys(
                (SNAPSHOT, TEXTS + OF_A_SNAPSHOT, MILLIS + OF_A_SNAPSHOT),
                ("timestamp", (_EARLY[1], "0001-12-30 00:00:00 BC")),  # the Julian calendar: Debezium's
            ),
        },
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
        other=dict.fromkeys(  # PostgreSQL makes no money of a double, which a snapshot's text is, too
            (MILLIS, SNAPSHOT, TEXTS + OF_A_SNAPSHOT), ("numeric", ("-12.34", "92233720368547760"))
        ),
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
    Typed(name="abo", type="boolean[]", values=("'{true,NULL,false}'", "'{}'")),
    Typed(name="abi", type="bigint[]", values=("'{9223372036854775807,NULL}'", "'{}'")),
    Typed(name="ar", type="real[]", values=("'{1.1,NULL}'", "'{}'")),
    Typed(name="ado", type="double precision[]", values=("'{0.1,-1e300}'", "'{}'")),
    Typed(name="anv", type="numeric[]", values=("'{123456.789,NULL,-0.5}'", "'{}'")),
    Typed(name="avc", type="varchar(10)[]", values=("'{größe,NULL}'", "'{}'")),
    Typed(
        name="aby", type="bytea[]", values=("ARRAY['\\x00ff10', NULL]::bytea[]", "'{}'"),
        other={
            **dict.fromkeys((TEXTS, NANOS), ("text[]", ("{AP8Q,NULL}", "{}"))), MILLIS: ("text[]", ("{00ff10,NULL}", "{}")),
        },
    ),
    Typed(name="atp", type="timestamp[]", values=(f"'{{\"{_EARLY[1]}\",NULL}}'", "'{}'")),
    Typed(name="ati", type="time[]", values=("'{10:00:00.5,NULL}'", "'{}'")),
    Typed(name="ajb", type="jsonb[]", values=("ARRAY['{\"a\": [1.50, null]}', NULL]::jsonb[]", "'{}'")),
    Typed(name="ain", type="inet[]", values=("'{10.0.0.1/24,::1}'", "'{}'")),
    Typed(name="aen", type="shop.mood[]", values=("'{happy,\"so so\"}'", "'{}'")),
    Typed(name="alt", type="ltree[]", values=("'{top.sub,top}'", "'{}'")),
    Typed(name="aci", type="citext[]", values=("'{aBc}'", "'{}'")),
    Typed(name="adr", type="daterange[]", values=("'{\"[2024-01-01,2024-02-01)\"}'", "'{}'")),
    Typed(name="mac8", type="macaddr8", values=("'08:00:2b:01:02:03:04:05'",) * 2),
    Typed(name="i8r", type="int8range", values=("'[1,5)'", "'empty'")),
    Typed(name="tzr", type="tstzrange", values=("'[2024-01-01 10:00Z,)'", "'empty'")),
    Typed(name="dom", type="shop.short", values=("'größe'", "''")),
]  # fmt: skip
SPECIALS = [
    Typed(name="n", type="numeric", values=("'NaN'", "'Infinity'", "'-Infinity'")),
    Typed(name="d", type="double precision", values=("'NaN'", "'Infinity'", "'-Infinity'")),
    Typed(name="r", type="real", values=("'NaN'", "'Infinity'", "'-Infinity'")),
    Typed(name="ts", type="timestamp", values=("'infinity'", "'-infinity'", "'epoch'")),
    Typed(name="tstz", type="timestamptz", values=("'infinity'", "'-infinity'", "'epoch'")),
    Typed(name="da", type="date", values=("'infinity'", "'-infinity'", "'epoch'")),
]
BIG = {
    "t": "text", "j": "jsonb", "h": "hstore", "b": "bytea", "ts": "text[]", "ns": "int[]", "ls": "bigint[]", "us": "uuid[]",
    "bs": "bytea[]", "js": "jsonb[]", "ds": "date[]",
}  # fmt: skip
"""Columns whose values are too long to be logged when they have not changed."""
_LONG = "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 100) i)"
POSTGRESQL_BEFORE = [
    "CREATE SCHEMA shop",
    *(f"CREATE EXTENSION {name}" for name in ("ltree", "citext", "hstore")),
    "CREATE TYPE shop.mood AS ENUM ('happy', 'so so')",
    "CREATE DOMAIN shop.short AS varchar(5)",
    "CREATE TABLE shop.customers (id int PRIMARY KEY, name varchar(40) NOT NULL, place text NOT NULL, note text DEFAULT 'none')",
    "CREATE TABLE shop.items (order_id text, line int, price numeric(12,2), place text, PRIMARY KEY (order_id, line))",
    "CREATE TABLE shop.emptied (id int PRIMARY KEY, place text NOT NULL)",
    f"CREATE TABLE shop.{LAST} (id int PRIMARY KEY, place text NOT NULL)",
    """CREATE TABLE shop.kinds (id bigint PRIMARY KEY, place text, n numeric, big numeric(38,10), b bit(8), vb varbit(16),
    f boolean, r real, d float8, at timestamptz, ts timestamp, ts0 timestamp(0), day date, clock time, zoned timetz, iv interval,
    u uuid, j jsonb, ip inet, tags text[], raw bytea, m money)""",
    *(created(f"shop.types{suffix}", POSTGRESQL_TYPES) for suffix in ("", "_before")),
    *(created(f"shop.specials{suffix}", SPECIALS) for suffix in ("", "_before")),
    *inserted("shop.types_before", POSTGRESQL_TYPES),
    "UPDATE shop.types_before SET i = 7 WHERE id = 1",
    *inserted("shop.specials_before", SPECIALS),
    f"CREATE TABLE shop.big (id int PRIMARY KEY, n int, {', '.join(f'{name} {kind}' for name, kind in BIG.items())})",
    *(f"ALTER TABLE shop.big ALTER {name} SET STORAGE EXTERNAL" for name in BIG),
]
"""The tables, and the rows that are there before a connector starts: what a snapshot reads."""
POSTGRESQL = [
    *CHANGES,
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
    f"""INSERT INTO shop.big SELECT 1, 1, v, jsonb_build_object('k', v), hstore('k', v), v::bytea, ARRAY[v, NULL], i, i,
    (SELECT array_agg(md5(each::text)::uuid) FROM unnest(i) each), ARRAY[v::bytea, NULL], ARRAY[to_jsonb(v)],
    (SELECT array_agg('2024-01-01'::date + each) FROM unnest(i) each)
    FROM (SELECT {_LONG}, (SELECT array_agg(i) FROM generate_series(1, 1500) i)) AS long (v, i)""",  # noqa: S608 - our own
    "UPDATE shop.big SET n = 2",
    "UPDATE shop.big SET n = 3, t = 'short'",
    "SELECT pg_logical_emit_message(true, 'shop', 'a message')",
]
