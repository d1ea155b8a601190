"""Writing dead letters again, by the sink's own command."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import asyncpg

from demo.home import REPOSITORY
from demo.playground.errors import PlaygroundError
from demo.sink_command import connector_names, dead_letters_command, sink_environment
from demo.stack import Stack

_ID = (
    "SELECT id FROM sink.dead_letters_v1 "
    'WHERE connector = $1 AND topic = $2 AND partition = $3 AND "offset" = $4'
)
_DELIVERED = re.compile(r"^\d+\tdelivered$", re.MULTILINE)
_STAYS = re.compile(r"^\d+\tstays: (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the record stands in Kafka; `connector` could not write it."""

    connector: str
    topic: str
    partition: int
    offset: int


async def replay(stack: Stack, where: Place | str) -> dict[str, Any]:
    """Write the dead letter at a place again, or all of a connector: {delivered, stays}, `stays` being reasons.

    Raises:
        PlaygroundError: there is no such dead letter or connector, or the command fails.
    """
    connector = where if isinstance(where, str) else where.connector
    if connector not in connector_names():
        raise PlaygroundError(f"no connector is called {connector!r}")
    ids = () if isinstance(where, str) else (await _id(stack, where),)
    process = await asyncio.create_subprocess_exec(
        *dead_letters_command("replay", connector, *ids),
        cwd=REPOSITORY,
        env=dict(sink_environment(stack)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said = (await process.communicate())[0].decode(errors="replace")
    finally:
        if process.returncode is None:
            process.kill()
    delivered, stays = len(_DELIVERED.findall(said)), _STAYS.findall(said)
    if process.returncode and not stays:
        raise PlaygroundError(said.strip().rpartition("\n")[2] or "the replay failed")
    return {"delivered": delivered, "stays": stays}


async def _id(stack: Stack, place: Place) -> str:
    connection = await asyncpg.connect(stack.read.catalog_dsn, timeout=5)
    try:
        found = await connection.fetchval(_ID, place.connector, place.topic, place.partition, place.offset)
    finally:
        await connection.close(timeout=5)
    if found is None:
        raise PlaygroundError("there is no such dead letter any more")
    return str(found)
