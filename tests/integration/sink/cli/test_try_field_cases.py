"""A dry run finds bad what a run sets aside, in cases from the field of every kind, and leaves nothing."""

import uuid

import asyncpg
import pytest

from sink_connector.cli.dry_run import try_records
from sink_connector.config.worker import WorkerConfig
from sink_connector.runtime.connector_definition import define_connector
from tests.conftest import MakeTopic
from tests.integration.sink.field_cases.case import Case, named, send_records
from tests.integration.sink.field_cases.test_field_cases import CASES
from tests.support.sink import configuration, execute
from tests.support.sink_commands import database_snapshot

CHOSEN = {
    "a missing parent is one bad record",
    "a foreign key that is checked at commit",
    "a constraint trigger that is deferred",
    "two rows that swap a unique value which is checked at commit, beside a bad record",
    "a trigger that names a table that is not there",
    "a partitioned table without a partition for one record",
    "uuid key in two spellings in a large batch",
    "too long a text for short is refused",
    "a text for a struct, with a transform",
    "a header as the key: missing, not UTF-8 or null",
    "a view with an INSTEAD trigger, 200 rows",
    "upsert into an updatable view, 3 rows",
    "a primary key that is deferrable is named as such",
    "a bad record with U+0000 in the name and the value of a header",
}


@pytest.mark.parametrize("case", [case for case in CASES if case.name in CHOSEN], ids=lambda case: case.name)
async def test_the_bad_records_of_a_dry_run_are_those_of_a_run(
    case: Case, kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    name = f"t{uuid.uuid4().hex[:10]}"
    sent = await send_records(case, name, bootstrap=kafka_bootstrap, make_topic=make_topic)
    try:
        await execute(database, *(named(statement, name) for statement in case.sql))
    except asyncpg.FeatureNotSupportedError as error:  # an extension, ICU
        pytest.skip(f"this server cannot make the table: {error.args[0]}")
    given = {"topics": ",".join(sent)} | {key: named(value, name) for key, value in case.config.items()}
    before = await database_snapshot(database)

    worker = WorkerConfig(bootstrap_servers=kafka_bootstrap)
    definition = define_connector(configuration(database) | given, worker, worker.providers.unrestricted())
    report = await try_records(definition, "earliest", 10_000)

    assert await database_snapshot(database) == before
    if case.fails is not None:
        said = [report["stopped"], *(each.get("error", "") for each in report["records"])]
        assert any(case.fails in each for each in said)
    else:
        assert report["stopped"] == ""
        bad = [each for each in report["records"] if each["result"] == "bad"]
        assert [each["offset"] for each in sorted(bad, key=lambda each: each["topic"])] == list(case.dead)
    assert len(report["records"]) == len(case.records)
