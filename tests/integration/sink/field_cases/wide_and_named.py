"""Tables as wide as PostgreSQL has them, rows of many small texts, and names that the sink's own statements use."""

from tests.integration.sink.field_cases.case import (
    CREATE,
    INT,
    TEXT,
    TOLERANT,
    UPSERT,
    Case,
    Sent,
    row,
)

FIELDS = {"id": TEXT, "v": INT}
MOST_COLUMNS = 1600
LONG_LABEL = "label_of_an_enum"
SIZES = (3, 70)
OWN_NAMES = ("excluded", "s", "t", "r", "changed0", "earlier", "order")


def _columns(count: int, kind: str) -> str:
    return ", ".join(f"c{number} {kind}" for number in range(count))


def _wide(count: int) -> list[Sent]:
    names = [f"c{number}" for number in range(MOST_COLUMNS - 1)]
    fields = {"id": TEXT, **dict.fromkeys(names, INT)}
    return [row(fields, {"id": f"k{number}", **dict.fromkeys(names, number)}) for number in range(count)]


def _labels(count: int) -> list[Sent]:
    names = [f"c{number}" for number in range(700)]
    fields = {"id": TEXT, **dict.fromkeys(names, TEXT)}
    return [row(fields, {"id": f"k{number}", **dict.fromkeys(names, LONG_LABEL)}) for number in range(count)]


CASES = [
    *(
        Case(
            name=f"a table of 1,600 columns, {count} rows, {mode}",
            sql=[f'CREATE TABLE "T" (id text PRIMARY KEY, {_columns(MOST_COLUMNS - 1, "int")})'],
            config={**UPSERT, "insert.mode": mode},
            records=_wide(count),
            rows={'SELECT count(*), max(c1598) FROM "T"': [(count, count - 1)]},
        )
        for count in SIZES
        for mode in ("upsert", "ignore")
    ),
    *(
        Case(
            name=f"a row that fits as labels of an enum and would not as texts, {count} rows",
            sql=[
                f"""CREATE TYPE "T_e" AS ENUM ('{LONG_LABEL}')""",
                f'CREATE TABLE "T" (id text PRIMARY KEY, {_columns(700, chr(34) + "T_e" + chr(34))})',
            ],
            config={**UPSERT, **TOLERANT},
            records=_labels(count),
            rows={'SELECT count(*) FROM "T"': [(count,)]},
        )
        for count in SIZES
    ),
    *(
        Case(
            name=f"a table named {name}, which a statement of the sink's uses, {count} rows",
            config={**UPSERT, **CREATE, "table.name.format": name},
            records=[row(FIELDS, {"id": f"k{number}", "v": number}) for number in range(count)],
            rows={f'SELECT count(*), max(v) FROM "{name}"': [(count, count - 1)]},  # noqa: S608 - our own
        )
        for name in OWN_NAMES
        for count in SIZES
    ),
    Case(
        name="a table's name with dollars around the topic",
        config={**UPSERT, **CREATE, "table.name.format": "p$${topic}$x"},
        records=[row(FIELDS, {"id": "a", "v": 1})],
        rows={'SELECT id, v FROM "p$T$x"': [("a", 1)]},
    ),
]
