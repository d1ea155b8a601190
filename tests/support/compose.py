"""The whole stack in containers, under a name and on ports of its own, asked for as a person would."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from auditor import Target
from demo.compose.containers import docker
from demo.compose.stack import ComposeStack
from demo.compose.status import snapshot_of
from demo.home import REPOSITORY
from demo.supervisor.control import NotRunningError
from devservers.ports import Ports, taken

PROJECT = "cqrs-sync-test"
_OFFSETS = range(20_250, 23_500, 500)  # between those of the stacks without containers
_UP_TIMEOUT_S, _COMMAND_TIMEOUT_S = 480, 120


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningContainers:
    """The stack as `tests/support/stack.py` has it, of containers; `target` can be read from any event loop."""

    described: ComposeStack
    target: Target

    @property
    def instances(self) -> dict[str, str]:
        return self.described.instances

    @property
    def catalog(self) -> str:
        return self.described.catalog_url

    def demo(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `./demo …`."""
        command = [sys.executable, "-m", "demo", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S, check=False
        )

    def inspected(self) -> dict[str, dict[str, Any]]:
        """What the engine says of each container, by its name in the stack (`order-1`, `sink-2`)."""
        everything = json.loads(docker("inspect", *(c.id for c in self.described.containers)))
        project = everything[0]["Config"]["Labels"]["com.docker.compose.project"]
        return {each["Name"].removeprefix(f"/{project}-"): each for each in everything}

    def deaths(self) -> Counter[str]:
        """How often the engine has started a container anew by itself."""
        return Counter({c.name: c.restarts for c in ComposeStack.running().containers})

    def is_ready(self) -> bool:
        try:
            return bool(snapshot_of(ComposeStack.running())["phase"] == "ready")
        except NotRunningError:  # a container went away between two questions
            return False


def missing_engine() -> str:
    """Why nothing can be run in containers here; empty when it can."""
    try:
        docker("info")
        docker("compose", "version")
    except NotRunningError as error:
        return str(error)
    return ""


@contextmanager
def whole_stack_in_containers(*overrides: str, project: str = PROJECT) -> Iterator[RunningContainers]:
    """Build and start it, changed by files of `infra/docker`; afterwards nothing of it is left but the images."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in _settings(*overrides, project=project).items():
            environment.setenv(name, value)
        try:
            started = subprocess.run(
                ["docker", "compose", "up", "--detach", "--build", "--quiet-pull", "--wait"],
                cwd=REPOSITORY, capture_output=True, text=True, timeout=_UP_TIMEOUT_S, check=False,
            )  # fmt: skip
            assert started.returncode == 0, started.stderr[-1000:] + _complaints()
            described = ComposeStack.running()
            with _kept_open(described) as target:
                yield RunningContainers(described=described, target=target)
        finally:
            take_down()


def take_down() -> None:
    """`docker compose down --volumes`; nothing happens when it is down."""
    docker("compose", "down", "--volumes")


def _complaints() -> str:
    """The last lines of every container that is not as it should be."""
    ids = docker("compose", "ps", "--all", "--quiet").split()
    states = {each["Id"]: each["State"] for each in json.loads(docker("inspect", *ids))} if ids else {}
    sick = [
        container
        for container, state in states.items()
        if state["ExitCode"] or state.get("Health", {}).get("Status") == "unhealthy"
    ]
    logs = (
        subprocess.run(
            ["docker", "logs", "--tail", "30", container],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        ).stdout
        for container in sick
    )  # fmt: skip
    return "\n".join(logs)


def _settings(*overrides: str, project: str) -> dict[str, str]:
    ports = next(p for offset in _OFFSETS if not taken((p := Ports(offset=offset)).all(brokers=3)))
    numbered = {f"ORDER_{n}_PORT": ports.order(n) for n in (1, 2, 3, 4)}
    numbered |= {f"KAFKA_{n}_PORT": ports.broker(n) for n in (1, 2, 3)}
    numbered |= {"CATALOG_PORT": ports.catalog, "POSTGRES_PORT": ports.postgres, "SINK_PORT": ports.sink}
    files = (
        os.environ.get("TEST_COMPOSE_FILE", "docker-compose.yml"),
        *(f"infra/docker/{o}" for o in overrides),
    )
    return {name: str(port) for name, port in numbered.items()} | {
        "COMPOSE_PROJECT_NAME": project,
        "COMPOSE_FILE": ":".join(files),
        "SINK_PORTS": f"{ports.sink}-{ports.sink + 7}",
    }


@contextmanager
def _kept_open(described: ComposeStack) -> Iterator[Target]:
    """The ways into the order databases, served by a loop of their own: each test has another one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    opened = described.target()
    try:
        yield asyncio.run_coroutine_threadsafe(opened.__aenter__(), loop).result()
        asyncio.run_coroutine_threadsafe(opened.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
