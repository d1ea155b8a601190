"""The state of each part: who is up, which broker is the controller, asked every second while somebody looks."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx
import structlog

from catalog_service.monitoring.brokers import Brokers

log = structlog.get_logger(__name__)

_EVERY_S = 1.0
_WATCHED_S = 5.0  # so long after somebody looked he may look again
_PATIENCE_S = 1.5
_MAX_DETAIL = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`state` is up, degraded or down; `detail` is for people."""

    name: str
    kind: str
    state: str
    detail: str


Probe = Callable[[], Awaitable[Sequence[Part]]]


class Probes:
    """Asks every part how it is, each on its own: nobody waits for a part that is away. The last answers are kept.

    Everybody is asked once at the start, and from then on only while somebody looks: asking costs every part.
    """

    def __init__(  # noqa: PLR0913 - whom it asks, and how
        self,
        *,
        order_services: Mapping[str, str],
        sink_url: str,
        sink_login: tuple[str, str] | None = None,
        brokers: Brokers,
        http: httpx.AsyncClient,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`order_services` and `sink_url` say where to ask; the answers are those of their health routes."""
        self._sink_url = sink_url
        self._sink_login = sink_login
        self._brokers = brokers
        self._http = http
        self._sleep = sleep
        self._probes: dict[tuple[str, str], Probe] = {
            (name, "order"): self._order_service(name, url) for name, url in order_services.items()
        }
        self._probes |= {("kafka", "broker"): self._kafka, ("sink", "sink"): self._sink}
        self._found: dict[tuple[str, str], Sequence[Part]] = {}
        self._watched = asyncio.Event()
        self._unwatch: asyncio.TimerHandle | None = None
        self._outdated: set[tuple[str, str]] = set()
        self._asked = asyncio.Condition()

    @property
    def found(self) -> Sequence[Part]:
        """The last answers, in the order of the way a command takes; empty until every part has been asked once."""
        if len(self._found) < len(self._probes):
            return ()
        return [part for asked in self._probes for part in self._found[asked]]

    async def look(self) -> Sequence[Part]:
        """`found`, and have it kept up to date for a while.

        After a time without a look every part is asked anew first; one that takes a second or more is told as it was.
        """
        if not self._watched.is_set():
            self._outdated = set(self._probes)
            self._watched.set()
        if self._unwatch is not None:
            self._unwatch.cancel()
        self._unwatch = asyncio.get_running_loop().call_later(_WATCHED_S, self._watched.clear)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_EVERY_S), self._asked:
                await self._asked.wait_for(lambda: not self._outdated)
        self._outdated.clear()
        return self.found

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for name, kind in self._probes:
                tasks.create_task(self._watch(name, kind))

    async def _watch(self, name: str, kind: str) -> None:
        while True:
            try:
                self._found[name, kind] = await self._probes[name, kind]()
            # Whatever a part answers is its own state, and no reason for anybody else to stop.
            except Exception as error:  # noqa: BLE001 - see above
                log.warning("probe.failed", part=name, error=type(error).__name__, detail=str(error))
                self._found[name, kind] = [
                    Part(name=name, kind=kind, state="degraded", detail="answers something unexpected")
                ]
            async with self._asked:
                self._outdated.discard((name, kind))
                self._asked.notify_all()
            await self._sleep(_EVERY_S)
            await self._watched.wait()

    def _order_service(self, name: str, url: str) -> Probe:
        async def ask() -> Sequence[Part]:
            return [await self._service(name, "order", f"{url}/health/ready")]

        return ask

    async def _service(self, name: str, kind: str, url: str) -> Part:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                answer = await self._http.get(url)
        except (httpx.HTTPError, TimeoutError):
            return Part(name=name, kind=kind, state="down", detail="does not answer")
        if answer.is_success:
            return Part(name=name, kind=kind, state="up", detail="ready")
        return Part(name=name, kind=kind, state="degraded", detail=_detail(answer))

    async def _sink(self) -> Sequence[Part]:
        """The worker, and each of its connectors when it tells of them (Kafka Connect's REST)."""
        worker = await self._service("sink", "sink", f"{self._sink_url}/health")
        if worker.state == "down":
            return [worker]
        try:
            async with asyncio.timeout(_PATIENCE_S):
                answer = await self._http.get(
                    f"{self._sink_url}/connectors", params={"expand": "status"}, auth=self._sink_login
                )
            told = answer.json() if answer.is_success else {}
        except (httpx.HTTPError, TimeoutError, ValueError, RecursionError):
            return [worker]
        connectors = sorted(told.items()) if isinstance(told, dict) else []
        return [worker, *(_connector(str(name), status) for name, status in connectors)]

    async def _kafka(self) -> Sequence[Part]:
        return [
            Part(
                name=f"broker {each.node_id}",
                kind="broker",
                state="up" if each.up else "down",
                detail=f"{'controller, ' if each.controller else ''}{each.address}",
            )
            for each in await self._brokers.brokers()
        ] or [Part(name="kafka", kind="broker", state="down", detail="no broker has answered yet")]


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])[:_MAX_DETAIL]
    except (ValueError, LookupError, TypeError, RecursionError):
        return f"answers {answer.status_code}"


def _connector(name: str, told: object) -> Part:
    status = _mapping(_mapping(told).get("status"))
    tasks = status.get("tasks")
    states = [status.get("connector"), *(tasks if isinstance(tasks, list) else [])]
    words = [str(_mapping(each).get("state", "unknown"))[:_MAX_DETAIL] for each in states]
    running = all(word == "RUNNING" for word in words)
    return Part(
        name=name,
        kind="connector",
        state="up" if running else "down" if "FAILED" in words else "degraded",
        detail=", ".join(sorted(set(words))).lower(),
    )


def _mapping(told: object) -> Mapping[str, object]:
    return told if isinstance(told, dict) else {}
