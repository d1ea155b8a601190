"""The sink's console command as a process of its own, and proofs that it left nothing behind."""

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    output: str
    errors: str

    @property
    def report(self) -> dict[str, Any]:
        """What it said as JSON."""
        found: dict[str, Any] = json.loads(self.output)
        return found


async def sink_connector(*words: str | Path, environment: Mapping[str, str] | None = None) -> Ended:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sink_connector",
        *map(str, words),
        env={**os.environ, **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return Ended(process.returncode or 0, output.decode(), errors.decode())


def connector_file(folder: Path, given: Mapping[str, str]) -> Path:
    path = folder / f"{given['name']}.json"
    path.write_text(json.dumps({"name": given["name"], "config": dict(given)}))
    return path


CATALOGS = {
    "relations": "SELECT c.oid, c.relfilenode, c.relname, c.relkind, c.relnatts, c.relacl, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname <> 'pg_toast'",
    "columns": "SELECT attrelid, attnum, attname, atttypid, atttypmod, attnotnull FROM pg_attribute",
    "schemas": "SELECT nspname, nspacl FROM pg_namespace",
    "functions": "SELECT oid, proname FROM pg_proc",
    "triggers": "SELECT oid, tgname, tgenabled FROM pg_trigger",
    "constraints": "SELECT oid, conname, convalidated FROM pg_constraint",
    "types": "SELECT oid, typname FROM pg_type",
    "locks": "SELECT locktype, mode FROM pg_locks WHERE pid <> pg_backend_pid() AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
}
TABLES = """
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""


async def database_snapshot(database: str) -> dict[str, list[str]]:
    """The catalogs and the rows of every table, each row with the place and the transaction it was written in."""
    connection = await asyncpg.connect(database)
    try:
        found = {
            name: sorted(str(tuple(row)) for row in await connection.fetch(query))
            for name, query in CATALOGS.items()
        }
        for (table,) in await connection.fetch(TABLES):
            query = f"SELECT t.ctid::text, t.xmin::text, t::text FROM {table} AS t"  # noqa: S608 - quoted by PostgreSQL
            found[table] = sorted(str(tuple(row)) for row in await connection.fetch(query))
        return found
    finally:
        await connection.close()


async def kafka_snapshot(bootstrap: str, *names: str, topics: Iterable[str]) -> dict[str, Any]:
    """Topics and groups that have one of these words in their names, and what every group has committed of `topics`."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        watched = set(topics)
        groups = [name for name, _ in await admin.list_consumer_groups()]
        committed: dict[tuple[Any, ...], tuple[int, str]] = {}
        for group in groups:
            offsets = await admin.list_consumer_group_offsets(group)
            committed |= {
                (group, *place): (data.offset, data.metadata)
                for place, data in offsets.items()
                if place.topic in watched
            }
        return {
            "topics": sorted(
                topic for topic in await admin.list_topics() if any(each in topic for each in names)
            ),
            "groups": sorted(group for group in groups if any(each in group for each in names)),
            "committed": committed,
        }
    finally:
        await admin.close()
