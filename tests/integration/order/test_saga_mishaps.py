"""Orders and stocks talk through Kafka, and what goes wrong on the way heals: lost, doubled, late, not understood."""

from dataclasses import replace

import pytest

from tests.support import order_database
from tests.support.order_cluster import Instance, OrderCluster, Record, event_type, payload
from tests.support.waiting import wait_until


@pytest.mark.guarantees("G-STOCK-3")
async def test_an_order_waits_for_an_owner_that_is_down_and_finishes_when_it_is_back(
    cluster_of_three: OrderCluster,
) -> None:
    await cluster_of_three[3].stop()
    order_id = await cluster_of_three[1].placed(("tea-1", 1), ("tea-3", 1))
    await wait_until(lambda: reserved(cluster_of_three[1], "tea-1"), what="the owner that is up has reserved")
    assert (await cluster_of_three[1].http.get(f"/orders/{order_id}")).json()["status"] == "PENDING"
    await cluster_of_three[3].start()
    await cluster_of_three[1].reaches(order_id, "CONFIRMED")
    assert await cluster_of_three[3].stock("tea-3") == (99, 1)


@pytest.mark.guarantees("G-STOCK-2")
async def test_every_message_doubled_and_in_reverse_changes_nothing_any_more(
    cluster_of_three: OrderCluster,
) -> None:
    cancelled = await cluster_of_three[1].placed(("tea-2", 5))
    shipped = await cluster_of_three[1].placed(("tea-2", 7))
    for order_id, verb in ((cancelled, "cancel"), (shipped, "ship")):
        await cluster_of_three[1].reaches(order_id, "CONFIRMED")
        await cluster_of_three[1].http.post(f"/orders/{order_id}/{verb}")
    await cluster_of_three[2].has_stock("tea-2", (93, 0))
    await settled(cluster_of_three[1])
    before = [await state(instance) for instance in cluster_of_three.instances]
    for instance in ("order-1", "order-2"):
        messages = await cluster_of_three.records(f"inbox.{instance}")
        await cluster_of_three.send(f"inbox.{instance}", *reversed(messages), *messages)
    await taken_in(cluster_of_three)
    assert [await state(instance) for instance in cluster_of_three.instances] == before


@pytest.mark.guarantees("G-STOCK-2")
async def test_a_release_that_overtakes_its_reservation_leaves_nothing_reserved(
    cluster_of_three: OrderCluster,
) -> None:
    await cluster_of_three[2].stop()
    order_id = await cluster_of_three[1].placed(("tea-2", 5))
    await cluster_of_three[1].http.post(f"/orders/{order_id}/cancel")
    wanted = ["reserve-stock.v1", "release-stock.v1"]
    # An owner that is silent is asked again, so there may be more than two.
    asked = await cluster_of_three.records(
        "inbox.order-2", until=lambda found: {*map(event_type, found)} == {*wanted}
    )
    reserve, release = (next(each for each in asked if event_type(each) == name) for name in wanted)
    await cluster_of_three.send("inbox.order-2", release, reserve)
    await pass_over(cluster_of_three, next_offset=len(asked))
    await cluster_of_three[2].start()
    await settled(cluster_of_three[1])
    assert await cluster_of_three[2].stock("tea-2") == (100, 0)


@pytest.mark.guarantees("G-STOCK-2")
async def test_a_lost_request_is_asked_again(cluster_of_three: OrderCluster) -> None:
    await cluster_of_three[2].stop()
    order_id = await cluster_of_three[1].placed(("tea-2", 5))
    await cluster_of_three.records("inbox.order-2", at_least=1)
    await pass_over(cluster_of_three, next_offset=1)
    await cluster_of_three[2].start()
    cluster_of_three[1].clock.offset_ms = 60_000
    await cluster_of_three[1].reaches(order_id, "CONFIRMED")
    assert await cluster_of_three[2].stock("tea-2") == (95, 5)


async def test_a_message_that_nobody_understands_is_parked_and_the_next_is_taken_in(
    cluster_of_three: OrderCluster,
) -> None:
    good = (await cluster_of_three.records("products", at_least=3))[0]
    bad = [
        message(good, value=b"not json", type_="reserve-stock.v1"),
        message(good, value=b'{"payload":{"order_id":7}}', type_="stock-reserved.v1"),
        message(good, value=b"{}", type_="no-such-type.v1"),
    ]
    await cluster_of_three.send("inbox.order-2", *bad)
    order_id = await cluster_of_three[1].placed(("tea-2", 1))
    await cluster_of_three[1].reaches(order_id, "CONFIRMED")
    letters = await cluster_of_three[2].rows("SELECT record, value FROM dead_letters ORDER BY record")
    source = f"{cluster_of_three.prefix}inbox.order-2/0"
    assert [(row["record"], row["value"]) for row in letters] == [
        (f"{source}/{offset}", sent.value) for offset, sent in enumerate(bad)
    ]


async def test_the_effect_and_the_position_are_one_a_restart_repeats_nothing(
    cluster_of_three: OrderCluster,
) -> None:
    for _ in range(3):
        order_id = await cluster_of_three[1].placed(("tea-2", 1))
        await cluster_of_three[1].reaches(order_id, "CONFIRMED")
        await cluster_of_three[2].stop()
        await cluster_of_three[2].start()

    def versions(records: list[Record]) -> list[int]:
        events = map(payload, records)
        return [event["version"] for event in events if event["product_id"] == "tea-2"]

    events = await cluster_of_three.records("products", until=lambda found: 4 in versions(found))
    # The relay may send a record twice when it restarts; an effect taken twice would be a fifth version.
    assert list(dict.fromkeys(versions(events))) == [1, 2, 3, 4]


def message(like: Record, *, value: bytes, type_: str) -> Record:
    return replace(like, value=value, headers=[("ce_type", type_.encode())])


async def reserved(instance: Instance, product_id: str) -> bool:
    return (await instance.stock(product_id))[1] > 0


async def settled(instance: Instance) -> None:
    """No owner owes an order of this instance an answer."""

    async def nothing_owed() -> bool:
        return not await instance.rows("SELECT order_id FROM orders WHERE ask_again_at IS NOT NULL")

    await wait_until(nothing_owed, what=f"{instance.name} waits for nobody")


async def state(instance: Instance) -> object:
    """Aggregates, without the answers' traffic."""
    return [
        await instance.rows(f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608 - names of our own
        for table in ("orders", "products", "reservations")
    ]


async def taken_in(cluster_of_three: OrderCluster) -> None:
    """Every instance has taken in all that stands in its inbox, also what that made others send."""

    async def behind() -> list[str]:
        found = []
        for instance in cluster_of_three.instances:
            source = f"{cluster_of_three.prefix}inbox.{instance.name}/0"
            rows = await instance.rows(
                "SELECT next_offset FROM positions WHERE source = :source", source=source
            )
            at = rows[0]["next_offset"] if rows else 0
            if at < len(await cluster_of_three.records(f"inbox.{instance.name}")):
                found.append(instance.name)
            pending = await instance.http.get("/metrics")
            if "order_outbox_pending 0.0" not in pending.text:
                found.append(f"outbox of {instance.name}")
        return found

    async def quiet() -> bool:
        return not await behind()

    await wait_until(quiet, timeout_s=60, what="all inboxes are taken in")


async def pass_over(cluster_of_three: OrderCluster, *, next_offset: int) -> None:
    """What stands in order-2's inbox before the offset is passed over, as if it had been lost."""
    source = f"{cluster_of_three.prefix}inbox.order-2/0"

    await order_database.execute(
        cluster_of_three[2].settings.database_url,
        "INSERT INTO positions (source, next_offset) VALUES (:source, :next_offset)"
        " ON CONFLICT (source) DO UPDATE SET next_offset = excluded.next_offset",
        {"source": source, "next_offset": next_offset},
    )
