"""Names of tables and columns that people have."""

from tests.integration.sink.field_cases.case import (
    AIVEN,
    CREATE,
    DEBEZIUM,
    INT,
    TEXT,
    TOLERANT,
    TRANSFORM,
    UPSERT,
    Case,
    Sent,
    row,
    struct,
)

FIELDS = {"id": TEXT, "v": INT}
ONE = {"id": "a", "v": 1}
ODD = {'a"b': INT, "c\\d": INT}
ODD_VALUES = {'a"b': 1, "c\\d": 2}


def _on(topic: str) -> Sent:
    record = row(FIELDS, ONE)
    return Sent(value=record.value, key=record.key, topic=topic)


CASES = [
    Case(
        name="dots in a topic, normalized",
        config={
            **UPSERT,
            **CREATE,
            "connector.class": AIVEN,
            "table.name.format": "kafka_${topic}",
            "table.name.normalize": "true",
        },
        records=[_on("T.is.a-test")],
        rows={'SELECT v FROM "kafka_T_is_a_test"': [(1,)]},
    ),
    Case(
        name="dots in a topic, with the class that puts underscores for them",
        config={
            "connector.class": DEBEZIUM,
            "schema.evolution": "basic",
            "insert.mode": "upsert",
            "primary.key.mode": "record_value",
            "primary.key.fields": "id",
        },
        records=[_on("T.inv.cust")],
        rows={'SELECT v FROM "T_inv_cust"': [(1,)]},
    ),
    Case(
        name="fields that are joined by dots",
        config={
            **UPSERT,
            **CREATE,
            "transforms": "f",
            "transforms.f.type": "org.apache.kafka.connect.transforms.Flatten$Value",
        },
        records=[row({"id": TEXT, "addr": struct({"city": TEXT})}, {"id": "a", "addr": {"city": "x"}})],
        rows={'SELECT "addr.city" FROM "T"': [("x",)]},
    ),
    Case(
        name="fields with blanks, at signs and brackets",
        config={**UPSERT, **CREATE},
        records=[
            row(
                {"id": TEXT, "@type": INT, "a b": INT, "c[0]": INT, "größe": INT},
                {"id": "a", "@type": 1, "a b": 2, "c[0]": 3, "größe": 4},
            )
        ],
        rows={'SELECT "@type", "a b", "c[0]", "größe" FROM "T"': [(1, 2, 3, 4)]},
    ),
    *(
        Case(
            name=f"fields with quotes and backslashes {where}{', with a transform' if transform else ''}",
            sql=['CREATE TABLE "T" (id text PRIMARY KEY, "a""b" int, "c\\d" int, o jsonb, st text)'],
            config={**UPSERT, "identifiers.allow": ".+", **transform},
            records=[row({"id": TEXT, **fields}, {"id": "a", **payload})],
            rows={query: [(1, 2)]},
        )
        for transform in ({}, TRANSFORM)
        for where, fields, payload, query in (
            ("of the record", ODD, ODD_VALUES, """SELECT "a""b", "c\\d" FROM "T\""""),
            (
                "of a struct",
                {"o": struct(ODD)},
                {"o": ODD_VALUES},
                """SELECT (o ->> 'a"b')::int, (o ->> 'c\\d')::int FROM "T\"""",
            ),
        )
    ),
    Case(
        name="a field with a control character",
        config={**UPSERT, **CREATE, **TOLERANT},
        records=[row(FIELDS, ONE), row({**FIELDS, "a\nb": INT}, {**ONE, "id": "b", "a\nb": 1})],
        rows={'SELECT id FROM "T"': [("a",)]},
        dead=[1],
    ),
    Case(
        name="fields called as columns of the system's own",
        config={**UPSERT, **CREATE, **TOLERANT},
        records=[
            row(FIELDS, ONE),
            *(
                row({**FIELDS, name: INT}, {"id": name, "v": 1, name: 1})
                for name in ("ctid", "xmin", "tableoid")
            ),
            row(
                {**FIELDS, "select": INT, "user": INT, "Order": INT},
                {"id": "b", "v": 1, "select": 2, "user": 3, "Order": 4},
            ),
        ],
        rows={
            'SELECT id, "select", "user", "Order" FROM "T" ORDER BY id': [
                ("a", None, None, None),
                ("b", 2, 3, 4),
            ]
        },
        dead=[1, 2, 3],
    ),
    Case(
        name="fields called so in the first record of a table that is to be made",
        config={**UPSERT, **CREATE, **TOLERANT},
        records=[row({**FIELDS, "xmax": INT}, {**ONE, "xmax": 1}), row(FIELDS, ONE)],
        rows={'SELECT id FROM "T"': [("a",)]},
        dead=[0],
    ),
    Case(
        name="fields that differ only in case, folded",
        config={**UPSERT, **CREATE, **TOLERANT, "quote.sql.identifiers": "never"},
        records=[
            row({**FIELDS, "V": INT}, {**ONE, "V": 2}),
            row({**FIELDS, "W": INT}, {"id": "b", "v": 1, "W": 2}),
        ],
        rows={"SELECT id, v, w FROM T": [("b", 1, 2)]},
        dead=[0],
    ),
]
