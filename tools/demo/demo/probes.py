"""When a part is ready: asked over HTTP, and never raising."""

import httpx

from demo.supervisor.graph import Probe


def serves(http: httpx.AsyncClient, url: str) -> Probe:
    """Whether a GET of `url` succeeds."""

    async def probe() -> bool:
        try:
            return (await http.get(url)).is_success
        except httpx.HTTPError:
            return False

    return probe


def runs_connectors(http: httpx.AsyncClient, url: str, login: tuple[str, str] | None) -> Probe:
    """Whether the sink at `url` is healthy; `login` is for its REST.

    A worker whose connector has failed still serves, but it is not well.
    """

    async def probe() -> bool:
        try:
            healthy = (await http.get(f"{url}/health")).is_success
            answer = await http.get(f"{url}/connectors", params={"expand": "status"}, auth=login)
            listed = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError):
            return False
        parts = [
            part
            for each in listed.values()
            for part in (each["status"]["connector"], *each["status"]["tasks"])
        ]
        return healthy and not any(part["state"] == "FAILED" for part in parts)

    return probe
