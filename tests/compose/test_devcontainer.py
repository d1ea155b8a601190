"""What `.devcontainer` runs once its container is made, in a container of its image.

The user is not root and finds neither curl nor git, files are closed to others, the folder has a blank in its name, and no
package and no jar is there yet.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.compose import docker, missing_engine
from tests.support.stack import REPOSITORY

DEVCONTAINER = json.loads((REPOSITORY / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
USER = DEVCONTAINER["remoteUser"]
CHECKOUT = "/workspaces/a checkout"
UP_TIMEOUT_S, TIMEOUT_S = 900, 60
# What the features of the devcontainer do and do not: there is a user; git is not needed, so it is not there.
PREPARE = f"""
set -e
useradd --create-home {USER}
install --directory --owner={USER} --mode=700 '{CHECKOUT}'
for program in curl git; do
    rm -f "$(command -v $program)"
    if command -v $program; then exit 1; fi
done
"""
CERTIFICATES = "/etc/certificates-of-the-machine.pem"
# By whatever name a program asks for the authorities that this machine trusts.
TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT")


@dataclass(frozen=True, slots=True)
class Container:
    """A checkout of a user of its own."""

    id: str

    def run(self, command: str, *, timeout_s: float = TIMEOUT_S, given: bytes = b"") -> str:
        """What a command says that is run as that user, in the checkout; it has to succeed."""
        ended = subprocess.run(
            [
                *("docker", "exec", "--interactive", "--user", USER, "--workdir", CHECKOUT, self.id),
                *("sh", "-c", f"umask 077; {command}"),
            ],
            input=given, capture_output=True, timeout=timeout_s, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, (ended.stdout + ended.stderr).decode()
        return ended.stdout.decode()


@pytest.fixture
def container() -> Iterator[Container]:
    if why := missing_engine():
        pytest.skip(f"no Docker engine to run a container on: {why}")
    started = docker(
        "run", "--detach", "--rm", "--init", *way_out(), DEVCONTAINER["image"], "sleep", "infinity"
    ).strip()
    try:
        docker("exec", started, "sh", "-c", PREPARE)
        made = Container(started)
        made.run("tar --extract", given=tracked_files())
        yield made
    finally:
        docker("rm", "--force", started)


def way_out() -> list[str]:
    """How this machine reaches package indexes: its proxies, pip's settings, the authorities it trusts."""
    options = [
        f"--env={name}={value}"
        for name, value in os.environ.items()
        if (name.startswith("PIP_") or name.lower().endswith("_proxy")) and name not in TRUST
    ]
    if trusted := os.environ.get("SSL_CERT_FILE"):
        options.append(f"--volume={os.path.realpath(trusted)}:{CERTIFICATES}:ro")
        options += [f"--env={name}={CERTIFICATES}" for name in TRUST]
    return options


def tracked_files() -> bytes:
    """The checkout, as it is, in an archive."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True, timeout=TIMEOUT_S
    )
    return subprocess.run(
        ["tar", "--create", "--null", "--files-from=-"],
        cwd=REPOSITORY, input=listed.stdout, capture_output=True, check=True, timeout=TIMEOUT_S,
    ).stdout  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(UP_TIMEOUT_S + 3 * TIMEOUT_S)
def test_the_container_s_command_brings_the_stack_up_and_finds_it_up_the_next_time(
    container: Container,
) -> None:
    # One broker: the session's own stack may run beside it.
    container.run(f"{DEVCONTAINER['postCreateCommand']} --brokers 1", timeout_s=UP_TIMEOUT_S)
    first = json.loads(container.run("./demo status --json"))
    assert {part["state"] for part in first["parts"].values()} == {"ready"}
    container.run(DEVCONTAINER["postStartCommand"])
    again = json.loads(container.run("./demo status --json"))
    assert again["supervisor"] == first["supervisor"]
    assert container.run("find .demo ! -type l -perm /077") == ""
    assert container.run(f"find .demo ! -user {USER}") == ""
