"""`GET /sync` and `Sync-Lag-Ms`: how far behind, where the time goes, what is stuck, who is up."""

from collections.abc import Callable
from typing import Any

import httpx

from tests.support.read_side import ReadSide, an_order
from tests.support.waiting import wait_until

Check = Callable[[dict[str, Any]], bool]


async def told(catalog: httpx.AsyncClient, right: Check) -> dict[str, Any]:
    """The first report that is as it should be; Kafka is asked once a second."""

    async def ask() -> dict[str, Any] | None:
        report: dict[str, Any] = (await catalog.get("/sync")).json()
        return report if right(report) else None

    found = await wait_until(ask, what="a report that is right")
    assert found is not None
    return dict(found)


def orders(report: dict[str, Any]) -> dict[str, Any]:
    return next(each for each in report["connectors"] if each["connector"] == "orders")


async def test_the_lag_counts_records_per_partition_and_connector(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    at = await read_side.go("orders", an_order(0))
    for _ in range(3):
        waiting = await read_side.publish("orders", an_order(0))
    assert waiting[0] == at[0]
    report = await told(catalog, lambda report: orders(report)["lag"] == 3 and report["lag_ms"] > 0)
    (partition,) = orders(report)["partitions"]
    assert partition.pop("leader") in {1, 2, 3}
    assert partition == {"partition": at[0], "next_offset": 1, "end_offset": 4, "lag": 3}
    await read_side.commit("orders", {waiting: an_order(0)})
    await told(catalog, lambda report: orders(report)["lag"] == report["lag_ms"] == 0)
    assert (await catalog.get("/orders")).headers["sync-lag-ms"] == "0"


async def test_each_leg_has_its_percentiles_and_the_sink_tells_when_it_took_the_batch(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    assert (await told(catalog, bool))["legs"]["total"] is None
    for number in range(5):
        await read_side.go("orders", an_order(number))
    report = await told(
        catalog, lambda report: bool(report["legs"]["total"]) and report["legs"]["total"]["count"] == 5
    )
    assert report["legs"]["take"] is None
    assert {"count", "p50", "p95", "p99"} == report["legs"]["apply"].keys()
    at = await read_side.publish("orders", an_order(9))
    await read_side.commit(
        "orders", {at: an_order(9)}, taken_ms=int(an_order(9)["placed_at"].timestamp() * 1000)
    )
    report = await told(catalog, lambda report: report["legs"]["take"] is not None)
    assert report["legs"]["take"]["count"] == 1


async def test_dead_letters_are_counted_and_the_newest_shown(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    for number in range(7):
        at = await read_side.publish("orders", an_order(number))
        await read_side.park("orders", at, an_order(number), value=None)
    report = await told(catalog, lambda report: report["dead_letters"] == 7)
    assert len(report["parked"]) == 5
    assert report["parked"][0] | {"parked_at": ""} == {
        "connector": "orders",
        "topic": f"{read_side.prefix}orders",
        "partition": at[0],
        "offset": at[1],
        "stage": "TASK_PUT",
        "error": "integer out of range",
        "parked_at": "",
    }


async def test_every_broker_is_shown_and_which_of_them_is_the_controller(catalog: httpx.AsyncClient) -> None:
    def all_are_up(report: dict[str, Any]) -> bool:
        brokers = [part for part in report["parts"] if part["kind"] == "broker"]
        controllers = [part for part in brokers if part["detail"].startswith("controller")]
        return [part["state"] for part in brokers] == ["up"] * 3 and len(controllers) == 1

    await told(catalog, all_are_up)


async def test_a_part_that_is_away_is_shown_as_down(catalog: httpx.AsyncClient) -> None:
    def the_sink_is_down(report: dict[str, Any]) -> bool:
        return [part["state"] for part in report["parts"] if part["kind"] == "sink"] == ["down"]

    await told(catalog, the_sink_is_down)


async def test_records_that_nobody_can_read_do_not_stop_the_picture(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    poison = await read_side.producer.send_and_wait(
        f"{read_side.prefix}orders", b"\xff", key=b"k", partition=0
    )
    at = await read_side.publish("orders", an_order(0))
    await read_side.commit("orders", {(0, poison.offset): an_order(1), at: an_order(0)})
    await told(catalog, lambda report: report["lag_ms"] == 0 and report["published"] == 1)
