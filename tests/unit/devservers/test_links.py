"""A link is broken in the way that was asked for, and is as it was once it is healed."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from devservers import links
from devservers.links import FAULTS, HEAL, LinkError, Route
from devservers.ports import HOST, free_ports
from devservers.tcp_proxy import tcp_proxy
from tests.support.waiting import assert_stays, wait_until

IN_TIME_S = 30.0
NAMES = ("a:server", "b:server")


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """The port of a server that says what it hears."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1000):
                writer.write(data)
        writer.close()

    async with await asyncio.start_server(answer, HOST, 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def routes(echo: int) -> list[Route]:
    return [
        Route(link=name, listen=port, target=echo) for name, port in zip(NAMES, free_ports(2), strict=True)
    ]


@pytest.fixture
async def control(routes: list[Route], tmp_path: Path) -> AsyncIterator[Path]:
    socket = tmp_path / "links"
    serving = asyncio.create_task(links.serve(routes, socket))
    await wait_until(socket.exists)
    yield socket
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def said_back(port: int, words: bytes = b"hello") -> bytes:
    """What comes back over a new connection; nothing when it is ended."""
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            writer.write(words)
            return await reader.readexactly(len(words))
        finally:
            writer.close()
    except (OSError, asyncio.IncompleteReadError):
        return b""


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != HEAL])
async def test_a_fault_hits_the_link_that_is_named_and_no_other_until_it_is_healed(
    control: Path, routes: list[Route], fault: str
) -> None:
    words = b"x" * 5_000  # more than is passed before a reset
    await links.strike(control, fault, link=NAMES[0])
    other = await asyncio.wait_for(said_back(routes[1].listen, words), IN_TIME_S)
    broken = asyncio.create_task(said_back(routes[0].listen, words))
    if fault == "slow":
        await assert_stays(lambda: not broken.done(), for_s=0.2)
    elif fault.startswith("hold"):
        await assert_stays(lambda: not broken.done(), for_s=0.3)
    else:
        assert await asyncio.wait_for(broken, IN_TIME_S) == b""
    await links.strike(control, HEAL, link=NAMES[0])
    assert other == words
    assert await asyncio.wait_for(said_back(routes[0].listen, words), IN_TIME_S) == words
    if fault not in ("cut", "reset"):  # what was held arrives
        assert await asyncio.wait_for(broken, IN_TIME_S) == words


async def test_all_links_are_healed_at_once(control: Path, routes: list[Route]) -> None:
    await links.strike(control, "cut")
    assert await links.states(control) == dict.fromkeys(NAMES, "cut")
    assert [await said_back(route.listen) for route in routes] == [b"", b""]
    await links.strike(control, HEAL)
    assert await links.states(control) == dict.fromkeys(NAMES)
    assert [await said_back(route.listen) for route in routes] == [b"hello", b"hello"]


async def test_a_fault_takes_the_place_of_the_one_before(control: Path, routes: list[Route]) -> None:
    for fault in ("cut", "slow"):
        await links.strike(control, fault, link=NAMES[0])
        assert await links.states(control) == {NAMES[0]: fault, NAMES[1]: None}
    assert await asyncio.wait_for(said_back(routes[0].listen), IN_TIME_S) == b"hello"


async def test_what_is_not_understood_breaks_nothing_and_names_what_there_is(
    control: Path, routes: list[Route], tmp_path: Path
) -> None:
    for link, fault in ((NAMES[0], "melt"), ("c:server", "cut")):
        with pytest.raises(LinkError, match=r"a:server, b:server.*cut, hold"):
            await links.strike(control, fault, link=link)
    assert await said_back(routes[0].listen) == b"hello"
    with pytest.raises(LinkError, match="do not answer"):
        await links.strike(tmp_path / "nobody", "cut")


async def test_pieces_keep_their_order_though_each_waits_another_while(echo: int) -> None:
    async with tcp_proxy(f"tcp://{HOST}:{echo}") as proxy:
        proxy.dice = random.Random(1)  # noqa: S311 - dice, no secret
        proxy.slow(delay_s=0.0, jitter_s=0.02)
        reader, writer = await asyncio.open_connection(HOST, int(proxy.dsn.rpartition(":")[2]))
        sent = b"".join(f"{number:08}".encode() for number in range(200))
        for begin in range(0, len(sent), 64):
            writer.write(sent[begin : begin + 64])
            await writer.drain()
            await asyncio.sleep(0)
        assert await asyncio.wait_for(reader.readexactly(len(sent)), IN_TIME_S) == sent
        writer.close()
