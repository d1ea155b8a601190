"""The state of each part: who is up, which broker is the controller, asked every two seconds in the background."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from catalog_service.monitoring.brokers import Brokers

_EVERY_S = 2.0
_PATIENCE_S = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`state` is up, degraded or down; `detail` is for people."""

    name: str
    kind: str
    state: str
    detail: str


class Probes:
    """Asks every part how it is. The last answers are kept; nobody waits for a part that is away."""

    def __init__(
        self, *, order_services: Mapping[str, str], sink_url: str, cluster: Brokers, http: httpx.AsyncClient
    ) -> None:
        self._order_services = order_services
        self._sink_url = sink_url
        self._cluster = cluster
        self._http = http
        self._found: Sequence[Part] = ()

    @property
    def found(self) -> Sequence[Part]:
        """The last answers, in the order of the way a command takes."""
        return self._found

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            asked = [
                *(
                    self._service(name, "order", f"{url}/health/ready")
                    for name, url in self._order_services.items()
                ),
                self._brokers(),
                self._sink(),
            ]
            self._found = [part for parts in await asyncio.gather(*asked) for part in parts]
            await asyncio.sleep(_EVERY_S)

    async def _service(self, name: str, kind: str, url: str) -> list[Part]:
        try:
            answer = await self._http.get(url, timeout=_PATIENCE_S)
        except httpx.HTTPError:
            return [Part(name=name, kind=kind, state="down", detail="does not answer")]
        if answer.is_success:
            return [Part(name=name, kind=kind, state="up", detail="ready")]
        return [Part(name=name, kind=kind, state="degraded", detail=_detail(answer))]

    async def _sink(self) -> list[Part]:
        """The worker, and each of its connectors when it tells of them (Kafka Connect's REST)."""
        worker = await self._service("sink", "sink", f"{self._sink_url}/health")
        if worker[0].state == "down":
            return worker
        try:
            answer = await self._http.get(
                f"{self._sink_url}/connectors", params={"expand": "status"}, timeout=_PATIENCE_S
            )
            connectors = answer.json() if answer.is_success else {}
        except (httpx.HTTPError, ValueError):
            return worker
        return worker + [_connector(name, told) for name, told in sorted(connectors.items())]

    async def _brokers(self) -> list[Part]:
        return [
            Part(
                name=f"broker {each.node_id}",
                kind="broker",
                state="up" if each.up else "down",
                detail=f"{'controller, ' if each.controller else ''}{each.address}",
            )
            for each in await self._cluster.brokers()
        ] or [Part(name="kafka", kind="broker", state="down", detail="no broker has answered yet")]


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, LookupError, TypeError):
        return f"answers {answer.status_code}"


def _connector(name: str, told: Mapping[str, Mapping[str, object]]) -> Part:
    status = told.get("status", {})
    states = [status.get("connector", {}), *_tasks(status)]
    words = [str(each.get("state", "?")) for each in states if isinstance(each, Mapping)]
    running = all(word == "RUNNING" for word in words)
    return Part(
        name=name,
        kind="connector",
        state="up" if running else "down" if "FAILED" in words else "degraded",
        detail=", ".join(sorted(set(words))).lower(),
    )


def _tasks(status: Mapping[str, object]) -> list[object]:
    tasks = status.get("tasks", [])
    return tasks if isinstance(tasks, list) else []
