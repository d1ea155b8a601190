"""Constraints, triggers, policies and time limits: one bad record is one bad record, and what only has to wait, waits."""

from tests.integration.sink.field_cases.case import (
    BY_KEY,
    INT,
    PLAIN,
    TEXT,
    TEXT_OR_NULL,
    TOLERANT,
    UPSERT,
    Case,
    Sent,
    keyed,
    row,
)

FIELDS = {"id": TEXT, "v": INT}
CHILD = {"id": TEXT, "pid": TEXT}
V = {"v": INT}


def _rows(count: int, *bad: int) -> list[Sent]:
    """`count` records, of which those named carry -1."""
    return [row(FIELDS, {"id": f"k{n:04}", "v": -1 if n in bad else n}) for n in range(count)]


def _on(topic: str, record: Sent) -> Sent:
    return Sent(value=record.value, key=record.key, topic=topic)


def _child(number: int, parent: str) -> Sent:
    return row(CHILD, {"id": f"c{number:03}", "pid": parent})


def _trigger(body: str) -> list[str]:
    return [
        'CREATE TABLE "T" (id text PRIMARY KEY, v int)',
        f"""CREATE FUNCTION "T_f"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN new; END $$""",
        'CREATE TRIGGER t BEFORE INSERT ON "T" FOR EACH ROW EXECUTE FUNCTION "T_f"()',
    ]


def _refusing(how: str) -> list[str]:
    return _trigger(f"IF new.v < 0 THEN {how}; END IF;")


def _refused(name: str, how: str, count: int = 3) -> Case:
    bad = count // 2
    return Case(
        name=name,
        sql=_refusing(how),
        config={**UPSERT, **TOLERANT},
        records=_rows(count, bad),
        rows={'SELECT count(*) FROM "T"': [(count - 1,)]},
        dead=[bad],
    )


ONE_BATCH = {"linger.ms": "1500"}  # two topics are fetched from two brokers
PARENTS = [
    'CREATE TABLE "T_p" (id text PRIMARY KEY)',
    """INSERT INTO "T_p" VALUES ('p')""",
]

CASES = [
    Case(
        name="parents of the same batch in a table that sorts later",
        sql=[
            'CREATE TABLE "T_z" (id text PRIMARY KEY, v int)',
            'CREATE TABLE "T_a" (id text PRIMARY KEY, pid text NOT NULL REFERENCES "T_z")',
        ],
        config={**UPSERT, **ONE_BATCH},
        records=[
            *(_on("T_a", _child(n, f"k{n:04}")) for n in range(10)),
            *(_on("T_z", record) for record in _rows(10)),
        ],
        rows={'SELECT count(*) FROM "T_z"': [(10,)], 'SELECT count(*) FROM "T_a"': [(10,)]},
    ),
    Case(
        name="the same in a large batch, with plain inserts",
        sql=[
            'CREATE TABLE "T_z" (id text PRIMARY KEY, v int)',
            'CREATE TABLE "T_a" (id text PRIMARY KEY, pid text NOT NULL REFERENCES "T_z")',
        ],
        config={**PLAIN, **ONE_BATCH},
        records=[
            *(_on("T_a", _child(n, f"k{n:04}")) for n in range(200)),
            *(_on("T_z", record) for record in _rows(200)),
        ],
        rows={'SELECT count(*) FROM "T_z"': [(200,)], 'SELECT count(*) FROM "T_a"': [(200,)]},
    ),
    Case(
        name="parent and child deleted in one batch, the parent first",
        sql=[
            'CREATE TABLE "T_a" (id text PRIMARY KEY, v int)',
            'CREATE TABLE "T_z" (id text PRIMARY KEY, v int, pid text REFERENCES "T_a")',
            """INSERT INTO "T_a" VALUES ('p', 1)""",
            """INSERT INTO "T_z" VALUES ('c', 1, 'p')""",
        ],
        config={**BY_KEY, **TOLERANT, **ONE_BATCH},
        records=[_on("T_a", keyed("p", V, None)), _on("T_z", keyed("c", V, None))],
        rows={'SELECT count(*) FROM "T_a"': [(0,)], 'SELECT count(*) FROM "T_z"': [(0,)]},
    ),
    Case(
        name="parent and child deleted in one batch where deletes are restricted, beside a bad record",
        sql=[
            'CREATE TABLE "T_a" (id text PRIMARY KEY, v int CHECK (v >= 0))',
            'CREATE TABLE "T_z" (id text PRIMARY KEY, v int, pid text REFERENCES "T_a" ON DELETE RESTRICT)',
            """INSERT INTO "T_a" VALUES ('p', 1)""",
            """INSERT INTO "T_z" VALUES ('c', 1, 'p')""",
        ],
        config={**BY_KEY, **TOLERANT, **ONE_BATCH},
        records=[
            _on("T_a", keyed("p", V, None)),
            _on("T_a", keyed("bad", V, {"v": -1})),
            _on("T_z", keyed("c", V, None)),
        ],
        rows={'SELECT count(*) FROM "T_a"': [(0,)], 'SELECT count(*) FROM "T_z"': [(0,)]},
        dead=[1],
    ),
    Case(
        name="a row that another still refers to where deletes are restricted, until another writer deletes that one",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, v int)',
            'CREATE TABLE "T_c" (pid text REFERENCES "T" ON DELETE RESTRICT)',
            """INSERT INTO "T" VALUES ('p', 1)""",
            """INSERT INTO "T_c" VALUES ('p')""",
        ],
        config={**BY_KEY, **TOLERANT, "retry.backoff.ms": "1000"},
        records=[keyed("p", V, None)],
        later=['DELETE FROM "T_c"'],
        rows={'SELECT count(*) FROM "T"': [(0,)]},
    ),
    Case(
        name="a table that refers to itself, children before parents",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, pid text REFERENCES "T")'],
        config=UPSERT,
        records=[
            row(
                {"id": TEXT, "pid": TEXT_OR_NULL}, {"id": f"{n:03}", "pid": f"{n + 1:03}" if n < 99 else None}
            )
            for n in range(100)
        ],
        rows={'SELECT count(*) FROM "T"': [(100,)]},
    ),
    Case(
        name="a missing parent is one bad record",
        sql=[*PARENTS, 'CREATE TABLE "T" (id text PRIMARY KEY, pid text REFERENCES "T_p")'],
        config={**UPSERT, **TOLERANT, "max.retries": "1", "retry.backoff.ms": "100"},
        records=[_child(n, "nobody" if n == 20 else "p") for n in range(41)],
        rows={'SELECT count(*) FROM "T"': [(40,)]},
        dead=[20],
    ),
    Case(
        name="a parent that another writer brings a moment later",
        sql=[*PARENTS, 'CREATE TABLE "T" (id text PRIMARY KEY, pid text NOT NULL REFERENCES "T_p")'],
        config={**UPSERT, "retry.backoff.ms": "1000"},
        records=[_child(1, "late")],
        later=["""INSERT INTO "T_p" VALUES ('late')"""],
        rows={'SELECT pid FROM "T"': [("late",)]},
    ),
    Case(
        name="the same with bad records tolerated: the parent comes before the dead letter",
        sql=[*PARENTS, 'CREATE TABLE "T" (id text PRIMARY KEY, pid text NOT NULL REFERENCES "T_p")'],
        config={**UPSERT, **TOLERANT, "retry.backoff.ms": "1000"},
        records=[_child(1, "late"), _child(2, "p")],
        later=["""INSERT INTO "T_p" VALUES ('late')"""],
        rows={'SELECT count(*) FROM "T"': [(2,)]},
    ),
    Case(
        name="a foreign key that is checked at commit",
        sql=[
            *PARENTS,
            'CREATE TABLE "T" (id text PRIMARY KEY, pid text REFERENCES "T_p" DEFERRABLE INITIALLY DEFERRED)',
        ],
        config={**UPSERT, **TOLERANT, "max.retries": "1", "retry.backoff.ms": "100"},
        records=[_child(n, "nobody" if n == 20 else "p") for n in range(41)],
        rows={'SELECT count(*) FROM "T"': [(40,)]},
        dead=[20],
    ),
    Case(
        name="a unique constraint that is checked at commit",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, v int, UNIQUE (v) DEFERRABLE INITIALLY DEFERRED)',
            """INSERT INTO "T" VALUES ('before', 7)""",
        ],
        config={**UPSERT, **TOLERANT},
        records=_rows(100),
        rows={'SELECT count(*) FROM "T"': [(100,)]},
        dead=[7],
    ),
    Case(
        name="a constraint trigger that is deferred",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, v int)',
            """CREATE FUNCTION "T_f"() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF new.v < 0 THEN RAISE EXCEPTION 'negative'; END IF; RETURN new; END $$""",
            """CREATE CONSTRAINT TRIGGER t AFTER INSERT ON "T" DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION "T_f"()""",
        ],
        config={**UPSERT, **TOLERANT},
        records=_rows(100, 40),
        rows={'SELECT count(*) FROM "T"': [(99,)]},
        dead=[40],
    ),
    _refused("a trigger with a code of its own", "RAISE EXCEPTION 'negative' USING ERRCODE = 'AB123'"),
    _refused("the same in a large batch", "RAISE EXCEPTION 'negative' USING ERRCODE = 'AB123'", 500),
    _refused("a trigger that raises", "RAISE EXCEPTION 'negative'"),
    _refused("a trigger that finds no data", "RAISE no_data_found"),
    _refused("a trigger whose assertion fails", "ASSERT false, 'negative'"),
    _refused("a trigger that divides by zero", "PERFORM 1 / 0"),
    _refused("a trigger that names a table that is not there", "PERFORM * FROM nowhere"),
    _refused(
        "a trigger with a code of the application's class", "RAISE EXCEPTION 'x' USING ERRCODE = 'ZZ001'"
    ),
    _refused("a trigger that says the privilege is missing", "RAISE insufficient_privilege"),
    Case(
        name="an expression index that the row is too long for",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, w text)', 'CREATE INDEX ON "T" (w)'],
        config={**UPSERT, **TOLERANT},
        records=[
            row({"id": TEXT, "w": TEXT}, {"id": "a", "w": "short"}),
            row(
                {"id": TEXT, "w": TEXT},
                {"id": "b", "w": "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(20_000))},
            ),
            row({"id": TEXT, "w": TEXT}, {"id": "c", "w": "short"}),
        ],
        rows={'SELECT id FROM "T" ORDER BY id': [("a",), ("c",)]},
        dead=[1],
    ),
    Case(
        name="a partitioned table without a partition for one record",
        sql=[
            'CREATE TABLE "T" (id text, v int) PARTITION BY RANGE (v)',
            'CREATE TABLE "T_1" PARTITION OF "T" FOR VALUES FROM (0) TO (1000)',
        ],
        config={**PLAIN, **TOLERANT},
        records=_rows(200, 100),
        rows={'SELECT count(*) FROM "T"': [(199,)]},
        dead=[100],
    ),
    Case(
        name="a view with a check option refuses one record",
        sql=[
            'CREATE TABLE "T_b" (id text PRIMARY KEY, v int)',
            'CREATE VIEW "T" AS SELECT id, v FROM "T_b" WHERE v >= 0 WITH CHECK OPTION',
        ],
        config={**PLAIN, **TOLERANT},
        records=_rows(200, 100),
        rows={'SELECT count(*) FROM "T_b"': [(199,)]},
        dead=[100],
    ),
    Case(
        rich=True,
        name="an exclusion constraint",
        sql=[
            "CREATE EXTENSION btree_gist",
            'CREATE TABLE "T" (id text, v int, EXCLUDE USING gist (v WITH =))',
        ],
        config={**PLAIN, **TOLERANT},
        records=_rows(100, 50, 51),
        rows={'SELECT count(*) FROM "T"': [(99,)]},
        dead=[51],
    ),
]
