"""One command: one transaction, one event, one answer."""

from typing import Any

from tests.support.order_cluster import OrderCluster, event_type, payload

PRODUCT = {"product_id": "mug", "name": "Mug", "unit_price_cents": 1200, "stock": 5}


async def test_a_placed_order_is_answered_stored_and_published_as_the_same_thing(
    cluster: OrderCluster,
) -> None:
    await cluster[1].product("tea", price=450)
    answer = await cluster[1].order(("tea", 2))
    order = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/orders/{order['order_id']}"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["consistency-token"] == f"orders:{order['order_id']}:1"
    assert (order["status"], order["total_cents"], order["version"]) == ("PENDING", 900, 1)
    record = (await cluster.records("orders", at_least=1))[0]
    event = payload(record)
    assert event_type(record) == "order.placed.v1"
    assert {name: event[name] for name in event if not name.endswith("_at")} == {
        name: order[name] for name in order if not name.endswith("_at")
    }


async def test_the_trace_of_a_request_goes_with_its_event(cluster: OrderCluster) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await cluster[1].http.post("/products", json=PRODUCT, headers={"traceparent": trace})
    record = (await cluster.records("products", at_least=1))[0]
    assert dict(record.headers)["traceparent"].decode() == trace


async def test_a_product_registered_here_is_known_here_at_once(make_cluster: Any) -> None:
    cluster: OrderCluster = await make_cluster()
    await cluster[1].start(without=lambda task: task.startswith("consumer."))
    await cluster[1].product("tea")
    assert (await cluster[1].order(("tea", 1))).status_code == 201


async def test_an_order_takes_the_price_that_its_instance_knows(cluster_of_three: OrderCluster) -> None:
    await cluster_of_three[1].http.post("/products/tea-1/price", json={"unit_price_cents": 77})
    assert (await cluster_of_three[1].order(("tea-1", 1))).json()["total_cents"] == 77


async def test_a_stock_beyond_what_an_event_can_carry_is_refused(cluster: OrderCluster) -> None:
    await cluster[1].product("tea", stock=10**9)
    answers = [
        (await cluster[1].http.post("/products/tea/restock", json={"quantity": 10**9})).status_code
        for _ in range(2)
    ]
    assert answers == [200, 409]


async def test_the_orders_of_a_user_at_one_instance_come_latest_first(cluster_of_three: OrderCluster) -> None:
    mine = [await cluster_of_three[1].placed(("tea-1", 1)) for _ in range(3)]
    await cluster_of_three[2].placed(("tea-1", 1))
    await cluster_of_three[1].placed(("tea-1", 1), user_id="bob")
    items = (await cluster_of_three[1].http.get("/orders", params={"user_id": "ada"})).json()["items"]
    assert [item["order_id"] for item in items] == sorted(mine, reverse=True)
    assert (
        len(
            (await cluster_of_three[1].http.get("/orders", params={"user_id": "ada", "limit": 2})).json()[
                "items"
            ]
        )
        == 2
    )
