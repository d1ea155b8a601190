"""What each container may do: asked of the engine, and of the kernel from inside."""

import json
import re

import pytest

from tests.support.compose import PROJECT, RunningContainers, docker

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
    for name, container in stack.containers().items():
        status = docker("exec", container["Id"], "cat", "/proc/1/status")
        kernel = dict(re.findall(r"^(\w+):\s+(.*)$", status, re.MULTILINE))
        assert "0" not in kernel["Uid"].split(), name
        assert "0" not in kernel["Gid"].split(), name
        assert kernel["NoNewPrivs"] == "1", name
        for kind in ("CapEff", "CapPrm", "CapBnd"):
            assert int(kernel[kind], 16) == 0, f"{name} has {kind}"


def test_every_container_has_a_bound_on_memory_and_no_privilege(stack: RunningContainers) -> None:
    for name, container in stack.inspected().items():
        host = container["HostConfig"]
        assert 0 < host["Memory"] <= 768 * 2**20, name
        assert host["CapDrop"] == ["ALL"], name
        assert not host["CapAdd"], name
        assert not host["Privileged"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name


def test_every_container_has_a_bound_on_processes_processor_and_log(stack: RunningContainers) -> None:
    for name, container in stack.inspected().items():
        host = container["HostConfig"]
        assert 0 < host["PidsLimit"] <= 512, name
        assert 0 < host["NanoCpus"] <= 2 * 10**9, name
        assert host["LogConfig"]["Type"] == "json-file", name
        assert {"max-size", "max-file"} <= host["LogConfig"]["Config"].keys(), name


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
    listed = docker("exec", stack.container(service), "sh", "-c", readable)
    assert set(listed.split()) == OWN_SECRETS[service]


KNOCK = 'timeout 5 bash -c "</dev/tcp/$1/$2" 2>/dev/null && echo open || echo closed'
REACHED = {
    "order-1": {
        ("order-1-db", 5432): "open",
        ("order-2", 8000): "open",
        ("kafka-2", 19092): "open",
        ("order-2-db", 5432): "closed",
        ("read-db", 5432): "closed",
        ("sink", 8083): "closed",
    },
    "sink": {
        ("kafka-1", 19092): "open",
        ("read-db", 5432): "open",
        ("order-1", 8000): "closed",
        ("order-1-db", 5432): "closed",
    },
    "catalog": {
        ("sink", 8083): "open",
        ("order-3", 8000): "open",
        ("read-db", 5432): "open",
        ("order-1-db", 5432): "closed",
    },
}


@pytest.mark.parametrize("service", REACHED)
def test_a_container_reaches_what_it_needs_and_nothing_else(stack: RunningContainers, service: str) -> None:
    container = stack.container(service)
    found = {
        (server, port): docker("exec", container, "sh", "-c", KNOCK, "sh", server, str(port)).strip()
        for server, port in REACHED[service]
    }
    assert found == REACHED[service]


@pytest.mark.parametrize("service", ["order-1", "sink", "catalog", "read-db", "kafka-1"])
def test_nothing_gets_beyond_this_machine(stack: RunningContainers, service: str) -> None:
    outside = ("exec", stack.container(service), "sh", "-c", KNOCK, "sh", "192.0.2.1", "80")
    assert docker(*outside).strip() == "closed"
    networks = stack.containers()[f"{service}-1"]["NetworkSettings"]
    for name in networks["Networks"]:
        (network,) = json.loads(docker("network", "inspect", name))
        masquerades = network["Options"].get("com.docker.network.bridge.enable_ip_masquerade", "true")
        assert network["Internal"] or masquerades == "false", name
