"""Deploying connector files to a worker, this one's or Kafka Connect's: `PUT /connectors/{name}/config` for each."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from sink_connector.errors import SinkError

PAUSE_S = 0.25
TIMEOUT_S = 60.0
LASTING_S = 5.0
CONFLICT = 409


class DeployError(SinkError):
    """The worker refused a configuration, or a connector did not come to run in time."""


def deploy(
    connectors: list[Mapping[str, Any]],
    *,
    url: str,
    wait_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Make each connector what its configuration says: a new one is created, one that is so already just goes on.

    Waits up to `wait_s` for the worker to answer and for every task to run. What has failed (perhaps long ago, in a worker
    that is just coming up again) is restarted once, and has to last then. Raises `DeployError`.
    """
    deadline = clock() + wait_s

    def patiently(step: Callable[[], bool], failure: str) -> None:
        while not step():
            if clock() > deadline:
                raise DeployError(f"{failure} within {wait_s:g} s")
            sleep(PAUSE_S)

    paths = [f"{url.rstrip('/')}/connectors/{quote(config['name'], safe='')}" for config in connectors]
    for path, config in zip(paths, connectors, strict=True):
        patiently(partial(_put, path, config), f"{url} took no configuration")
    for path, config in zip(paths, connectors, strict=True):
        patiently(_Starting(path, clock).runs, f"{config['name']} did not come to run")


def _put(path: str, config: Mapping[str, Any]) -> bool:
    code, answer = _ask("PUT", f"{path}/config", config)
    if code in {0, CONFLICT}:
        return False
    if code >= 400:  # noqa: PLR2004 - HTTP's own border
        raise DeployError(f"{config['name']}: {answer.get('message', answer)}")
    return True


@dataclass(slots=True)
class _Starting:
    """A connector on its way up."""

    path: str
    clock: Callable[[], float]
    restarted_at: float | None = None

    def runs(self) -> bool:
        """Whether it is as asked for. Raises `DeployError` when it has failed although it was restarted."""
        code, status = _ask("GET", f"{self.path}/status")
        if code != 200:  # noqa: PLR2004 - OK
            return False
        parts = [status["connector"], *status["tasks"]]
        failures = [part.get("trace", "") for part in parts if part["state"] == "FAILED"]
        if failures and self.restarted_at is None:
            self.restarted_at = self.clock()
            _ask("POST", f"{self.path}/restart?includeTasks=true&onlyFailed=true")
        if self.restarted_at is not None and self.clock() - self.restarted_at < LASTING_S:
            return False  # what fails again does so by then
        if failures:
            raise DeployError(f"{status['name']} has failed:\n{failures[0]}")
        if status["connector"]["state"] in {"PAUSED", "STOPPED"}:
            return True  # as somebody has asked for
        return bool(status["tasks"]) and all(part["state"] == "RUNNING" for part in parts)


def _ask(method: str, url: str, body: Any = None) -> tuple[int, Any]:
    """Code and JSON of the answer; code 0 when there is none."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - the user names the worker
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _json(error.read())
    except (OSError, urllib.error.URLError):
        return 0, {}


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return {"message": data.decode(errors="replace")}
