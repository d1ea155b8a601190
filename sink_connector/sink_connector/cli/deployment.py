"""Deploying connector files to a worker, this one's or Kafka Connect's: `PUT /connectors/{name}/config` for each."""

import math
import os
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx

from sink_connector.errors import ConfigError, SinkError, headline

PAUSE_S = 0.25
TIMEOUT_S = 60.0
LASTING_S = 5.0
LAST_PORT = 65_535
NO_ANSWER, OK, CONFLICT, REFUSED = 0, 200, 409, 400


class DeployError(SinkError):
    """The worker refused a configuration, or a connector did not come to run in time."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who deploys, and whom they trust: user and password, and the PEM file of an authority."""

    login: tuple[str, str] | None = field(default=None, repr=False)
    cafile: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Access":
        """`SINK_DEPLOY_USER`, `SINK_DEPLOY_PASSWORD`, `SINK_DEPLOY_CAFILE`: a command line is seen by everybody."""
        user = environment.get("SINK_DEPLOY_USER")
        return cls(
            login=(user, environment.get("SINK_DEPLOY_PASSWORD", "")) if user else None,
            cafile=environment.get("SINK_DEPLOY_CAFILE") or None,
        )

    def verify(self) -> ssl.SSLContext | bool:
        """As httpx takes it. Raises `ConfigError` for a file that cannot be read."""
        if self.cafile is None:
            return True
        try:
            return ssl.create_default_context(cafile=self.cafile)
        except OSError as error:
            raise ConfigError({"SINK_DEPLOY_CAFILE": [f"cannot be read: {error}"]}) from error


def deploy(  # noqa: PLR0913 - what, where, and how it is let in there
    connectors: list[Mapping[str, Any]],
    *,
    url: str,
    wait_s: float,
    access: Access = Access(),
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Make each connector what its configuration says: a new one is created, one that is so already just goes on.

    Waits up to `wait_s` for the worker to answer and for every task to run. What has failed (perhaps long ago, in a worker
    that is just coming up again) is restarted once, and has to last then.

    `access` is what it takes to be let in there.

    Raises:
        ConfigError: `url` or `wait_s` is none, or a connector has no name.
        DeployError: A configuration was refused, or a connector does not come to run.
    """
    _check(connectors, url, wait_s)
    deadline = clock() + wait_s

    def patiently(step: Callable[[], bool], failure: str) -> None:
        while not step():
            if clock() > deadline:
                raise DeployError(f"{failure} within {wait_s:g} s")
            sleep(PAUSE_S)

    # A proxy of the environment is for the world outside; a worker is a neighbour.
    with httpx.Client(trust_env=False, timeout=TIMEOUT_S, auth=access.login, verify=access.verify()) as http:
        worker = _Worker(http, url.rstrip("/"))
        for config in connectors:
            patiently(
                partial(worker.put, config), f"{url} did not take the configuration of {config['name']}"
            )
        for config in connectors:
            starting = _Starting(worker, config["name"], clock)
            patiently(starting.runs, f"{config['name']} did not come to run")


def _check(connectors: list[Mapping[str, Any]], url: str, wait_s: float) -> None:
    try:
        address = httpx.URL(url)
        address.host.encode("idna")
        is_usable = (
            address.scheme in {"http", "https"}
            and re.fullmatch(r"[\w.:-]+", address.host) is not None
            and (address.port or 0) <= LAST_PORT
        )
    except (httpx.InvalidURL, ValueError):  # UnicodeError is one
        is_usable = False
    if not is_usable:
        raise ConfigError({"--url": [f"is {url!r}, it must be http://host:port"]})
    if math.isnan(wait_s):
        raise ConfigError({"--wait": ["is no number of seconds"]})
    if any(not config.get("name") for config in connectors):
        raise ConfigError({"name": ["is required"]})


@dataclass(frozen=True, slots=True)
class _Worker:
    """A worker's REST interface."""

    http: httpx.Client
    url: str

    def put(self, config: Mapping[str, Any]) -> bool:
        """Whether it took a configuration; one that is in the middle of something may later."""
        code, answer = self.ask("PUT", config["name"], "/config", dict(config))
        if code in {NO_ANSWER, CONFLICT}:
            return False
        if code >= REFUSED:
            message = answer.get("message", answer) if isinstance(answer, dict) else answer
            raise DeployError(f"{config['name']}: {message}")
        return True

    def ask(self, method: str, name: str, rest: str, body: Any = None) -> tuple[int, Any]:
        """Code and JSON of the answer; code 0 when there is none."""
        address = f"{self.url}/connectors/{quote(name, safe='')}{rest}"
        try:
            answer = self.http.request(method, address, json=body)
        except httpx.TransportError:
            return NO_ANSWER, {}
        try:
            return answer.status_code, answer.json() if answer.content else {}
        except ValueError:
            return answer.status_code, {"message": answer.text}


@dataclass(slots=True)
class _Starting:
    """A connector on its way up."""

    worker: _Worker
    name: str
    clock: Callable[[], float]
    restarted_at: float | None = None

    def runs(self) -> bool:
        """Whether it is as asked for. Raises `DeployError` when it has failed although it was restarted."""
        code, status = self.worker.ask("GET", self.name, "/status")
        if code != OK:
            return False
        parts = [status["connector"], *status["tasks"]]
        failures = [part.get("trace", "") for part in parts if part["state"] == "FAILED"]
        if failures and self.restarted_at is None:
            self.restarted_at = self.clock()
            self.worker.ask("POST", self.name, "/restart?includeTasks=true&onlyFailed=true")
        if self.restarted_at is not None and self.clock() - self.restarted_at < LASTING_S:
            return False  # what fails again does so by then
        if failures:
            raise DeployError(
                f"{self.name} has failed: {_summary(failures[0])} (its whole trace is in its status, "
                f"{self.worker.url}/connectors/{quote(self.name, safe='')}/status)"
            )
        if status["connector"]["state"] in {"PAUSED", "STOPPED"}:
            return True  # as somebody has asked for
        return bool(status["tasks"]) and all(part["state"] == "RUNNING" for part in parts)


def _summary(trace: str) -> str:
    """The sentence at the end of a Python trace, the first line of any other."""
    lines = [line for line in trace.strip().splitlines() if line and not line.startswith(" ")]
    if trace.startswith("Traceback") and lines:
        return lines[-1].partition(": ")[2] or lines[-1]
    return headline(trace)
