"""The report of a catalog whose read database takes connections and never says a word."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from catalog_service.monitoring import sync_status
from catalog_service.monitoring.brokers import Brokers
from catalog_service.monitoring.freshness import Freshness
from catalog_service.monitoring.latency import LatencyStatistics
from catalog_service.monitoring.probes import Probes
from catalog_service.monitoring.sync_status import SyncStatusReporter
from catalog_service.read_model import database as database_module
from catalog_service.read_model.database import Database


class Nothing:
    """What is known of topics and changes where nothing is."""

    latencies = LatencyStatistics()
    published = 0
    ends: Mapping[tuple[str, int], int] = {}
    leaders: Mapping[tuple[str, int], int] = {}
    caught_up = False
    heard_ms = None
    listening = False

    def oldest_pending_ms(self) -> int | None:
        return None


async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()
    writer.close()


async def test_a_database_that_hangs_is_a_part_that_is_down_and_the_others_are_told_of_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sync_status, "_PATIENCE_S", 0.1)
    for patience in ("_ACQUIRE_S", "_CONNECT_S"):  # so that it is the reporter who does not wait for it
        monkeypatch.setattr(database_module, patience, 60.0)
    nothing = Nothing()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    database = Database(f"postgresql://a:b@127.0.0.1:{port}/read", pool_size=2, statement_timeout_s=5)
    async with database, httpx.AsyncClient() as http:
        reporter = SyncStatusReporter(
            database=database,
            topics={},
            changes=nothing,
            kafka=nothing,
            freshness=Freshness(changes=nothing, reading=nothing, listener=nothing),
            probes=Probes(
                order_services={}, sink_url="http://sink", brokers=Brokers("127.0.0.1:9"), http=http
            ),
        )
        async with asyncio.timeout(20):
            report = await reporter.report()
    server.close()
    assert [(part.name, part.state) for part in report.parts] == [("read database", "down")]
