"""The whole stack in containers, under a name and on ports of its own, asked for as a person would."""

import asyncio
import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from auditor import Command
from auditor.journal import write_journal
from devservers.ports import HOST, Ports, taken
from tests.support.stack import DEMO, REPOSITORY

PROJECT = "cqrs-sync-test"
MAIN = os.environ.get("TEST_COMPOSE_FILE", "docker-compose.yml")
_OFFSETS = range(20_250, 23_500, 500)  # between those of the stacks without containers
_UP_TIMEOUT_S, _COMMAND_TIMEOUT_S = 480, 180


class DockerError(RuntimeError):
    """The engine refuses a command; the message is what it says."""


def docker(*words: str) -> str:
    """What `docker WORDS…`, run in the repository, prints."""
    try:
        ended = subprocess.run(
            ("docker", *words), cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise DockerError("there is no `docker` command here") from error
    if ended.returncode:
        raise DockerError(ended.stderr.strip())
    return ended.stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What `./demo audit --compose --json` found."""

    clean: bool
    counts: Mapping[str, int]
    findings: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningContainers:
    """The stack as `tests/support/stack.py` has it, of containers."""

    addresses: dict[str, Any] = field(repr=False)

    @property
    def instances(self) -> dict[str, str]:
        """Base URL of each order instance."""
        return {
            name: part["url"]
            for name, part in sorted(self.addresses["parts"].items())
            if name.startswith("order-") and not name.endswith("-db")
        }

    @property
    def catalog(self) -> str:
        return str(self.addresses["parts"]["catalog"]["url"])

    def demo(
        self, *arguments: str, timeout_s: float = _COMMAND_TIMEOUT_S
    ) -> "subprocess.CompletedProcess[str]":
        """Run `./demo …`."""
        return subprocess.run(
            [*DEMO, *arguments], capture_output=True, text=True, timeout=timeout_s, check=False
        )

    async def audit(self, *, commands: Iterable[Command] = (), wait_s: float = 0.0) -> Audited:
        """The auditor's report, by the command that finds its way into the containers."""
        with tempfile.TemporaryDirectory() as folder:
            journal = Path(folder) / "journal"
            write_journal(journal, commands)
            words = ("audit", "--compose", "--wait", str(wait_s), "--journal", str(journal), "--json")
            said = await asyncio.to_thread(self.demo, *words)
        assert said.returncode in (0, 1), said.stderr
        return Audited(**json.loads(said.stdout))

    def container(self, service: str) -> str:
        """Id of a running container of `service`."""
        return docker("compose", "ps", "--quiet", service).split()[0]

    def containers(self) -> dict[str, dict[str, Any]]:
        """What the engine says of each container that runs, by its name in the stack (`order-1`, `sink-2`)."""
        return {name: each for name, each in self.inspected().items() if each["State"]["Running"]}

    def inspected(self) -> dict[str, dict[str, Any]]:
        """The same of all but the jobs that have done their work, whether or not they run."""
        everything = json.loads(docker("inspect", *docker("compose", "ps", "--all", "--quiet").split()))
        project = everything[0]["Config"]["Labels"]["com.docker.compose.project"]
        return {
            each["Name"].removeprefix(f"/{project}-"): each
            for each in everything
            if each["HostConfig"]["RestartPolicy"]["Name"] not in ("", "no")
        }

    def published(self, service: str, port: int) -> list[str]:
        """Addresses on this machine that lead to `port` of each container of `service`."""
        found = (each for name, each in self.containers().items() if name.startswith(f"{service}-"))
        bindings = [each["NetworkSettings"]["Ports"][f"{port}/tcp"][0]["HostPort"] for each in found]
        return [f"{HOST}:{binding}" for binding in bindings]

    def deaths(self) -> Counter[str]:
        """How often the engine has started a container anew by itself."""
        return Counter({name: each["RestartCount"] for name, each in self.inspected().items()})

    def is_ready(self) -> bool:
        return _status().get("phase") == "ready"


def merged_services(*files: str, profile: str = "") -> dict[str, dict[str, Any]]:
    """The services of these files as Compose merges them, which takes no engine. Skips the test where there is no Compose."""
    try:
        docker("compose", "version")
    except DockerError as error:
        pytest.skip(f"nothing here merges the files: {error}")
    named = [word for file in files for word in ("-f", file)]
    merged = docker(
        "compose", *named, *(("--profile", profile) if profile else ()), "config", "--format", "json"
    )
    services: dict[str, dict[str, Any]] = json.loads(merged)["services"]
    return services


def missing_engine() -> str:
    """Why nothing can be run in containers here; empty when it can."""
    try:
        docker("info")
        docker("compose", "version")
    except DockerError as error:
        return str(error)
    return ""


@contextmanager
def whole_stack_in_containers(*overrides: str, project: str = PROJECT) -> Iterator[RunningContainers]:
    """Build and start it, changed by files of `infra/docker`; afterwards nothing of it is left but the images."""
    with containers_up(*(f"infra/docker/{each}" for each in overrides), project=project):
        yield RunningContainers(addresses=_status())


@contextmanager
def containers_up(*overrides: str, project: str) -> Iterator[Ports]:
    """Build and start what the main file and `overrides` say; the ports that it listens at."""
    ports = next(p for offset in _OFFSETS if not taken((p := Ports(offset=offset)).all(brokers=3)))
    with pytest.MonkeyPatch.context() as environment:
        for name, value in _settings(*overrides, ports=ports, project=project).items():
            environment.setenv(name, value)
        try:
            started = subprocess.run(
                ["docker", "compose", "up", "--detach", "--build", "--quiet-pull", "--wait"],
                cwd=REPOSITORY, capture_output=True, text=True, timeout=_UP_TIMEOUT_S, check=False,
            )  # fmt: skip
            assert started.returncode == 0, started.stderr[-1000:] + _complaints()
            yield ports
        finally:
            take_down()


def _status() -> dict[str, Any]:
    said = subprocess.run(
        [*DEMO, "status", "--compose", "--json"],
        capture_output=True,
        text=True,
        timeout=_COMMAND_TIMEOUT_S,
        check=False,
    )
    status: dict[str, Any] = json.loads(said.stdout)
    return status


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


def _settings(*overrides: str, ports: Ports, project: str) -> dict[str, str]:
    numbered = {f"ORDER_{n}_PORT": ports.order(n) for n in (1, 2, 3, 4)}
    numbered |= {f"KAFKA_{n}_PORT": ports.broker(n) for n in (1, 2, 3)}
    numbered |= {"CATALOG_PORT": ports.catalog, "POSTGRES_PORT": ports.postgres, "SINK_PORT": ports.sink}
    numbered |= {"ISSUER_PORT": ports.issuer}
    files = (MAIN, *overrides)
    return {name: str(port) for name, port in numbered.items()} | {
        "COMPOSE_PROJECT_NAME": project,
        "COMPOSE_FILE": ":".join(files),
        "SINK_PORTS": f"{ports.sink}-{ports.sink + 7}",
    }
