"""A real schema registry with Confluent's API: Apicurio Registry, its schemas in memory."""

import signal
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy

from devservers.ports import free_ports
from tests.support import jvm

VERSION = "3.3.3"
START_TIMEOUT_S = 240  # six seconds on a quiet machine
ANSWER_TIMEOUT_S = 60.0
DUMP_TIMEOUT_S = 10.0
_SCHEMA = '{"type": "string"}'

# The default looks for associations first, which Apicurio does not have: it said so, and once the answer did not arrive.
NAMED_BY_TOPIC = {"subject.name.strategy": topic_subject_name_strategy}


@dataclass(frozen=True, slots=True)
class Apicurio:
    """A registry that answers: the URL of its Confluent-compatible API."""

    url: str
    process: "subprocess.Popen[bytes]" = field(repr=False)
    log: Path = field(repr=False)

    def client(self) -> SchemaRegistryClient:
        """Confluent's client, which by itself waits for an answer without end."""
        return SchemaRegistryClient({"url": self.url, "timeout": ANSWER_TIMEOUT_S, "max.retries": 0})

    def account(self) -> str:
        """The end of its log behind a dump of its threads, which says what an unanswered request waits for."""
        before = self.log.stat().st_size
        self.process.send_signal(signal.SIGQUIT)
        deadline = time.monotonic() + DUMP_TIMEOUT_S
        while self.process.poll() is None and time.monotonic() < deadline:
            if b"JNI global refs" in self.log.read_bytes()[before:]:
                break
            time.sleep(0.05)
        return self.log.read_text(errors="replace")[-60_000:]


def _unpacked(directory: Path) -> Path:
    archive = jvm.archive(
        "io.apicurio", "apicurio-registry-app", VERSION, classifier="all", packaging="tar.gz"
    )
    target = directory / "apicurio"
    with tarfile.open(archive) as packed:
        packed.extractall(target, filter="data")
    return next(target.rglob("quarkus-run.jar")).parent


@contextmanager
def apicurio(directory: Path, *, port: int) -> Iterator[Apicurio]:
    """Run a registry until the block ends; it has registered and read a schema before the block begins."""
    log = directory / "apicurio.log"
    command = [
        jvm.java_runtime(), "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={port}",
        f"-Dquarkus.management.port={free_ports(1)[0]}", "-Dquarkus.management.host=127.0.0.1", "-jar", "quarkus-run.jar",
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=_unpacked(directory), stdout=output, stderr=subprocess.STDOUT)
    registry = Apicurio(f"http://127.0.0.1:{port}/apis/ccompat/v7", process, log)
    try:
        _await(registry)
        yield registry
    finally:
        jvm.stop(process)


def _await(registry: Apicurio) -> None:
    """Let the registry load what a first request needs, which costs it seconds; one that stalls at it is asked anew."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while registry.process.poll() is None and time.monotonic() < deadline:
        with suppress(httpx.TransportError, httpx.HTTPStatusError):
            _register_and_read(registry.url)
            return
        time.sleep(0.25)
    raise RuntimeError(f"the registry did not come up on {registry.url}: {registry.account()}")


def _register_and_read(url: str) -> None:
    with httpx.Client(timeout=ANSWER_TIMEOUT_S / 2) as client:
        made = client.post(f"{url}/subjects/started/versions", json={"schema": _SCHEMA}).raise_for_status()
        client.get(f"{url}/schemas/ids/{made.json()['id']}").raise_for_status()
