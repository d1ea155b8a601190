"""The containers of the compose project, found and entered through the `docker` command.

Which project that is, Compose itself decides: `docker-compose.yml` of the repository, `COMPOSE_FILE`,
`COMPOSE_PROJECT_NAME`, `.env`.
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from demo.errors import NotRunningError
from demo.home import REPOSITORY

COMPOSE_UP = "docker compose up --detach --build --wait"
_ONE_OFF = "com.docker.compose.oneoff"
"""What `docker compose run` has started: of no part."""
_STATES = {"healthy": "ready", "unhealthy": "unready", "starting": "starting"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container; `ports` leads from those inside to those published on this machine."""

    id: str
    name: str
    service: str
    number: int
    state: str
    pid: int | None
    restarts: int
    is_job: bool
    ports: Mapping[int, int]

    @property
    def part(self) -> str:
        """The name of the service; the second of one is called `sink-2`."""
        return self.service if self.number == 1 else f"{self.service}-{self.number}"

    @property
    def is_running(self) -> bool:
        """Whether it has a process."""
        return self.pid is not None

    def setting(self, variable: str) -> str:
        """Value of an environment variable as the container's own program gets it, out of a secret file or not."""
        script = 'file="${1}_FILE"; [ -n "${!file}" ] && cat "${!file}" || printf %s "${!1}"'
        return docker("exec", self.id, "bash", "-c", script, "bash", variable)


def containers() -> tuple[Container, ...]:
    """Every container of the project, jobs that have done their work left out.

    Raises NotRunningError: there is none, or no Docker.
    """
    ids = docker("compose", "ps", "--all", "--quiet").split()
    inspected = json.loads(docker("inspect", *ids)) if ids else []
    found = [_container(each) for each in inspected if each["Config"]["Labels"].get(_ONE_OFF) != "True"]
    if not any(container.is_running for container in found):
        raise NotRunningError(f"nothing runs in containers; start it with `{COMPOSE_UP}`")
    kept = (container for container in found if not (container.is_job and container.state == "done"))
    return tuple(sorted(kept, key=lambda container: container.name))


def docker(*words: str) -> str:
    """Run `docker WORDS…` in the repository; gives what it prints. Raises NotRunningError with what it says."""
    try:
        ended = subprocess.run(
            ("docker", *words),  # noqa: S607  wherever the PATH has it
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,  # Ctrl-C is for who asked: the engine would go on, and nobody know how it ends
        )
    except FileNotFoundError as error:
        raise NotRunningError("there is no `docker` command here") from error
    if ended.returncode:
        raise NotRunningError(f"`docker {words[0]}` failed: {ended.stderr.strip()}")
    return ended.stdout


def _container(inspected: dict[str, Any]) -> Container:
    state, labels = inspected["State"], inspected["Config"]["Labels"]
    is_job = inspected["HostConfig"]["RestartPolicy"]["Name"] in {"", "no"}
    return Container(
        id=inspected["Id"],
        name=inspected["Name"].removeprefix("/"),
        service=labels["com.docker.compose.service"],
        number=int(labels["com.docker.compose.container-number"]),
        state=_state(state, is_job=is_job),
        pid=state["Pid"] or None,
        restarts=inspected["RestartCount"],
        is_job=is_job,
        ports={
            int(inside.partition("/")[0]): int(published[0]["HostPort"])
            for inside, published in inspected["NetworkSettings"]["Ports"].items()
            if published
        },
    )


def _state(state: dict[str, Any], *, is_job: bool) -> str:
    """In the words that `./demo status` has for the parts of a stack."""
    if state["Status"] == "paused":  # whatever its last check of health has found
        return "paused"
    if state["Running"]:
        return _STATES[state["Health"]["Status"]] if "Health" in state else "ready"
    if state["Status"] == "exited":
        return "failed" if state["ExitCode"] and is_job else "done" if is_job else "stopped"
    return "starting" if state["Status"] == "created" else str(state["Status"])
