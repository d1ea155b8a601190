"""Every exchange recorded from a real Kafka Connect worker, played against ours and compared field by field."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from devservers.ports import free_ports
from tests.contract.sink.connect_rest_differences import DIFFERENCES
from tests.contract.sink.connect_rest_steps import CONFIG, STEPS
from tests.contract.sink.record_connect_rest import RECORDING, delete_topics, fill_topics, scratch_database
from tests.support.connect_rest import Step, fresh_names, play
from tests.support.sink_worker import Group, sink_worker

THEIR_LOGGER, OUR_LOGGER = (
    "org.apache.kafka.connect.runtime.WorkerSinkTask",
    "sink_connector.runtime.sink_task",
)
RECORDED: list[dict[str, Any]] = json.loads(RECORDING.read_text())["steps"]
Answers = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def answers(kafka_bootstrap: str, postgres_admin_dsn: str, session_directory: Path) -> Iterator[Answers]:
    """Our answers by the name of the step."""
    with asyncio.Runner() as runner:
        yield runner.run(_played(kafka_bootstrap, postgres_admin_dsn, session_directory))


@asynccontextmanager
async def login(postgres: str) -> AsyncIterator[tuple[asyncpg.Connection, str]]:
    """A role with the recording's password, for a server that asks for one."""
    role = f"rest_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(postgres)
    await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{CONFIG['connection.password']}'")
    try:
        yield admin, role
    finally:
        await admin.execute(f"DROP ROLE {role}")
        await admin.close()


async def _played(bootstrap: str, postgres: str, directory: Path) -> Answers:
    group = Group(bootstrap=bootstrap)
    async with login(postgres) as (admin, role), scratch_database(postgres) as jdbc_url:
        await admin.execute(f"ALTER DATABASE {jdbc_url.rpartition('/')[2]} OWNER TO {role}")
        names = fresh_names(jdbc_url=jdbc_url)
        await fill_topics(bootstrap, names)
        try:
            with sink_worker(group, port=free_ports(1)[0], directory=directory) as worker:
                try:
                    return await asyncio.to_thread(_play, worker.url, names, role)
                except TimeoutError as error:
                    error.add_note(worker.log.read_text()[-20_000:])
                    raise
        finally:
            await delete_topics(bootstrap, [names["topic"], names["poisoned_topic"], *group.topics])


def _play(url: str, names: dict[str, str], role: str) -> Answers:
    """The recording speaks of a logger of Connect's and of another user; both are called by our names, and back again."""
    user = CONFIG["connection.username"]

    def ours(step: Step) -> Step:
        body = json.loads(json.dumps(step.body).replace(f'"{user}"', f'"{role}"'))
        return replace(step, path=step.path.replace(THEIR_LOGGER, OUR_LOGGER), body=body)

    answers = {step.name: answer for step, answer in play(map(ours, STEPS), url=url, names=names)}
    text = json.dumps(answers).replace(OUR_LOGGER, THEIR_LOGGER).replace(f'"{role}"', f'"{user}"')
    said: Answers = json.loads(text)
    return said


def differing(recorded: Any, ours: Any, pointer: str = "") -> Iterator[str]:
    """Pointers to what is not the same, as deep as the two have the same form."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        for key in sorted(recorded.keys() | ours.keys()):
            yield from differing(recorded.get(key), ours.get(key), f"{pointer}/{key}")
    elif isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
        for place, (one, other) in enumerate(zip(recorded, ours, strict=True)):
            yield from differing(one, other, f"{pointer}/{place}")
    elif recorded != ours:
        yield pointer


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda step: step["name"])
def test_the_answer_is_connects(recorded: dict[str, Any], answers: Answers) -> None:
    step, ours = recorded["name"], answers[recorded["name"]]
    unexplained = {
        pointer: (_at(recorded["answer"], pointer), _at(ours, pointer))
        for pointer in differing(recorded["answer"], ours)
        if not any(each.covers(step, pointer) for each in DIFFERENCES)
    }
    assert not unexplained


def test_every_difference_listed_is_one(answers: Answers) -> None:
    found = [
        (step["name"], pointer)
        for step in RECORDED
        for pointer in differing(step["answer"], answers[step["name"]])
    ]
    assert [each for each in DIFFERENCES if not any(each.covers(*place) for place in found)] == []


def _at(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        document = document[int(part)] if isinstance(document, list) else (document or {}).get(part)
    return document
