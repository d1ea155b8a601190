"""Records and tables that people brought to JDBC sinks, from public reports: the right rows, or that one record set aside."""

import uuid

import pytest

from tests.conftest import MakeTopic
from tests.integration.sink.field_cases import (
    change_events,
    company,
    composite_types,
    constraints,
    deletes,
    equality,
    exactness,
    fields_left_out,
    further_keys,
    judgement,
    names,
    nulls,
    precision,
    refusals,
    tables,
    transformed,
    triggers,
    views_and_skips,
    wide_and_named,
)
from tests.integration.sink.field_cases.case import Case, named, send_records
from tests.support.other_servers import require_postgres
from tests.support.sink import (
    Message,
    RunningConnector,
    configuration,
    connected,
    execute,
    rows,
    wait_until_failed,
    wait_until_read,
)
from tests.support.waiting import wait_until

CASES = [
    case
    for module in (
        change_events,
        company,
        composite_types,
        constraints,
        deletes,
        equality,
        exactness,
        fields_left_out,
        further_keys,
        judgement,
        names,
        nulls,
        precision,
        refusals,
        tables,
        transformed,
        triggers,
        views_and_skips,
        wide_and_named,
    )
    for case in module.CASES
]


@pytest.mark.parametrize("case", [case for case in CASES if not case.rich], ids=lambda case: case.name)
async def test_field_case(case: Case, kafka_bootstrap: str, database: str, make_topic: MakeTopic) -> None:
    await _run(case, kafka_bootstrap, database, make_topic)


@pytest.mark.parametrize("case", [case for case in CASES if case.rich], ids=lambda case: case.name)
async def test_field_case_of_an_extension(
    case: Case, kafka_bootstrap: str, rich_database: str, make_topic: MakeTopic
) -> None:
    await _run(case, kafka_bootstrap, rich_database, make_topic)


async def _run(case: Case, kafka_bootstrap: str, database: str, make_topic: MakeTopic) -> None:
    if case.since:
        await require_postgres(database, since=case.since, what="such a column")
    name = f"t{uuid.uuid4().hex[:10]}"
    sent = await send_records(case, name, bootstrap=kafka_bootstrap, make_topic=make_topic)
    await execute(database, *(named(statement, name) for statement in case.sql))
    given = {"topics": ",".join(sent), "retry.backoff.ms": "300"}
    given |= {key: named(value, name) for key, value in case.config.items()}
    keys = {key.replace(".", "__"): value for key, value in given.items()}
    async with connected(kafka_bootstrap, configuration(database, **keys)) as connector:
        if case.later:
            await _until_refused(database)
            await execute(database, *(named(statement, name) for statement in case.later))
            await _read(connector, sent)
        elif case.fails is not None:
            assert case.fails in await wait_until_failed(connector)
        else:
            await _read(connector, sent)
    for query, expected in case.rows.items():
        assert await rows(database, named(query, name)) == [tuple(each) for each in expected]
    if case.fails is None:
        dead = await rows(database, 'SELECT "offset" FROM sink.dead_letters ORDER BY topic, "offset"')
        assert [offset for (offset,) in dead] == list(case.dead)


async def _until_refused(database: str) -> None:
    """Until a transaction in this database has been rolled back: the sink has met what it waits for."""
    query = "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()"

    async def refused() -> bool:
        return bool((await rows(database, query))[0][0])

    await wait_until(refused, what="a batch to be refused")


async def _read(connector: RunningConnector, sent: dict[str, list[Message]]) -> None:
    for topic, messages in sent.items():
        await wait_until_read(connector, topic, len(messages))
