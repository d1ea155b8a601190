"""A real schema registry with Confluent's API: Apicurio Registry, its schemas in memory."""

import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from devservers.ports import free_ports
from tests.support import jvm

VERSION = "3.3.3"
START_TIMEOUT_S = 240  # six seconds on a quiet machine


def _unpacked(directory: Path) -> Path:
    archive = jvm.archive(
        "io.apicurio", "apicurio-registry-app", VERSION, classifier="all", packaging="tar.gz"
    )
    target = directory / "apicurio"
    with tarfile.open(archive) as packed:
        packed.extractall(target, filter="data")
    return next(target.rglob("quarkus-run.jar")).parent


@contextmanager
def apicurio(directory: Path, *, port: int) -> Iterator[str]:
    """Run a registry until the block ends; gives the URL of its Confluent-compatible API."""
    log = directory / "apicurio.log"
    command = [
        jvm.java_runtime(), "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={port}",
        f"-Dquarkus.management.port={free_ports(1)[0]}", "-Dquarkus.management.host=127.0.0.1", "-jar", "quarkus-run.jar",
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=_unpacked(directory), stdout=output, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
    try:
        _await(url, process, log)
        yield url
    finally:
        jvm.stop(process)


def _await(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/subjects", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.25)
    raise RuntimeError(
        f"the registry did not come up on {url}; the end of its log:\n{log.read_text()[-3000:]}"
    )
