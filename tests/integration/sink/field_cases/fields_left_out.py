"""Fields that a later schema has no more, renamed, widened or in another order; and those a source had not at hand."""

import json

from tests.integration.sink.field_cases.case import (
    BY_KEY,
    CREATE,
    DEBEZIUM,
    DECIMAL_2,
    INT,
    TEXT,
    TEXT_OR_NULL,
    TOLERANT,
    UPSERT,
    Case,
    Json,
    Sent,
    envelope,
    keyed,
    kind,
    logical,
    row,
    struct,
)

BOTH = {**UPSERT, **TOLERANT}
TABLE = 'CREATE TABLE "T" (id text PRIMARY KEY, v int NOT NULL, w int)'
SIZES = (3, 100, 600)  # row by row, staged, and so many that they would be copied if their keys were new
WITHOUT_V = {"id": TEXT, "w": INT}
PLAIN_JSON = {
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
}
PLACEHOLDER = "__debezium_unavailable_value"
NATIVE = {
    "connector.class": DEBEZIUM,
    "insert.mode": "upsert",
    "primary.key.mode": "record_key",
    "delete.enabled": "true",
    **TOLERANT,
}
DECIMAL_4 = logical("bytes", "org.apache.kafka.connect.data.Decimal", parameters={"scale": "4"})


def _old(count: int) -> str:
    return f"""INSERT INTO "T" SELECT 'k' || n, 7, 0 FROM generate_series(0, {count - 1}) AS n"""  # noqa: S608 - our own


def _updated(count: int) -> list[Sent]:
    """Of every row that is there, and of one that is not."""
    return [
        row(WITHOUT_V, {"id": key, "w": 1}) for key in (*(f"k{number}" for number in range(count)), "new")
    ]


def _of_source(operation: str, state: Json, fields: Json) -> Sent:
    side = struct(fields, optional=True)
    schema = struct(
        {"before": side, "after": side, "source": struct({"table": TEXT}), "op": TEXT},
        name="server.shop.Envelope",
    )
    event = {"before": None, "after": state, "source": {"table": "x"}, "op": operation}
    return Sent(key=envelope(struct({"id": TEXT}), {"id": state["id"]}), value=envelope(schema, event))


def _toasted(count: int) -> list[Sent]:
    fields = {"id": TEXT, "w": INT, "big": TEXT}
    state = {"w": 1, "big": PLACEHOLDER}
    return [_of_source("u", {"id": f"k{number}", **state}, fields) for number in range(count)]


CASES = [
    *(
        Case(
            name=f"a required field that a later schema has no more, {count} rows that are there and a new one",
            sql=[TABLE, _old(count)],
            config=BOTH,
            records=_updated(count),
            rows={'SELECT count(*), sum(v), sum(w) FROM "T"': [(count, 7 * count, count)]},
            dead=[count],
        )
        for count in SIZES
    ),
    *(
        Case(
            name=f"a required column that the source had not at hand stays, {count} rows",
            sql=[
                'CREATE TABLE "T" (id text PRIMARY KEY, w int, big text NOT NULL)',
                f"""INSERT INTO "T" SELECT 'k' || n, 0, 'kept' FROM generate_series(0, {count - 1}) AS n""",  # noqa: S608 - our own
            ],
            config=NATIVE,
            records=_toasted(count),
            rows={"""SELECT count(*), sum(w) FROM "T" WHERE big = 'kept'""": [(count, count)]},
        )
        for count in SIZES
    ),
    *(
        Case(
            name=f"a column that a {what} keeps from being null stays where a record has it not, {count} rows",
            sql=[
                """CREATE DOMAIN "T_d" AS text NOT NULL""",
                f'CREATE TABLE "T" (id text PRIMARY KEY, w int, big {column})',
                f"""INSERT INTO "T" SELECT 'k' || n, 0, 'kept' FROM generate_series(0, {count - 1}) AS n""",  # noqa: S608 - our own
            ],
            config=NATIVE,
            records=_toasted(count),
            rows={"""SELECT count(*), sum(w) FROM "T" WHERE big = 'kept'""": [(count, count)]},
        )
        for what, column in (("check", "text CHECK (big IS NOT NULL)"), ("domain", '"T_d"'))
        for count in SIZES
    ),
    Case(
        name="a required column that the source had not at hand stays, in a table that is made",
        config={**NATIVE, **CREATE},
        records=[
            _of_source("r", {"id": "k0", "w": 0, "big": "kept"}, {"id": TEXT, "w": INT, "big": TEXT}),
            *_toasted(1),
            _of_source("u", {"id": "k0", "w": 2, "big": "new"}, {"id": TEXT, "w": INT, "big": TEXT}),
            _of_source("u", {"id": "k0", "w": 3, "big": PLACEHOLDER}, {"id": TEXT, "w": INT, "big": TEXT}),
        ],
        rows={'SELECT id, w, big FROM "T"': [("k0", 3, "new")]},
    ),
    Case(
        name="a required field that some records without a schema have not",
        sql=[TABLE, _old(2)],
        config={**BOTH, **PLAIN_JSON},
        records=[
            Sent(value=json.dumps(value).encode())
            for value in ({"id": "k0", "w": 1}, {"id": "new", "w": 1}, {"id": "k1", "v": 8, "w": 1})
        ],
        rows={'SELECT id, v, w FROM "T" ORDER BY id': [("k0", 7, 1), ("k1", 8, 1)]},
        dead=[1],
    ),
    Case(
        name="rows that are there, by a record that has nothing but its key where more is required",
        sql=[TABLE, _old(1)],
        config=BOTH,
        records=[row({"id": TEXT}, {"id": "k0"}), row({"id": TEXT}, {"id": "new"})],
        rows={'SELECT id, v, w FROM "T"': [("k0", 7, 0)]},
        dead=[1],
    ),
    *(
        Case(
            name=f"the first state stays though a later record has not all that is required, {count} rows",
            sql=[TABLE, _old(count)],
            config={**BOTH, "insert.mode": "ignore"},
            records=_updated(count),
            rows={'SELECT count(*), sum(v), sum(w) FROM "T"': [(count, 7 * count, 0)]},
            dead=[count],
        )
        for count in SIZES
    ),
    Case(
        name="an older version without a required field changes nothing",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, v int NOT NULL, w int)',
            """INSERT INTO "T" VALUES ('a', 7, 5), ('b', 7, 5)""",
        ],
        config={**BOTH, "version.field": "w"},
        records=[row(WITHOUT_V, {"id": "a", "w": 4}), row(WITHOUT_V, {"id": "b", "w": 6})],
        rows={'SELECT id, v, w FROM "T" ORDER BY id': [("a", 7, 5), ("b", 7, 6)]},
    ),
    *(
        Case(
            name=f"a projection sees a row before and after a record that has not all that is required, {count} rows",
            sql=[TABLE, _old(count), 'CREATE TABLE "T_log" (id text, v int, old int, new int)'],
            config={
                **BOTH,
                "projections": "log",
                "projection.log.sql": 'INSERT INTO "T_log" SELECT n.id, n.v, o.w, n.w '
                'FROM pg_temp."new_T" AS n LEFT JOIN pg_temp."old_T" AS o USING (id)',
            },
            records=_updated(count)[:-1],
            rows={'SELECT count(*), sum(v), sum(old), sum(new) FROM "T_log"': [(count, 7 * count, 0, count)]},
        )
        for count in SIZES
    ),
    Case(
        name="a required field gone and back again, with a delete between",
        sql=[TABLE],
        config={**BY_KEY, **TOLERANT},
        records=[
            keyed("a", {"v": INT, "w": INT}, {"v": 1, "w": 1}),
            keyed("a", {"w": INT}, {"w": 2}),
            keyed("b", {"v": INT}, {"v": 1}),
            keyed("b", {}, None),
            keyed("b", {"w": INT}, {"w": 2}),
            keyed("a", {"v": INT}, {"v": 3}),
        ],
        rows={'SELECT id, v, w FROM "T"': [("a", 3, 2)]},
        dead=[4],
    ),
    Case(
        name="a field that is renamed in nothing but its case is another column",
        config={**BOTH, **CREATE},
        records=[
            row({"id": TEXT, "name": TEXT_OR_NULL}, {"id": "a", "name": "x"}),
            row({"id": TEXT, "Name": TEXT_OR_NULL}, {"id": "a", "Name": "y"}),
            row({"id": TEXT, "name": TEXT_OR_NULL}, {"id": "b", "name": "z"}),
        ],
        rows={'SELECT id, name, "Name" FROM "T" ORDER BY id': [("a", "x", "y"), ("b", "z", None)]},
    ),
    Case(
        name="a field that was required and is null later, in a table that was made for the first",
        config={**BOTH, **CREATE},
        records=[
            row({"id": TEXT, "v": kind("int32")}, {"id": "a", "v": 1}),
            row({"id": TEXT, "v": INT}, {"id": "b", "v": None}),
            row({"id": TEXT, "v": INT}, {"id": "c", "v": 3}),
        ],
        rows={'SELECT id, v FROM "T" ORDER BY id': [("a", 1), ("c", 3)]},
        dead=[1],
    ),
    Case(
        name="fields that are widened: what fits the columns is written, what does not is not cut",
        config={**BOTH, **CREATE},
        records=[
            row({"id": TEXT, "n": INT, "d": DECIMAL_2}, {"id": "a", "n": 1, "d": "ZA=="}),
            row({"id": TEXT, "n": kind("int64"), "d": DECIMAL_4}, {"id": "b", "n": 2, "d": "ZA=="}),
            row({"id": TEXT, "n": kind("int64"), "d": DECIMAL_4}, {"id": "c", "n": 2**40, "d": "ZA=="}),
            row({"id": TEXT, "n": TEXT, "d": DECIMAL_2}, {"id": "d", "n": "7", "d": "ZA=="}),
        ],
        rows={'SELECT id, n FROM "T" ORDER BY id': [("a", 1), ("b", 2), ("d", 7)]},
        dead=[2],
    ),
    Case(
        name="the same fields in another order from record to record",
        config={**BOTH, **CREATE},
        records=[
            row({"id": TEXT, "v": INT, "w": INT}, {"id": "a", "v": 1, "w": 2}),
            row({"w": INT, "id": TEXT, "v": INT}, {"w": 4, "id": "a", "v": 3}),
            row({"v": INT, "w": INT, "id": TEXT}, {"v": 5, "w": 6, "id": "b"}),
        ],
        rows={'SELECT id, v, w FROM "T" ORDER BY id': [("a", 3, 4), ("b", 5, 6)]},
    ),
    *(
        Case(
            name=f"a record without its version changes no row that has one, {count} rows",
            sql=[
                'CREATE TABLE "T" (id text PRIMARY KEY, w int, version int NOT NULL)',
                f"""INSERT INTO "T" SELECT 'k' || n, 7, 2 FROM generate_series(0, {count - 1}) AS n""",  # noqa: S608 - our own
            ],
            config={**BOTH, "version.field": "version"},
            records=[row(WITHOUT_V, {"id": f"k{number}", "w": 1}) for number in range(count)],
            rows={'SELECT count(*), sum(w) FROM "T"': [(count, 7 * count)]},
        )
        for count in SIZES
    ),
    *(
        Case(
            name=f"a trigger that fills a required column sees rows that are there as well, {count} rows",
            sql=[
                'CREATE TABLE "T" (id text PRIMARY KEY, v int NOT NULL, w int)',
                _old(count),
                """CREATE FUNCTION "T_filled"() RETURNS trigger LANGUAGE plpgsql AS
                $$BEGIN NEW.v := coalesce(NEW.v, 0); NEW.w := NEW.w + 10; RETURN NEW; END$$""",
                'CREATE TRIGGER filled BEFORE INSERT ON "T" FOR EACH ROW EXECUTE FUNCTION "T_filled"()',
            ],
            config=BOTH,
            records=_updated(count),
            rows={'SELECT count(*), sum(w) FROM "T"': [(count + 1, 11 * (count + 1))]},
        )
        for count in SIZES
    ),
]
