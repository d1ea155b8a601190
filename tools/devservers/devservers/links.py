"""Links of a stack that can be broken: a TCP proxy before each server, and a Unix socket over which faults are asked for.

`python -m devservers.links ROUTES SOCKET` runs until SIGTERM; `ROUTES` is a file with the routes as JSON. Whoever may open
the socket may break them: it belongs in a directory of its owner alone.
"""

import argparse
import asyncio
import json
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from devservers.ports import HOST
from devservers.tcp_proxy import TcpProxy, tcp_proxy

HEAL = "heal"
FAULTS: Mapping[str, Callable[[TcpProxy], None]] = {
    "cut": TcpProxy.cut,
    "hold": TcpProxy.hold,
    "hold-requests": partial(TcpProxy.hold, answers=False),
    "hold-answers": partial(TcpProxy.hold, requests=False),
    "slow": partial(TcpProxy.slow, delay_s=0.1, jitter_s=0.3),
    "reset": partial(TcpProxy.reset_answers, after=600),
    HEAL: TcpProxy.heal,
}
"""What can be asked for, by name. `reset` ends each connection once it has passed so many bytes of answers."""
_ANSWER_S = 10.0


class LinkError(RuntimeError):
    """A link cannot be broken or healed; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Connections to the port `listen` go on to the port `target`, both on this machine.

    Routes of one `link` are broken together: a client's ways to all brokers.
    """

    link: str
    listen: int
    target: int


def as_json(routes: Sequence[Route]) -> str:
    """As the file that the program reads."""
    return json.dumps([asdict(route) for route in routes], indent=1)


async def strike(control: Path, fault: str, *, link: str | None = None) -> None:
    """Have `fault`, a name of `FAULTS`, happen to `link`, or to all of them, in place of what they have.

    Raises:
        LinkError: nobody answers, no link or no fault is called so.
    """
    await _ask(control, {"fault": fault, "link": link})


async def states(control: Path) -> dict[str, str | None]:
    """The links there are, each with the fault that it has now, whoever has asked for it. Raises `LinkError`."""
    found: dict[str, str | None] = (await _ask(control, {}))["links"]
    return found


async def _ask(control: Path, request: Mapping[str, str | None]) -> dict[str, Any]:
    try:
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_unix_connection(control)
            try:
                writer.write(json.dumps(request).encode() + b"\n")
                answer: dict[str, Any] = json.loads(await reader.readline())
            finally:
                writer.close()
    except (OSError, ValueError) as error:  # a time-out is an OSError
        raise LinkError(f"the links do not answer: {error!r}") from error
    if "error" in answer:
        raise LinkError(answer["error"])
    return answer


@dataclass(frozen=True, slots=True)
class LinkServer:
    """Answers `strike` and `states`."""

    proxies: Mapping[str, Sequence[TcpProxy]]
    struck: dict[str, str] = field(default_factory=dict)
    """What each link has that is broken."""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client, which says one line."""
        with suppress(ConnectionError):
            writer.write(json.dumps(self._done(await reader.readline())).encode() + b"\n")
            await writer.drain()
        writer.close()

    def _done(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            if not asked:
                return {"links": {name: self.struck.get(name) for name in self.proxies}}
            link, fault = asked["link"], asked["fault"]
            strike = FAULTS[fault]
            meant = list(self.proxies) if link is None else [link]
            found = [proxy for name in meant for proxy in self.proxies[name]]
        except (ValueError, KeyError, TypeError):
            known = f"links: {', '.join(self.proxies)}; faults: {', '.join(FAULTS)}"
            return {"error": f"not understood: {line.decode(errors='replace').strip()}; {known}"}
        for proxy in found:
            proxy.heal()
            strike(proxy)
        for name in meant:
            self.struck.pop(name, None)
            if fault != HEAL:
                self.struck[name] = fault
        return {"done": len(found)}


async def serve(routes: Sequence[Route], control: Path) -> None:
    """Forward until cancelled."""
    proxies: dict[str, list[TcpProxy]] = {}
    async with AsyncExitStack() as running:
        for route in routes:
            proxy = await running.enter_async_context(
                tcp_proxy(f"tcp://{HOST}:{route.target}", port=route.listen)
            )
            proxies.setdefault(route.link, []).append(proxy)
        running.callback(control.unlink, missing_ok=True)
        server = await asyncio.start_unix_server(LinkServer(proxies).answer, control)
        await running.enter_async_context(server)
        await asyncio.Event().wait()


async def _until_told(routes: Sequence[Route], control: Path) -> None:
    serving = asyncio.create_task(serve(routes, control))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description="Forward ports, and break the ways on request.")
    parser.add_argument("routes", type=Path)
    parser.add_argument("control", type=Path)
    args = parser.parse_args()
    routes = [Route(**each) for each in json.loads(args.routes.read_text())]
    asyncio.run(_until_told(routes, args.control))


if __name__ == "__main__":
    main()
