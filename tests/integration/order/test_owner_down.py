"""An instance that others need is down: what cannot be decided waits, and the rest goes on."""

from collections import Counter

import pytest

from tests.support.order_cluster import OrderCluster

DAY_MS = 24 * 3600 * 1000


async def test_an_owner_that_is_down_is_a_problem_with_a_time_to_come_back(
    cluster_of_three: OrderCluster,
) -> None:
    order_id = await cluster_of_three[2].placed(("tea-1", 1))
    await cluster_of_three[2].stop()
    answer = await cluster_of_three[1].http.post(f"/orders/{order_id}/cancel")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/home-unreachable")
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.guarantees("G-CMD-6")
async def test_a_retry_after_a_crash_gets_the_answer_of_the_commit(cluster_of_three: OrderCluster) -> None:
    """The instance dies between its commit and its answer; who asks again, there or elsewhere, gets that answer."""
    first = await cluster_of_three[2].order(("tea-1", 1), key="crash")
    await cluster_of_three[2].stop()
    down = await cluster_of_three[1].order(("tea-1", 1), key="crash")
    assert down.status_code == 503
    await cluster_of_three[2].start()
    again = await cluster_of_three[1].order(("tea-1", 1), key="crash")
    assert (again.status_code, again.content) == (201, first.content)


async def test_a_key_whose_owner_is_down_waits_and_commands_without_keys_do_not(
    cluster_of_three: OrderCluster,
) -> None:
    await cluster_of_three[2].stop()
    answers = [await cluster_of_three[1].order(("tea-1", 1), key=f"key-{number}") for number in range(12)]
    codes = Counter(answer.status_code for answer in answers)
    assert set(codes) == {201, 503}
    assert {a.json()["type"] for a in answers if a.status_code == 503} == {"/problems/home-unreachable"}
    assert (await cluster_of_three[1].order(("tea-1", 1))).status_code == 201


@pytest.mark.parametrize("ahead", [1, 2, 3])
async def test_a_key_is_kept_as_long_as_the_clock_of_its_owner_says(
    cluster_of_three: OrderCluster, ahead: int
) -> None:
    """The clock of one of three goes ahead by a day: each key is forgotten by all or by none."""
    keys = [f"day-{number}" for number in range(12)]
    first = {key: await cluster_of_three[1].order(("tea-1", 1), key=key) for key in keys}
    claims = await cluster_of_three[ahead].rows("SELECT name FROM claims WHERE fingerprint <> ''")
    forgotten = {key for key in keys if any(claim["name"].endswith(f" {key}") for claim in claims)}
    assert forgotten
    assert forgotten < set(keys)
    cluster_of_three[ahead].clock.offset_ms = DAY_MS
    again = {key: await cluster_of_three[1].order(("tea-1", 1), key=key) for key in keys}
    assert {answer.status_code for answer in again.values()} == {201}
    assert {key for key in keys if again[key].content != first[key].content} == forgotten
