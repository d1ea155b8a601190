"""The connectors that fill the copy, and the worker's REST API (Kafka Connect's) through which they come and go."""

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from auditor.waiting import until

SUFFIX = "-next"
SCHEMA = "next"
_NOT_OF_A_COPY = {"notify.channel", "errors.deadletterqueue.topic.name"}
"""Settings that announce a record to others, which has been done already."""
_HIDDEN = "[hidden]"
"""What a worker shows of a secret that is written out in a configuration."""

_REQUEST_TIMEOUT_S = 20.0
_PATIENCE_S = 60.0
_PAUSE_S = 0.2
_BUSY = {HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.BAD_GATEWAY}


class SinkError(RuntimeError):
    """The sink's worker does not do what it is asked, or a connector of it has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A connector as the worker has it."""

    name: str
    config: Mapping[str, str]

    def copy(self) -> "Connector":
        """The same into schema `SCHEMA`, under a name of its own: another consumer group, other offsets.

        Raises:
            SinkError: the worker hides a part of its configuration.
        """
        hidden = [key for key, value in self.config.items() if _HIDDEN in value]
        if hidden:
            raise SinkError(
                f"{self.name} cannot be copied: the worker hides {', '.join(hidden)}; a reference such as ${{env:…}} is shown"
            )
        name = self.name + SUFFIX
        url = self.config["connection.url"]
        kept = {key: value for key, value in self.config.items() if key not in _NOT_OF_A_COPY}
        into = f"{url}{'&' if '?' in url else '?'}currentSchema={SCHEMA}"
        return Connector(name=name, config=kept | {"name": name, "connection.url": into})


class Worker:
    """A worker's connectors. Every method raises SinkError."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        """`http` has the worker's address as its base."""
        self._http = http

    async def connector(self, name: str) -> Connector:
        """The connector of that name, as it is configured now."""
        return Connector(name=name, config=(await self._ask("GET", f"/connectors/{name}"))["config"])

    async def begin(self, connector: Connector) -> None:
        """Make it and let it read from the beginning, whatever one of its name had read before."""
        body = {"name": connector.name, "config": dict(connector.config), "initial_state": "STOPPED"}
        await self._ask("POST", "/connectors", body)
        await self._ask("DELETE", f"/connectors/{connector.name}/offsets")
        await self._ask("PUT", f"/connectors/{connector.name}/resume")

    async def delete(self, name: str) -> None:
        """Nothing to do when there is none."""
        await self._ask("DELETE", f"/connectors/{name}", fine={HTTPStatus.NOT_FOUND})

    async def restart(self, name: str, *, only_failed: bool = False) -> None:
        """Restart its tasks from the offsets in the database."""
        which = "true" if only_failed else "false"
        await self._ask("POST", f"/connectors/{name}/restart?includeTasks=true&onlyFailed={which}")

    async def running(self, names: Sequence[str]) -> None:
        """Return when every task of these runs, in bounded time."""
        states: dict[str, list[str]] = {}

        async def all_run() -> bool:
            for name in names:
                states[name] = [part["state"] for part in await self._parts(name)]
            return all(len(each) > 1 and set(each) == {"RUNNING"} for each in states.values())

        if not await until(all_run, timeout_s=_PATIENCE_S, pause_s=_PAUSE_S):
            said = ", ".join(f"{name} is {'/'.join(each) or 'unknown'}" for name, each in states.items())
            raise SinkError(f"the connectors do not run: {said}")

    async def require_healthy(self, names: Sequence[str]) -> None:
        """Raises SinkError with the reason when one of these has failed."""
        for name in names:
            for part in await self._parts(name):
                if part["state"] == "FAILED":
                    raise SinkError(f"{name} has failed:\n{part.get('trace', '')}")

    async def _parts(self, name: str) -> list[dict[str, Any]]:
        status = await self._ask("GET", f"/connectors/{name}/status", fine={HTTPStatus.NOT_FOUND})
        return [status["connector"], *status["tasks"]] if "tasks" in status else []

    async def _ask(
        self, method: str, path: str, body: Any = None, *, fine: set[HTTPStatus] | None = None
    ) -> dict[str, Any]:
        """Ask until the worker is there and its group is settled."""
        answered: list[httpx.Response] = []
        said = "nothing"

        async def asked() -> bool:
            nonlocal said
            try:
                answer = await self._http.request(method, path, json=body)
            except httpx.TransportError as error:
                said = f"{type(error).__name__}: {error}"
                return False
            answered.append(answer)
            said = f"{answer.status_code} {answer.text}"
            return answer.status_code not in _BUSY

        settled = await until(asked, timeout_s=_PATIENCE_S, pause_s=_PAUSE_S)
        if not settled or not (answered[-1].is_success or answered[-1].status_code in (fine or ())):
            raise SinkError(f"the sink's worker answers {method} {path} with {said}")
        try:
            content = answered[-1].json() if answered[-1].content else {}
        except ValueError as error:
            raise SinkError(f"the sink's worker answers {method} {path} with no JSON: {said}") from error
        return content if isinstance(content, dict) else {}


@asynccontextmanager
async def worker(
    url: str, *, login: tuple[str, str] | None = None, cafile: str | None = None
) -> AsyncIterator[Worker]:
    """The worker at `url`; `login` are user and password, `cafile` its authority, where it asks and speaks https."""
    verify = ssl.create_default_context(cafile=cafile) if cafile else True
    async with httpx.AsyncClient(
        base_url=url, timeout=_REQUEST_TIMEOUT_S, trust_env=False, auth=login, verify=verify
    ) as http:
        yield Worker(http)
