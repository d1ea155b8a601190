"""What a column would round, cut or take for something else; and the ends of every range."""

from tests.integration.sink.field_cases.case import (
    TEXT,
    TOLERANT,
    TRANSFORM,
    UPSERT,
    Case,
    Json,
    Sent,
    kind,
    logical,
    row,
    struct,
)

MICROS = logical("int64", "io.debezium.time.MicroTimestamp")
MICRO_TIME = logical("int64", "io.debezium.time.MicroTime")
ZONED = logical("string", "io.debezium.time.ZonedTimestamp")
DECIMAL_20 = logical("bytes", "org.apache.kafka.connect.data.Decimal", parameters={"scale": "2"})
MILLIS = logical("int64", "org.apache.kafka.connect.data.Timestamp")
BIGINT = kind("int64")
FOR_EVER_US = 9_223_372_036_825_200_000
PLAIN_JSON = {
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
}


def _refused(  # noqa: PLR0913, PLR0917 - read as a line of a table
    name: str, column: str, field: Json, fits: Json, bad: Json, stored: str, *, since: int = 0
) -> list[Case]:
    return [
        Case(
            name=f"{name}{', with a transform' if transform else ''}",
            sql=[f'CREATE TABLE "T" (id text PRIMARY KEY, x {column}, st text)'],
            config={**UPSERT, **TOLERANT, **transform},
            records=[
                row({"id": TEXT, "x": field}, {"id": key, "x": payload})
                for key, payload in (("a", fits), ("b", bad))
            ],
            rows={'SELECT id, x::text FROM "T"': [("a", stored)]},
            dead=[1],
            since=since,
        )
        for transform in ({}, TRANSFORM)
    ]


def _kept(  # noqa: PLR0913 - read as a line of a table
    name: str, column: str, field: Json, payload: Json, stored: str, *, since: int = 0
) -> list[Case]:
    return [
        Case(
            name=f"{name}{', with a transform' if transform else ''}",
            sql=[f'CREATE TABLE "T" (id text PRIMARY KEY, x {column}, st text)'],
            config={**UPSERT, **TOLERANT, **transform},
            records=[row({"id": TEXT, "x": field}, {"id": "a", "x": payload})],
            rows={'SELECT x::text FROM "T"': [(stored,)]},
            since=since,
        )
        for transform in ({}, TRANSFORM)
    ]


CASES = [
    *_refused(
        "microseconds for timestamp(3)",
        "timestamp(3)",
        MICROS,
        1_704_103_200_123_000,
        1_704_103_200_123_456,
        "2024-01-01 10:00:00.123",
    ),
    *_refused(
        "microseconds for timestamptz(0)",
        "timestamptz(0)",
        ZONED,
        "2024-01-01T10:00:00Z",
        "2024-01-01T10:00:00.5Z",
        "2024-01-01 10:00:00+00",
    ),
    *_refused("microseconds for time(0)", "time(0)", MICRO_TIME, 36_000_000_000, 36_000_500_000, "10:00:00"),
    *_refused("a text with a fraction for time(0)", "time(0)", TEXT, "10:00:00", "10:00:00.5", "10:00:00"),
    *_refused(
        "microseconds for interval(0)",
        "interval(0)",
        logical("int64", "io.debezium.time.MicroDuration"),
        1_000_000,
        1_500_000,
        "00:00:01",
    ),
    *_refused(
        "a text of months for interval year", "interval year", TEXT, "2 years", "1 year 2 mons", "2 years"
    ),
    *_refused("a text of three digits for numeric(6,2)", "numeric(6,2)", TEXT, "1.23", "1.239", "1.23"),
    *_refused("no byte for a decimal", "numeric", DECIMAL_20, "Aw==", "", "0.03"),
    Case(
        name="a text of three digits for numeric(6,2) without a schema",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, x numeric(6,2))'],
        config={**UPSERT, **TOLERANT, **PLAIN_JSON},
        records=[
            Sent(key=b"k", value=b'{"id":"%s","x":%s}' % (key, number))
            for key, number in ((b"a", b'"1.23"'), (b"b", b'"1.239"'), (b"c", b"1.239"))
        ],
        rows={'SELECT id, x::text FROM "T" ORDER BY id': [("a", "1.23"), ("c", "1.24")]},
        dead=[1],
    ),
    *_refused("a bigint for a double", "double precision", BIGINT, 2**53, 2**53 + 1, "9.007199254740992e+15"),
    *_refused("an integer for a real", "real", kind("int32"), 2**24, 2**24 + 1, "1.6777216e+07"),
    *_refused("a bigint for a numeric of tens", "numeric(6,-2)", BIGINT, 1200, 1234, "1200", since=15),
    *_refused(
        "a decimal for money",
        "money",
        logical("bytes", "org.apache.kafka.connect.data.Decimal", parameters={"scale": "3"}),
        "A+g=",
        "A+k=",
        "$1.00",
    ),
    *_refused(
        "a decimal of twenty digits for a double",
        "double precision",
        DECIMAL_20,
        "MDk=",
        "AaulTR2eOl8=",
        "123.45",
    ),
    *_refused(
        "a text of twenty digits for a double",
        "double precision",
        TEXT,
        "123.45",
        "123456789012345678.91",
        "123.45",
    ),
    *_refused("a bigint for an integer", "integer", BIGINT, 2**31 - 1, 2**31, "2147483647"),
    *_refused("an integer for a smallint", "smallint", kind("int32"), -(2**15), 2**15, "-32768"),
    *_refused("a number for a bit string", "bit(1)", kind("int32"), 1, 2, "1"),
    *_refused("too long a number for numeric(4,2)", "numeric(4,2)", DECIMAL_20, "Aw==", "MDk=", "0.03"),
    *_refused("infinity for an integer", "integer", kind("double"), 1.0, "Infinity", "1"),
    *_refused("NaN for a bigint", "bigint", kind("float"), 1.0, "NaN", "1"),
    *_refused("NaN and no other word for a double", "double precision", kind("double"), 1.5, "soon", "1.5"),
    *_kept("NaN in a double", "double precision", kind("double"), "NaN", "NaN"),
    *_kept("NaN in a numeric of two digits", "numeric(6,2)", kind("double"), "NaN", "NaN"),
    *_kept("NaN in a text", "text", kind("float"), "NaN", "NaN"),
    *_kept(
        "NaN in a list of doubles", "float8[]", kind("array", items=kind("double")), ["NaN", 1.5], "{NaN,1.5}"
    ),
    *_kept("NaN in a struct", "jsonb", struct({"n": kind("double")}), {"n": "NaN"}, '{"n": "NaN"}'),
    *_kept(
        "a double without a point in a struct", "jsonb", struct({"n": kind("double")}), {"n": 5}, '{"n": 5.0}'
    ),
    *_kept("NaN as Debezium writes a decimal", "numeric", TEXT, "NAN", "NaN"),
    *_kept("infinity in a real", "real", kind("float"), "-Infinity", "-Infinity"),
    *_kept("infinity in a numeric", "numeric", kind("double"), "Infinity", "Infinity", since=14),
    *_kept(
        "infinity as Debezium writes a decimal", "numeric", TEXT, "NEGATIVE_INFINITY", "-Infinity", since=14
    ),
    *_kept(
        "infinity as Debezium counts it in a timestamp(3)", "timestamp(3)", MICROS, FOR_EVER_US, "infinity"
    ),
    *_kept(
        "infinity before all time as Debezium counts it",
        "timestamptz",
        MILLIS,
        -9_223_372_036_832_400,
        "-infinity",
    ),
    *(
        each
        for name, number, stored in (
            ("", -2_147_472_692, "infinity"),
            (" of a snapshot", -622_191_234, "infinity"),
            (" of a snapshot before all time", -625_821_272, "-infinity"),
        )
        for date in ("io.debezium.time.Date", "org.apache.kafka.connect.data.Date")
        for each in _kept(
            f"infinity as Debezium counts it in a date{name}, as {date.rpartition('.')[0]}",
            "date",
            logical("int32", date),
            number,
            stored,
        )
    ),
    *(
        Case(
            name=f"{name} without a schema",
            sql=[f'CREATE TABLE "T" (id text PRIMARY KEY, x {column})'],
            config={**UPSERT, **PLAIN_JSON},
            records=[Sent(key=b"a", value=b'{"id":"a","x":"%s"}' % stored.encode())],
            rows={'SELECT x::text FROM "T"': [(stored,)]},
        )
        for name, column, stored in (
            ("NaN in a double", "double precision", "NaN"),
            ("NaN in a numeric", "numeric", "NaN"),
            ("infinity in a real", "real", "-Infinity"),
        )
    ),
    *_kept("a number into a bit string of eight", "bit(8)", kind("int32"), 5, "00000101"),
    *_kept("blanks beyond the length of varchar(3)", "varchar(3)", TEXT, "abc  ", "abc"),
    *_kept("the least bigint", "bigint", BIGINT, -(2**63), str(-(2**63))),
    *_kept("the greatest bigint into a numeric", "numeric", BIGINT, 2**63 - 1, str(2**63 - 1)),
    *_kept("a float32 into a text", "text", kind("float"), 0.1, "0.1"),
    *_kept(
        "a double with seventeen digits",
        "double precision",
        kind("double"),
        0.30000000000000004,
        "0.30000000000000004",
    ),
    *_kept("an instant before 1970", "timestamp", MICROS, -1, "1969-12-31 23:59:59.999999"),
    *_kept(
        "a Timestamp before 1970",
        "timestamptz",
        MILLIS,
        -1,
        "1969-12-31 23:59:59.999+00",
    ),
    *_kept(
        "nanoseconds before 1970",
        "timestamp",
        logical("int64", "io.debezium.time.NanoTimestamp"),
        -1000,
        "1969-12-31 23:59:59.999999",
    ),
    *_kept(
        "an instant before our era", "timestamp", MICROS, -62_198_755_200_000_000, "0002-01-01 00:00:00 BC"
    ),
    *_kept(
        "an instant after the year 100000",
        "timestamp",
        MICROS,
        3_093_527_980_800_000_000,
        "100000-01-01 00:00:00",
    ),
    *_kept("infinity as a text", "timestamptz", TEXT, "infinity", "infinity"),
    *_kept("infinity as a zoned text", "timestamp", ZONED, "infinity", "infinity"),
    *_kept(
        "a zoned text before our era",
        "timestamp",
        TEXT,
        "0044-03-15 10:00:00+02 BC",
        "0044-03-15 08:00:00 BC",
    ),
    *_kept(
        "a text with an offset and no seconds",
        "timestamp",
        TEXT,
        "2024-01-01T10:00+02:00",
        "2024-01-01 08:00:00",
    ),
    *_kept(
        "a zoned text before our era as ISO has it",
        "timestamp",
        ZONED,
        "-0043-03-15T10:00:00+02:00",
        "0044-03-15 08:00:00 BC",
    ),
    *_kept(
        "a zoned text of the year before our era as ISO has it",
        "timestamp",
        ZONED,
        "0000-03-15T10:00:00Z",
        "0001-03-15 10:00:00 BC",
    ),
    *_kept(
        "a zoned text after the year 9999",
        "timestamptz",
        ZONED,
        "+10000-01-01T00:00:00.5Z",
        "10000-01-01 00:00:00.5+00",
    ),
    *(
        each
        for name, text, stored in (
            ("a text of a date before our era", "-0001-02-28Z", "0002-02-28 BC"),
            ("a text of a date before our era, in the year 0", "0000-12-30Z", "0001-12-30 BC"),
            ("infinity as a text of a date", "-5877611-06-21Z", "infinity"),
            ("infinity as a text of a date of a snapshot", "+292278994-08-16Z", "infinity"),
            ("infinity before all time as a text of a date of a snapshot", "+292269055-12-02Z", "-infinity"),
        )
        for each in _kept(name, "date", logical("string", "io.debezium.time.IsoDate"), text, stored)
    ),
    *_kept("a zoned text into a text", "text", ZONED, "+10000-01-01T00:00:00Z", "+10000-01-01T00:00:00Z"),
    *_kept(
        "a text with an offset in the basic form of ISO",
        "timestamp",
        TEXT,
        "20240101T100000+0200",
        "2024-01-01 08:00:00",
    ),
    *_kept(
        "a text with the name of a zone",
        "timestamp",
        TEXT,
        "2024-01-01 10:00:00 Asia/Seoul",
        "2024-01-01 01:00:00",
    ),
    *_kept(
        "a text with an offset after noon",
        "timestamp",
        TEXT,
        "2024-01-01 10:00:00.5 PM +02",
        "2024-01-01 20:00:00.5",
    ),
    *_kept("a text with noon alone", "timestamp", TEXT, "2024-01-01 10:00 PM", "2024-01-01 22:00:00"),
    *_kept("a text with an era alone", "timestamp", TEXT, "0044-03-15 10:00 BC", "0044-03-15 10:00:00 BC"),
    Case(
        name="a double into a text where the database asks for fewer digits",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, x text)',
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET extra_float_digits = 0', current_database()); END $$",
        ],
        config=UPSERT,
        records=[row({"id": TEXT, "x": kind("double")}, {"id": "a", "x": 0.30000000000000004})],
        rows={'SELECT x FROM "T"': [("0.30000000000000004",)]},
    ),
    *_kept(
        "a date before our era", "date", logical("int32", "io.debezium.time.Date"), -719_893, "0002-01-01 BC"
    ),
    *_kept("an empty text", "text", TEXT, "", ""),
    *_kept("blanks at the end of a text", "varchar(5)", TEXT, "ab  ", "ab  "),
    *_kept("empty bytes", "bytea", kind("bytes"), "", "\\x"),
    *_kept(
        "a tiny decimal",
        "numeric",
        logical("bytes", "org.apache.kafka.connect.data.Decimal", parameters={"scale": "40"}),
        "AQ==",
        "0." + "0" * 39 + "1",
    ),
    *_kept(
        "a decimal with a negative scale",
        "numeric",
        logical("bytes", "org.apache.kafka.connect.data.Decimal", parameters={"scale": "-3"}),
        "AQ==",
        "1000",
    ),
]
