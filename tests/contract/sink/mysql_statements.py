"""The tables and the changes that `record_change_events` records of MariaDB and MySQL."""

from collections.abc import Sequence
from dataclasses import replace

from tests.contract.sink.change_event_statements import CHANGES, LAST
from tests.contract.sink.typed_columns import MICROS, MILLIS, NANOS, SNAPSHOT, TEXTS, Typed, created, inserted

_T1 = "2024-01-01 10:00:00"


def _binary(
    name: str, kind: str, value: str, texts: tuple[str, str, str], *, empty: tuple[str, str] = ("", "")
) -> Typed:
    """A column of bytes: `texts` are the value in hexadecimal digits, in base64, and in base64 for URLs, `empty` what '' is."""
    hexadecimal, base64, url = texts
    return Typed(
        name=name, type=kind, values=(value, "''"), target="bytea", texts=(f"\\x{hexadecimal}", f"\\x{empty[0]}"),
        other={
            TEXTS: ("text", (base64, empty[1])), MILLIS: ("text", (hexadecimal, empty[0])), NANOS: ("text", (url, empty[1])),
        },
    )  # fmt: skip


_TYPES = [
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
        other=dict.fromkeys(("types", MICROS), ("numeric", ("0", "-1"))),  # the mode long: Debezium's
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
        other={MILLIS: ("numeric", ("1234567890123456900000000000", "-0.0000000001"))},  # the mode double: Debezium's
    ),
    Typed(name="ch", type="char(5)", values=("'ab'", "'größe'"), target="char(5)", texts=("ab", "größe")),
    Typed(name="vc", type="varchar(20)", values=("'größe 🦆  '", "''"), target="varchar(20)", texts=("größe 🦆  ", "")),
    Typed(name="tx", type="longtext", values=("'a\\n\"b\\\\'", "'x'"), target="text", texts=('a\n"b\\', "x")),
    _binary("bin", "binary(3)", "x'00ff10'", ("00ff10", "AP8Q", "AP8Q"), empty=("000000", "AAAA")),
    _binary("vbin", "varbinary(6)", "x'fbff'", ("fbff", "+/8=", "-_8=")),
    _binary("bl", "longblob", "x'00ff'", ("00ff", "AP8=", "AP8=")),
    Typed(name="en", type="enum('happy','so so')", values=("'so so'", "'happy'"), target="text", texts=("so so", "happy")),
    Typed(name="se", type="set('a','b','c')", values=("'a,c'", "''"), target="text[]", texts=("{a,c}", "{}")),
    Typed(name="ye", type="year", values=("2024", "1901"), target="integer", texts=("2024", "1901")),
    Typed(name="da", type="date", values=("'2024-02-29'", "'1000-01-01'"), target="date", texts=("2024-02-29", "1000-01-01")),
    Typed(
        name="ti", type="time(6)", values=("'23:59:59.999999'", "'00:00:00.000001'"), target="time",
        texts=("23:59:59.999999", "00:00:00.000001"),
        other={MILLIS: ("time", ("23:59:59.999", "00:00:00"))},
    ),
    Typed(
        name="dt", type="datetime", values=(f"'{_T1}'", "'1000-01-01 00:00:00'"), target="timestamp",
        texts=(_T1, "1000-01-01 00:00:00"),
        other={NANOS: ("timestamp", (_T1, "2169-02-08 23:09:07.419103"))},  # beyond 64 bits: Debezium's
    ),
    Typed(
        name="dt6", type="datetime(6)", values=(f"'{_T1}.123456'", "'9999-12-31 23:59:59.999999'"), target="timestamp",
        texts=(f"{_T1}.123456", "9999-12-31 23:59:59.999999"),
        other={
            NANOS: ("timestamp", (f"{_T1}.123456", "1816-03-30 05:56:08.066276")),  # beyond 64 bits: Debezium's
            MILLIS: ("timestamp", (f"{_T1}.123", "9999-12-31 23:59:59.999")),
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
    Typed(name="tu1", type="tinyint(1) unsigned", values=("1", "255"), target="smallint", texts=("1", "255")),
    Typed(
        name="b64", type="bit(64)", values=(f"b'1{'0' * 62}1'", "b'10'"), target="bit(64)",
        texts=(f"1{'0' * 62}1", f"{'0' * 62}10"),
    ),
    Typed(
        name="de65", type="decimal(65,30)",
        values=("12345678901234567890123456789012345.123456789012345678901234567890", "-0.000000000000000000000000000001"),
        target="numeric(65,30)",
        texts=(
            "12345678901234567890123456789012345.123456789012345678901234567890", "-0.000000000000000000000000000001",
        ),
        other={
            MILLIS: ("numeric", ("12345678901234570000000000000000000", "-0.000000000000000000000000000001")),
        },  # the mode double: Debezium's
    ),
    Typed(
        name="la", type="varchar(10) character set latin1", values=("'größe €'", "''"), target="text", texts=("größe €", ""),
    ),
    Typed(
        name="en2", type="enum('a,b','it''s')", values=("'a,b'", "'it''s'"), target="text", texts=("a\\,b", "it's"),
        other={SNAPSHOT: ("text", ("a,b", "it's"))},  # the backslash: Debezium's
    ),
    Typed(
        name="dt3", type="datetime(3)", values=(f"'{_T1}.123'", "'1969-12-31 23:59:59.999'"), target="timestamp(3)",
        texts=(f"{_T1}.123", "1969-12-31 23:59:59.999"),
    ),
    Typed(
        name="gs", type="geometry", values=("ST_GeomFromText('POINT(1 2)', 3857)", "ST_GeomFromText('POINT(0 0)', 3857)"),
        target="text",  # as PostGIS reads it
        texts=("0101000020110F0000000000000000F03F0000000000000040", f"0101000020110F0000{'0' * 32}"),
    ),
]  # fmt: skip
MYSQL_TYPES = [
    *_TYPES,
    Typed(
        name="js", type="json", values=('\'{"a": [1, null], "b": 18446744073709551615, "c": 0.1}\'', "'null'"),
        target="jsonb", texts=('{"a": [1, null], "b": 18446744073709551615, "c": 0.1}', "null"),
    ),
    Typed(  # of SQL's values, which MySQL keeps in a JSON as what they are
        name="jso", type="json",
        values=(
            f"JSON_OBJECT('d', CAST('2024-02-29' AS DATE), 'n', CAST(1.10 AS DECIMAL(10,2)), 't', CAST('{_T1}.5' AS DATETIME(6)))",
            "JSON_ARRAY(true, CAST('10:00:00.5' AS TIME(6)))",
        ),
        target="jsonb",
        texts=(f'{{"d": "2024-02-29", "n": 1.10, "t": "{_T1}.5"}}', '[true, "10:00:00.5"]'),
        other={SNAPSHOT: ("jsonb", (f'{{"d": "2024-02-29", "n": 1.10, "t": "{_T1}.500000"}}', '[true, "10:00:00.500000"]'))},
    ),
]  # fmt: skip
_ZERO, _ZERO_DAY, _EPOCH = "'0000-00-00 00:00:00'", "'0000-00-00'", "1970-01-01 00:00:00"
# What becomes of a zero date is Debezium's: null, and where the column takes no null the beginning of 1970; a zero timestamp
# out of the binary log is that in any case. So are the years, and times that its settings have no place for.
MYSQL_SPECIALS = [
    Typed(name="zd", type="date", values=(_ZERO_DAY, "'2024-02-29'"), texts=(None, "2024-02-29", None)),
    Typed(
        name="zdn", type=f"date NOT NULL DEFAULT {_ZERO_DAY}", values=(_ZERO_DAY, "'2024-02-29'"), target="date",
        texts=("1970-01-01", "2024-02-29", "1970-01-01"),
    ),
    Typed(
        name="zt", type="datetime(6)", values=(_ZERO, f"'{_T1}.5'"), target="timestamp", texts=(None, f"{_T1}.5", None),
    ),
    Typed(
        name="ztn", type=f"datetime NOT NULL DEFAULT {_ZERO}", values=(_ZERO, f"'{_T1}'"), target="timestamp",
        texts=(_EPOCH, _T1, _EPOCH),
    ),
    Typed(
        name="zs", type="timestamp NULL", values=(_ZERO, f"'{_T1}'"), target="timestamptz", texts=(f"{_EPOCH}+00", f"{_T1}+00", None),
        other={SNAPSHOT: ("timestamptz", (None, f"{_T1}+00", None))},
    ),
    Typed(
        name="zsn", type=f"timestamp NOT NULL DEFAULT {_ZERO}", values=(_ZERO, f"'{_T1}'"), target="timestamptz",
        texts=(f"{_EPOCH}+00", f"{_T1}+00", f"{_EPOCH}+00"),
    ),
    Typed(
        name="y0", type="year", values=("0", "2155"), target="integer", texts=("1900", "2155", None),
        other={SNAPSHOT: ("integer", ("2000", "2155", None))},
    ),
    Typed(
        name="tl", type="time(6)", values=("'838:59:58.999999'", "'-838:59:59'"), target="interval",
        texts=("838:59:58.999999", "-838:59:59", None),
        other=dict.fromkeys((TEXTS, MILLIS), ("interval", (None, None, None))),
    ),
    Typed(
        name="tn", type="time", values=("'-00:00:01'", "'24:00:00'"), target="interval",
        texts=("-00:00:01", "24:00:00", None),
        other={TEXTS: ("interval", (None, "00:00:00", None)), MILLIS: ("interval", (None, "24:00:00", None))},
    ),
]  # fmt: skip


def _of_mariadb(columns: Sequence[Typed]) -> list[Typed]:
    """Of a snapshot, without years: MariaDB's driver does not read them."""
    return [
        replace(each, other={**each.other, SNAPSHOT: ("integer", (None, None))})
        if each.type == "year"
        else each
        for each in columns
    ]


MARIADB_TYPES = [
    *_of_mariadb(_TYPES),
    Typed(
        name="js", type="json", values=('\'{"a": [1, null], "b": 12345678901234567890.10}\'', "'null'"), target="jsonb",
        texts=('{"a": [1, null], "b": 12345678901234567890.10}', "null"),
    ),
    Typed(
        name="uu", type="uuid", values=("'3cfda21b-62c8-47e9-af8b-1b9e46e30bad'", "'00000000-0000-0000-0000-000000000001'"),
        target="uuid", texts=("3cfda21b-62c8-47e9-af8b-1b9e46e30bad", "00000000-0000-0000-0000-000000000001"),
    ),
]  # fmt: skip
MARIADB_SPECIALS = _of_mariadb(MYSQL_SPECIALS)


def _before(types: Sequence[Typed], specials: Sequence[Typed], *, text: str) -> list[str]:
    """The tables, and the rows that are there before a connector starts: what a snapshot reads."""
    return [
        "CREATE DATABASE shop DEFAULT CHARACTER SET utf8mb4",
        f"CREATE TABLE shop.customers (id int PRIMARY KEY, name varchar(40) NOT NULL, place varchar(10) NOT NULL, note {text} DEFAULT 'none')",
        "CREATE TABLE shop.items (order_id varchar(20), line int, price decimal(12,2), place varchar(10), PRIMARY KEY (order_id, line))",
        "CREATE TABLE shop.emptied (id int PRIMARY KEY, place varchar(10) NOT NULL)",
        f"CREATE TABLE shop.{LAST} (id int PRIMARY KEY, place varchar(10) NOT NULL)",
        *(created(f"shop.types{suffix}", types) for suffix in ("", "_before")),
        *(created(f"shop.specials{suffix}", specials) for suffix in ("", "_before")),
        *inserted("shop.types_before", types),
        "UPDATE shop.types_before SET me = 7 WHERE id = 1",
        *inserted("shop.specials_before", specials),
    ]


def _changes(types: Sequence[Typed], specials: Sequence[Typed]) -> list[str]:
    return [
        *CHANGES,
        *inserted("shop.types", types),
        "UPDATE shop.types SET me = 7 WHERE id = 1",
        *inserted("shop.specials", specials),
        "ALTER TABLE shop.emptied ADD COLUMN more int DEFAULT 5",
        "INSERT INTO shop.emptied (id, place) VALUES (4, 'south')",
    ]


MARIADB_BEFORE = _before(MARIADB_TYPES, MARIADB_SPECIALS, text="text")
MARIADB = _changes(MARIADB_TYPES, MARIADB_SPECIALS)
MYSQL_BEFORE = _before(MYSQL_TYPES, MYSQL_SPECIALS, text="varchar(40)")
MYSQL = _changes(MYSQL_TYPES, MYSQL_SPECIALS)
