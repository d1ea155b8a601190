"""What the probes make of whatever a part answers: its own state, and nobody else's trouble."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import httpx
import pytest

from catalog_service.monitoring.brokers import Brokers
from catalog_service.monitoring.probes import Part, Probes
from tests.support.waiting import wait_until

Answer = (
    Callable[[httpx.Request], httpx.Response]
    | Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]
)
DEEP = b'{"detail":' + b"[" * 100_000


@asynccontextmanager
async def probing(
    answer: Answer, *, pause_s: float = 1.0
) -> AsyncIterator[tuple[Probes, asyncio.Task[None]]]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        probes = Probes(
            order_services={"order-1": "http://order-1"},
            sink_url="http://sink",
            brokers=Brokers("127.0.0.1:9"),
            http=http,
            sleep=lambda _: asyncio.sleep(pause_s),
        )
        task = asyncio.create_task(probes.run())
        try:
            yield probes, task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def states(answer: Answer) -> dict[str, Part]:
    async with probing(answer) as (probes, task):
        await wait_until(lambda: probes.found or task.done(), every_s=0.01, what="every part has been asked")
        assert not task.done()
        return {part.name: part for part in probes.found}


@pytest.mark.parametrize(
    "body",
    [b"[]", b"[1]", b"null", b"7", b'"x"', b"{}", b"\xff", b"", b"{", DEEP, b'{"x":null}', b'{"x":{"status":[]}}',
     b'{"x":{"status":{"connector":7,"tasks":{"a":1}}}}', b'{"x":{"status":{"tasks":[null,"RUNNING",{"state":[]}]}}}'],
)  # fmt: skip
async def test_whatever_the_sink_answers_the_others_keep_their_state(body: bytes) -> None:
    found = await states(
        lambda request: httpx.Response(200, content=body if request.url.host == "sink" else b"{}")
    )
    assert (found["order-1"].state, found["sink"].state) == ("up", "up")
    assert found["kafka"].state == "down"


@pytest.mark.parametrize("body", [b"[]", b"null", b"\xff", b'{"detail":[1]}', DEEP, b"x" * 100_000])
async def test_an_unready_part_is_degraded_whatever_it_says(body: bytes) -> None:
    found = await states(lambda _: httpx.Response(503, content=body))
    assert {found["order-1"].state, found["sink"].state} == {"degraded"}
    assert len(found["order-1"].detail) <= 300


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("x"), httpx.InvalidURL("x"), ValueError("x"), KeyError("x")]
)
async def test_a_probe_that_fails_is_the_state_of_its_part(error: Exception) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        if request.url.host == "order-1":
            raise error
        return httpx.Response(200, json={})

    found = await states(fail)
    assert found["order-1"].state in {"down", "degraded"}
    assert found["sink"].state == "up"


async def test_a_failed_task_of_a_connector_is_told() -> None:
    status = {"connector": {"state": "RUNNING"}, "tasks": [{"state": "RUNNING"}, {"state": "FAILED"}]}
    found = await states(lambda _: httpx.Response(200, json={"orders": {"status": status}}))
    assert (found["orders"].state, found["orders"].detail) == ("down", "failed, running")


async def test_nobody_is_asked_again_before_somebody_looks_and_then_at_once() -> None:
    asked, ready = Counter[str](), True

    def answer(request: httpx.Request) -> httpx.Response:
        asked[request.url.host] += 1
        return httpx.Response(200 if ready else 503, json={})

    async with probing(answer, pause_s=0.0) as (probes, _):
        await wait_until(lambda: probes.found, every_s=0.01, what="every part has been asked")
        for _turn in range(100):
            await asyncio.sleep(0)
        assert asked["order-1"] == 1
        ready = False
        assert {part.name: part.state for part in await probes.look()}["order-1"] == "degraded"
        await wait_until(lambda: asked["order-1"] > 2, every_s=0.01, what="it is asked again and again")


async def test_a_part_that_does_not_answer_is_told_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog_service.monitoring.probes._EVERY_S", 0.1)
    silent = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        if silent.is_set() and request.url.host == "order-1":
            await asyncio.Event().wait()
        return httpx.Response(200, json={})

    async with probing(answer, pause_s=0.0) as (probes, _):
        await wait_until(lambda: probes.found, every_s=0.01, what="every part has been asked")
        silent.set()
        assert {part.name: part.state for part in await probes.look()}["order-1"] == "up"
