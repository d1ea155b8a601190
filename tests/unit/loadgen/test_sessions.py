"""What a customer writes down of an answer, and what a listener hears."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from auditor.history.operation import Action, Operation, Outcome, Seen
from loadgen.listener import Event, Listener, events
from loadgen.recorder import Recorder
from loadgen.schedule import load_client
from loadgen.sessions import Shop, understood
from tests.support.waiting import wait_until


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (201, b'{"order_id":"order-1-1","version":1,"status":"PENDING"}', Outcome.OK),
        (201, b"<html>", Outcome.UNKNOWN),
        (404, b'{"type":"/problems/unknown-order"}', Outcome.REFUSED),
        (409, b'{"type":"/problems/illegal-transition"}', Outcome.REFUSED),
        (409, b'{"type":"/problems/request-running"}', Outcome.UNKNOWN),
        (424, b'{"type":"/problems/parked"}', Outcome.UNKNOWN),
        (429, b'{"type":"/problems/too-many-commands"}', Outcome.UNKNOWN),
        (503, b'{"type":"/problems/outbox-full"}', Outcome.UNKNOWN),
    ],
)
def test_an_answer_is_success_a_final_refusal_or_nothing_certain(
    status: int, body: bytes, outcome: Outcome
) -> None:
    assert understood(status, body).outcome is outcome


Handler = Callable[[web.Request, int], Awaitable[web.StreamResponse]]


async def _placed(handler: Handler) -> tuple[Operation, list[str]]:
    """One order at a shop of two instances that both answer with `handler`."""
    keys: list[str] = []

    async def counted(request: web.Request) -> web.StreamResponse:
        keys.append(request.headers["Idempotency-Key"])
        return await handler(request, len(keys))

    app = web.Application()
    app.router.add_post("/orders", counted)
    async with TestServer(app) as server, load_client(timeout_s=30) as client:
        url = str(server.make_url("")).rstrip("/")
        shop = Shop(
            client=client,
            instances={"order-1": url, "order-2": url},
            catalog=url,
            run="r",
            recorder=Recorder(),
        )
        placed = await shop.command(
            "customer", Action.PLACE, "/orders", key="r-1", where="order-1", body={}, dice=random.Random(1)  # noqa: S311
        )  # fmt: skip
    return placed, keys


async def test_a_command_is_repeated_with_its_key_until_it_is_answered_and_is_one_operation() -> None:
    async def third_time_lucky(request: web.Request, attempt: int) -> web.StreamResponse:
        if attempt == 1:
            assert request.transport is not None
            request.transport.abort()
        if attempt == 2:
            return web.json_response({"type": "/problems/storage-unavailable"}, status=503)
        return web.json_response({"order_id": "order-1-9", "version": 1, "status": "PENDING"}, status=201)

    placed, keys = await _placed(third_time_lucky)
    assert keys == ["r-1"] * 3
    assert (placed.outcome, placed.attempts, placed.aggregate) == (Outcome.OK, 3, "orders:order-1-9")
    assert placed.seen == Seen(version=1, status="PENDING")
    assert placed.completed is not None
    assert placed.completed > placed.invoked


async def test_a_command_that_is_interrupted_is_in_the_history_as_unknown() -> None:
    recorder = Recorder()
    app = web.Application()
    asked = asyncio.Event()

    async def never(_request: web.Request) -> web.StreamResponse:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    app.router.add_post("/orders", never)
    async with TestServer(app) as server, load_client(timeout_s=30) as client:
        url = str(server.make_url("")).rstrip("/")
        shop = Shop(client=client, instances={"order-1": url}, catalog=url, run="r", recorder=recorder)
        placing = asyncio.create_task(
            shop.command("customer", Action.PLACE, "/orders", key="r-1", where="order-1")
        )
        await asked.wait()
        placing.cancel()
        await asyncio.gather(placing, return_exceptions=True)
    (operation,) = recorder.operations
    assert (operation.outcome, operation.completed) == (Outcome.UNKNOWN, None)


async def _lines(*lines: bytes) -> AsyncIterator[bytes]:
    for line in lines:
        yield line


async def test_events_are_parted_by_empty_lines_and_one_that_is_cut_short_is_none() -> None:
    heard = [
        event
        async for event in events(
            _lines(b"id: 7\n", b"event: order\n", b"data: {}\n", b"\n", b": comment\n", b"event: order\n", b"data: {")
        )
    ]  # fmt: skip
    assert heard == [Event("order", b"{}", "7")]


async def test_a_listener_resumes_where_it_was_cut_off_and_notes_its_own_run_only() -> None:
    positions: list[str | None] = []

    async def stream(request: web.Request) -> web.StreamResponse:
        positions.append(request.headers.get("Last-Event-ID"))
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        if len(positions) == 1:
            await answer.write(b'event: snapshot\nid: 1\ndata: {"orders":[],"products":[]}\n\n')
        for user, number in (("r-a", 2 * len(positions)), ("other", 2 * len(positions) + 1)):
            order = b'{"order":{"order_id":"order-1-%d","user_id":"%s","version":1,"status":"PENDING"}}' % (
                number,
                user.encode(),
            )
            await answer.write(b"event: order\nid: %d\ndata: %s\n\n" % (number, order))
        return answer

    app = web.Application()
    app.router.add_get("/stream", stream)
    recorder = Recorder()
    async with TestServer(app) as server, load_client(timeout_s=30) as client:
        listener = Listener(
            client=client, catalog=str(server.make_url("")).rstrip("/"), run="r", recorder=recorder
        )
        listening = asyncio.create_task(listener.listen())
        await wait_until(lambda: len(positions) >= 3, what="it has come back twice")
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    assert positions[:3] == [None, "3", "5"]
    noted = [(o.action, o.aggregate) for o in recorder.operations[:3]]
    assert noted == [
        (Action.SNAPSHOT, ""),
        (Action.TOLD, "orders:order-1-2"),
        (Action.TOLD, "orders:order-1-4"),
    ]
