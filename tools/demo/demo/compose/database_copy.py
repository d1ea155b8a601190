"""An order instance's PostgreSQL copied into a file of SQLite, by what `psql` prints inside its container.

One snapshot of everything an audit reads, one JSON array per row.
"""

import json
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from auditor.sources.rows import WRITE_TABLES

PSQL_OPTIONS = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--username=postgres")
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_IN_PARTS = "\\set FETCH_COUNT 1000"
_BYTES = "\\x"


def copy_script(*, database: str, tables: Collection[str]) -> tuple[str, ...]:
    """The arguments with which `psql` prints a JSON array per row of `tables`: the table's name and the row."""
    selects = [
        f"SELECT json_build_array('{name}', to_json(t)) FROM ({sql}) AS t"  # noqa: S608  the auditor's own statements
        for name, sql in WRITE_TABLES.items()
        if name in tables
    ]
    commands = (_IN_PARTS, _SNAPSHOT, *selects, "COMMIT")
    return (f"--dbname={database}", *(word for command in commands for word in ("--command", command)))


def tables_script(*, database: str) -> tuple[str, ...]:
    """The arguments with which `psql` prints the names of the tables that are there, one a line."""
    return (
        f"--dbname={database}",
        "--command",
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    )


def fill(path: Path, printed: bytes, *, tables: Collection[str]) -> None:
    """Make the database at `path` out of what `psql` printed; a table without rows is there too."""
    with closing(sqlite3.connect(path)) as database, database:
        columns = {name: _columns(WRITE_TABLES[name]) for name in WRITE_TABLES if name in tables}
        for name, names in columns.items():
            database.execute(f"CREATE TABLE {name} ({', '.join(names)})")
        for line in printed.splitlines():
            name, row = json.loads(line)
            marks = ", ".join("?" * len(columns[name]))
            values = [_value(row[column]) for column in columns[name]]
            database.execute(f"INSERT INTO {name} VALUES ({marks})", values)  # noqa: S608  names from above


def _columns(select: str) -> list[str]:
    """The columns of a query that names them one by one."""
    listed = select.partition("SELECT")[2].partition("FROM")[0]
    return [column.strip() for column in listed.split(",")]


def _value(value: object) -> object:
    """A value as SQLite stores it; PostgreSQL prints bytes as hexadecimal digits behind a mark."""
    if isinstance(value, str) and value.startswith(_BYTES):
        return bytes.fromhex(value.removeprefix(_BYTES))
    return json.dumps(value) if isinstance(value, dict | list) else value
