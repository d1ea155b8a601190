"""`Consistency-Token` and `Prefer: wait=N`: visible, not yet, and never without help are told apart."""

import asyncio

import asyncpg
import httpx
import pytest

from tests.support.read_side import ReadSide, a_product, an_order
from tests.support.waiting import wait_until

ORDER = "/orders/order-1-000000"


def with_token(token: str, *, wait_s: int = 0) -> dict[str, str]:
    return (
        {"Consistency-Token": token, "Prefer": f"wait={wait_s}"} if wait_s else {"Consistency-Token": token}
    )


async def held_back(catalog: httpx.AsyncClient, many: int, *, timeout_s: float = 30) -> None:
    async def waiting() -> bool:
        return f"catalog_waiters {many}.0" in (await catalog.get("/metrics")).text

    await wait_until(waiting, timeout_s=timeout_s, what=f"{many} queries wait")


@pytest.mark.guarantees("G-QUERY-1")
async def test_a_query_waits_for_its_version_and_then_shows_it(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    at = await read_side.publish("orders", an_order(0))
    asked = asyncio.create_task(catalog.get(ORDER, headers=with_token("orders:order-1-000000:1", wait_s=20)))
    await held_back(catalog, 1)
    await read_side.commit("orders", {at: an_order(0)})
    answer = await asked
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert answer.headers["preference-applied"] == "wait=20"


@pytest.mark.guarantees("G-QUERY-1")
async def test_a_list_waits_as_well_and_shows_what_was_promised(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    orders = {await read_side.publish("orders", an_order(number)): an_order(number) for number in range(2)}
    token = "orders:order-1-000000:1, orders:order-1-000001:1,products:tea:1"  # noqa: S105 - no secret
    asked = asyncio.create_task(catalog.get("/orders?user_id=ada", headers=with_token(token, wait_s=20)))
    await held_back(catalog, 1)
    await read_side.commit("orders", orders)
    assert not asked.done()
    await read_side.go("products", a_product("tea"), kind="product.registered.v1")
    assert len((await asked).json()["items"]) == 2


@pytest.mark.guarantees("G-QUERY-1")
async def test_not_in_time_is_an_invitation_to_come_again_never_an_older_answer(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    await read_side.go("orders", an_order(0))
    for wait_s in (0, 1):
        for path in (ORDER, "/orders", "/users/ada/summary", "/sales", "/products", f"{ORDER}/history"):
            answer = await catalog.get(path, headers=with_token("orders:order-1-000000:2", wait_s=wait_s))
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not-yet-visible"), path
            assert int(answer.headers["retry-after"]) >= 1, path


@pytest.mark.guarantees("G-QUERY-2")
async def test_a_parked_version_is_told_with_its_dead_letter(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    at = await read_side.publish("orders", an_order(0))
    asked = asyncio.create_task(
        catalog.get("/orders", headers=with_token("orders:order-1-000000:1", wait_s=20))
    )
    await held_back(catalog, 1)
    await read_side.park("orders", at, an_order(0), value=None)
    answer = await asked
    assert (answer.status_code, answer.json()["type"]) == (424, "/problems/parked")
    letter = {
        "topic": f"{read_side.prefix}orders",
        "partition": at[0],
        "offset": at[1],
        "error": "integer out of range",
    }
    assert answer.json()["dead_letter"] == letter


async def test_another_version_that_was_parked_is_no_answer(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    at = await read_side.publish("orders", an_order(0))
    await read_side.park("orders", at, an_order(0), value=None)
    answer = await catalog.get(ORDER, headers=with_token("orders:order-1-000000:2"))
    assert answer.json()["type"] == "/problems/not-yet-visible"


async def test_a_parked_record_that_nobody_can_read_counts_for_every_version_of_its_key(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    at = await read_side.publish("orders", an_order(0))
    await read_side.park("orders", at, an_order(0), value=b"\xff")
    answer = await catalog.get(ORDER, headers=with_token("orders:order-1-000000:2"))
    assert answer.json()["type"] == "/problems/parked"


@pytest.mark.guarantees("G-QUERY-3")
async def test_the_history_waits_for_its_own_connector(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    at = await read_side.go("orders", an_order(0))
    headers = with_token("orders:order-1-000000:1", wait_s=20)
    assert (await catalog.get(ORDER, headers=headers)).status_code == 200
    asked = asyncio.create_task(catalog.get(f"{ORDER}/history", headers=headers))
    await read_side.commit("orders", {at: an_order(0)}, connector="order-history")
    assert [each["version"] for each in (await asked).json()["items"]] == [1]


async def test_waiting_outlives_a_cut_of_the_connection_that_listens(
    catalog: httpx.AsyncClient, read_side: ReadSide, database: asyncpg.Connection
) -> None:
    at = await read_side.publish("orders", an_order(0))
    asked = asyncio.create_task(catalog.get(ORDER, headers=with_token("orders:order-1-000000:1", wait_s=20)))
    await held_back(catalog, 1)
    await database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'catalog-listen'"
    )
    await read_side.commit("orders", {at: an_order(0)})  # nobody hears of it
    assert (await asked).status_code == 200


async def test_a_client_that_leaves_makes_room(catalog: httpx.AsyncClient) -> None:
    asked = asyncio.create_task(catalog.get(ORDER, headers=with_token("orders:order-1-000000:1", wait_s=20)))
    await held_back(catalog, 1)
    asked.cancel()
    await held_back(catalog, 0)


@pytest.mark.guarantees("G-QUERY-2")
async def test_what_is_no_token_is_refused_by_every_query(catalog: httpx.AsyncClient) -> None:
    for path in (ORDER, "/orders", "/products", "/sales"):
        answer = await catalog.get(path, headers={"Consistency-Token": "orders:order-1"})
        assert (answer.status_code, answer.json()["errors"][0]["header"]) == (400, "Consistency-Token"), path
