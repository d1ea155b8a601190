"""What each container may do: asked of the engine, and of the kernel from inside."""

import json
import re

import pytest

from demo.compose.containers import docker
from tests.support.compose import PROJECT, RunningContainers

OWN_SECRETS = {
    "catalog": {"catalog_database_url"},
    "sink": {"sink_database_url"},
    "order-1": {"order-1_database_url", "order-1_peer_secret"},
    "order-2": {"order-2_database_url", "order-2_peer_secret"},
    "order-3": {"order-3_database_url", "order-3_peer_secret"},
}


def test_nothing_may_be_written_but_volumes_and_memory(stack: RunningContainers) -> None:
    for name, container in stack.inspected().items():
        assert container["HostConfig"]["ReadonlyRootfs"], name
        assert not any(mount["RW"] for mount in container["Mounts"] if mount["Type"] == "bind"), name


def test_no_process_is_root_or_can_become_it(stack: RunningContainers) -> None:
    for container in stack.described.containers:
        status = docker("exec", container.id, "cat", "/proc/1/status")
        kernel = dict(re.findall(r"^(\w+):\s+(.*)$", status, re.MULTILINE))
        assert "0" not in kernel["Uid"].split(), container.name
        assert "0" not in kernel["Gid"].split(), container.name
        assert kernel["NoNewPrivs"] == "1", container.name
        for kind in ("CapEff", "CapPrm", "CapBnd"):
            assert int(kernel[kind], 16) == 0, f"{container.name} has {kind}"


def test_every_container_has_a_bound_on_memory_and_no_privilege(stack: RunningContainers) -> None:
    for name, container in stack.inspected().items():
        host = container["HostConfig"]
        assert 0 < host["Memory"] <= 768 * 2**20, name
        assert host["CapDrop"] == ["ALL"], name
        assert not host["CapAdd"], name
        assert not host["Privileged"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name


def test_ports_are_published_to_this_machine_alone(stack: RunningContainers) -> None:
    inspected = stack.inspected()
    bindings = [b for c in inspected.values() for b in (c["HostConfig"]["PortBindings"] or {}).values()]
    assert {each["HostIp"] for binding in bindings for each in binding} == {"127.0.0.1"}
    assert not any(inspected[f"order-{n}-db-1"]["HostConfig"]["PortBindings"] for n in (1, 2, 3))


def test_no_password_is_in_an_environment_a_command_or_an_image(stack: RunningContainers) -> None:
    volume = ("--volume", f"{PROJECT}_secrets:/run/secrets:ro")
    passwords = docker(
        "run", "--rm", "--network", "none", *volume, "python:3.13-slim",
        "sh", "-c", "for file in /run/secrets/*_password; do cat $file; echo; done",
    ).split()  # fmt: skip
    assert len(set(passwords)) == 4 + 2 * 4, "one for every role of every database"
    images = sorted({container["Image"] for container in stack.inspected().values()})
    shown = json.dumps(stack.inspected()) + docker("image", "inspect", *images)
    shown += "".join(docker("history", "--no-trunc", image) for image in images)
    assert not [password for password in passwords if password in shown]


@pytest.mark.parametrize("service", OWN_SECRETS)
def test_a_service_reads_its_own_secret_and_no_other(stack: RunningContainers, service: str) -> None:
    readable = 'for file in /run/secrets/*; do [ -r "$file" ] && echo "${file##*/}"; done; true'
    listed = docker("exec", stack.described.one(service).id, "sh", "-c", readable)
    assert set(listed.split()) == OWN_SECRETS[service]


def test_an_instance_reaches_its_own_database_and_no_other(stack: RunningContainers) -> None:
    knock = 'timeout 5 bash -c "</dev/tcp/$1/5432" 2>/dev/null && echo open || echo closed'
    doors = {
        server: docker("exec", stack.described.one("order-1").id, "sh", "-c", knock, "sh", server).strip()
        for server in ("order-1-db", "order-2-db", "order-3-db", "read-db")
    }
    assert doors == {
        "order-1-db": "open",
        "order-2-db": "closed",
        "order-3-db": "closed",
        "read-db": "closed",
    }
