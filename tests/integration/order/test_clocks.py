"""Fault: the clocks of the instances are an hour apart, and jump. Invariants: VER and STOCK, since nothing is ordered by a clock."""

from collections import defaultdict

from tests.support.order_cluster import OrderCluster, Record, payload
from tests.support.waiting import wait_until

HOUR_MS = 3_600_000


async def test_clocks_an_hour_apart_that_jump_order_nothing(cluster_of_three: OrderCluster) -> None:
    cluster = cluster_of_three
    for instance, hours in zip(cluster.instances, (-1, 0, 1), strict=True):
        instance.clock.offset_ms = hours * HOUR_MS
    orders = [
        (instance, await instance.placed(("tea-1", 1), ("tea-2", 1), ("tea-3", 1)))
        for instance in cluster.instances
        for _ in range(3)
    ]
    for instance in cluster.instances:
        instance.clock.offset_ms *= -1  # who was ahead is behind
    for cents in (1, 2, 3):
        answer = await cluster[3].http.post("/products/tea-1/price", json={"unit_price_cents": cents})
        assert answer.status_code == 200, answer.text
    for number, (instance, order) in enumerate(orders):
        await instance.reaches(order, "CONFIRMED")
        verb = "ship" if number % 3 else "cancel"
        assert (await cluster[2].http.post(f"/orders/{order}/{verb}")).status_code == 200
    for product in ("tea-1", "tea-2", "tea-3"):
        await cluster[1].has_stock(product, (94, 0))
    await every_copy_has_the_newest_price(cluster, 3)
    await versions_ascend(cluster, "orders", newest=3)
    await versions_ascend(cluster, "products", newest=1 + 2 * len(orders))


async def every_copy_has_the_newest_price(cluster: OrderCluster, cents: int) -> None:
    async def agreed() -> bool:
        found = [
            await instance.rows("SELECT unit_price_cents FROM offers WHERE product_id = 'tea-1'")
            for instance in cluster.instances
        ]
        return all(rows == [{"unit_price_cents": cents}] for rows in found)

    await wait_until(agreed, what=f"every instance sells tea-1 for {cents}")


async def versions_ascend(cluster: OrderCluster, topic: str, *, newest: int) -> None:
    """Each comes after the one before it, up to this one at least; what is sent again counts once."""
    versions: defaultdict[bytes, list[int]] = defaultdict(list)
    moments: defaultdict[bytes, list[int]] = defaultdict(list)

    def all_are_there(records: list[Record]) -> bool:
        versions.clear()
        moments.clear()
        for record in records:
            event = payload(record)
            if event["version"] not in versions[record.key]:
                versions[record.key].append(event["version"])
                moments[record.key].append(event["updated_at"])
        return bool(versions) and all(max(each) >= newest for each in versions.values())

    await cluster.records(topic, until=all_are_there)
    assert all(each == list(range(1, len(each) + 1)) for each in versions.values()), versions
    assert any(each != sorted(each) for each in moments.values()), "the clocks did jump"
