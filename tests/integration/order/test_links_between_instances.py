"""Fault: the link between two instances is held, one way or both ways. Invariants: ACK, and one effect for a key."""

import httpx
import pytest

from devservers.tcp_proxy import tcp_proxy
from tests.integration.order.conftest import MakeCluster
from tests.support.order_cluster import Instance
from tests.support.waiting import wait_until


@pytest.mark.slow
@pytest.mark.parametrize(
    "ways", [{}, {"answers": False}, {"requests": False}], ids=["both", "requests", "answers"]
)
async def test_a_command_over_a_held_link_is_answered_in_time_and_has_one_effect_once_it_passes(
    make_cluster: MakeCluster, ways: dict[str, bool]
) -> None:
    cluster = await make_cluster(2)
    here, owner = cluster.instances
    async with tcp_proxy(owner.url) as link:
        peers = here.settings.peers | {owner.name: link.dsn}
        here.settings = here.settings.model_copy(update={"peers": peers})
        await cluster.start()
        await owner.product("tea")
        await cluster.know("tea")
        order = await owner.placed(("tea", 1))
        await owner.reaches(order, "CONFIRMED")
        link.hold(**ways)
        answer = await cancelled(here, order)  # in time: its client waits for 20 s
        assert answer.status_code in (503, 504), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        await here.reaches(
            await here.placed(("tea", 1)), "CONFIRMED"
        )  # what needs no answer of the other goes on
        link.release()

        async def accepted() -> bool:
            return (await cancelled(here, order)).status_code == 200

        await wait_until(accepted, every_s=0.2, what="the command is carried out")
        state = (await owner.http.get(f"/orders/{order}")).json()
        assert (state["status"], state["version"]) == ("CANCELLED", 3)


async def cancelled(instance: Instance, order: str) -> httpx.Response:
    return await instance.http.post(f"/orders/{order}/cancel", headers={"Idempotency-Key": "cancel-it"})
