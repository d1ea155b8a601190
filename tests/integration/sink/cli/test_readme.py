"""The README's commands for trying a connector, as they are written there."""

import asyncio
import os
import sys
from pathlib import Path

from tests.conftest import MakeTopic
from tests.support.documents import REPOSITORY, shell_blocks
from tests.support.sink import STRING, Message, send, struct
from tests.support.sink_commands import Ended, database_snapshot

README = REPOSITORY / "sink_connector" / "README.md"


async def test_the_commands_before_it_runs(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic()
    await send(kafka_bootstrap, topic, [Message(value=struct({"id": "ada"}, id=STRING))])
    [minute, *_] = shell_blocks(README, section="In a minute, with your own Kafka and PostgreSQL")
    file = minute.partition("<<'JSON'\n")[2].partition("JSON\n")[0]
    (tmp_path / "people.json").write_text(file.replace('"people"', f'"{topic}"'))
    before = await database_snapshot(database)
    [block] = shell_blocks(README, section="Before it runs")
    commands = [line.partition("#")[0].strip() for line in block.splitlines()]
    assert {command.split()[1] for command in commands} == {"try", "explain"}
    for command in commands:
        ended = await _run(
            command.replace(" people ", f" {topic} "), tmp_path, bootstrap=kafka_bootstrap, database=database
        )
        assert (ended.code, ended.errors) == (0, ""), command
        assert "ada" in ended.output
    assert await database_snapshot(database) == before


async def _run(command: str, folder: Path, *, bootstrap: str, database: str) -> Ended:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_shell(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, "TARGET": database, "SINK_BOOTSTRAP_SERVERS": bootstrap},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return Ended(process.returncode or 0, output.decode(), errors.decode())
