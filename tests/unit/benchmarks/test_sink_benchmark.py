"""The measuring instrument: its records, its arithmetic and its chart."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.sink.chart import Bar, Panel, svg
from benchmarks.sink.connect import DEBEZIUM_VERSION
from benchmarks.sink.drain import Drain
from benchmarks.sink.kills import kill_points
from benchmarks.sink.latency import Latency
from benchmarks.sink.orders import CONTRACT, Envelope, is_marker, key_of, new_orders, orders_and_updates
from benchmarks.sink.peers import registry
from benchmarks.sink.peers.cache import CannotBuildError, Place
from benchmarks.sink.system import Usage, WorkerDiedError, WorkerRun
from benchmarks.sink.systems import Participants
from benchmarks.sink.targets import compare
from devservers.process import ChildProcess


def drained(group: str, rate: float, *, workload: str = "upsert", connections: int = 1) -> Drain:
    return Drain(
        group=group,
        system=group,
        connections=connections,
        workload=workload,
        records=500_000,
        rate=rate,
        rate_whole=rate,
        start_s=1.0,
        tenths_s=(0.0,) * 10,
        cpu_s=1.0,
        peak_rss=140_000_000,
        wrong_sums=(),
    )


def measured(p50: float, p99: float) -> Latency:
    return Latency(
        group="ours",
        system="ours",
        connections=1,
        rate=200,
        events=6_000,
        p50=p50,
        p90=p50,
        p99=p99,
        worst=p99,
        from_send_p50=p50,
        from_send_p99=p99,
        mean_flush_ms=0.1,
        cpu_s=1.0,
        peak_rss=140_000_000,
    )


def test_half_of_the_records_are_updates_of_earlier_keys() -> None:
    versions: dict[str, int] = {}
    for order in orders_and_updates(10_000):
        assert order.version == versions.get(order.order_id, 0) + 1
        versions[order.order_id] = order.version
    assert abs(sum(versions.values()) - 2 * len(versions)) <= 2


def test_markers_are_never_updated() -> None:
    assert {order.version for order in orders_and_updates(10_000) if is_marker(order.order_id)} == {1}


def test_new_orders_have_keys_of_their_own_and_are_the_same_in_every_run() -> None:
    orders = list(new_orders(1_000))
    assert len({order.order_id for order in orders}) == 1_000
    assert orders == list(new_orders(1_000))


def test_a_record_is_the_contracts_envelope_with_fewer_fields() -> None:
    (order,) = new_orders(1)
    value = json.loads(Envelope().value_of(order))
    contract = json.loads(json.loads(CONTRACT.read_text())["value"])["schema"]
    fields = [field for field in value["schema"]["fields"] if field["field"] != "lines"]
    assert all(field in contract["fields"] for field in fields)
    assert [field["field"] for field in value["schema"]["fields"]] == list(value["payload"])
    assert json.loads(value["payload"]["lines"])[0].keys() == {"product_id", "quantity", "unit_price_cents"}
    assert json.loads(key_of(order)) == {
        "schema": {"type": "string", "optional": False},
        "payload": order.order_id,
    }


def test_goals_are_judged_by_medians_against_the_best_rival_at_any_setting() -> None:
    drains = [
        *(drained("ours", rate) for rate in (90_000, 100_000, 500_000)),
        drained("connect", 30_000),
        drained("connect", 60_000, connections=2),
        drained("limit", 110_000),
    ]
    verdicts = {verdict.what: verdict for verdict in compare(drains, [])}
    times = verdicts[f"upsert, times Debezium's JDBC sink {DEBEZIUM_VERSION} at its best setting"]
    assert times.measured.startswith("1.67")
    assert not times.reached
    assert verdicts["upsert, share of PostgreSQL's limit, 1 connection"].reached


def test_a_setting_that_was_only_tried_is_not_the_rival_of_one_that_was_measured() -> None:
    drains = [
        *(drained("ours", 100_000) for _ in range(3)),
        drained("bento", 90_000, connections=2),
        *(drained("bento", 20_000) for _ in range(3)),
    ]
    (verdict,) = [each for each in compare(drains, []) if "Bento" in each.what]
    assert verdict.measured.startswith("5.00")
    assert verdict.reached


def test_transforms_and_formats_are_compared_with_plain_json_of_as_many_tasks() -> None:
    drains = [
        drained("ours", 100_000),
        drained("ours", 200_000, connections=2),
        drained("ours", 61_000, workload="avro"),
        drained("ours", 100_000, workload="avro", connections=2),
    ]
    verdicts = {verdict.what: verdict for verdict in compare(drains, [])}
    assert verdicts["upsert, Avro, share of plain JSON, 1 task"].measured.startswith("0.61")
    assert verdicts["upsert, Avro, share of plain JSON, 1 task"].reached
    assert not verdicts["upsert, Avro, share of plain JSON, 2 tasks"].reached


def test_processor_time_counts_from_a_moment_on_evenly_between_two_samples() -> None:
    usage = Usage(cpu_s=8.0, peak_rss=1, samples=((10.0, 1.0), (12.0, 3.0), (14.0, 8.0)))
    assert [usage.since(moment) for moment in (9.0, 10.0, 11.0, 13.0, 14.0, 15.0)] == [7, 7, 6, 2.5, 0, 0]
    (verdict,) = [
        each
        for each in compare([replace(drained("ours", 1, workload="insert"), cpu_us=4.2)], [])
        if "processor" in each.what
    ]
    assert (verdict.measured, verdict.reached) == ("4.2 µs", False)


def test_the_kills_are_the_same_every_time_and_each_in_a_third_of_its_own() -> None:
    points = kill_points(30_000)
    assert points == kill_points(30_000)
    assert 3_000 <= points[0] <= 11_000 <= points[1] <= 19_000 <= points[2] <= 27_000


def test_a_peer_that_cannot_be_built_is_left_out_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "")
    built = registry.build(("ours", "faucet", "bento"), tmp_path)
    assert built.programs == {}
    assert built.missing == {"faucet": "cargo is not installed", "bento": "go is not installed"}
    groups = {each.group for each in Participants(groups=("ours", "faucet", "bento")).for_throughput()}
    assert groups == {"ours"}


def test_a_build_that_fails_says_why_and_is_begun_anew(tmp_path: Path) -> None:
    place = Place.of(tmp_path, "peer", "1.0")
    with pytest.raises(CannotBuildError, match="no such thing"):
        place.run([sys.executable, "-c", "raise SystemExit('no such thing')"], env={})
    assert not place.is_built
    place.built()
    assert Place.of(tmp_path, "peer", "1.0").is_built
    assert not Place.of(tmp_path, "peer", "1.1").is_built


def test_a_latency_goal_needs_both_percentiles() -> None:
    assert [v.reached for v in compare([], [measured(1.9, 9.0)]) if "latency" in v.what] == [True]
    assert [v.reached for v in compare([], [measured(1.9, 11.0)]) if "latency" in v.what] == [False]


def test_the_chart_is_well_formed_and_shows_every_bar() -> None:
    bars = [Bar(label=f"a <b> & {n}", group="ours", low=n, median=n + 1, high=n + 2) for n in range(3)]
    root = ET.fromstring(svg("Rates", [Panel(title="insert", bars=bars)]))  # noqa: S314  our own text
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {bar.label for bar in bars} <= set(texts)


async def test_a_worker_that_ended_before_it_was_looked_at_is_said_to_have_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = await ChildProcess.start([sys.executable, "-c", "print('why')"], log=log, env={}, cwd=tmp_path)
    run = WorkerRun(process, log)
    await process.wait()
    with pytest.raises(WorkerDiedError, match="why"):
        run.usage()
