"""Workers of the sink, as processes of their own."""

import contextlib
import os
import signal
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of workers with storage topics of its own, which are the caller's to delete."""

    bootstrap: str
    name: str = field(default_factory=lambda: f"test-workers-{uuid.uuid4().hex[:12]}")

    @property
    def topics(self) -> list[str]:
        return [f"{self.name}-configs", f"{self.name}-status"]

    def environment(self, port: int) -> dict[str, str]:
        return {
            "SINK_BOOTSTRAP_SERVERS": self.bootstrap,
            "SINK_GROUP_ID": self.name,
            "SINK_CONFIG_STORAGE_TOPIC": self.topics[0],
            "SINK_STATUS_STORAGE_TOPIC": self.topics[1],
            "SINK_STATUS_STORAGE_PARTITIONS": "1",
            "SINK_SESSION_TIMEOUT_MS": "6000",
            "SINK_HEARTBEAT_INTERVAL_MS": "1000",
            "SINK_REST_PORT": str(port),
        }


def is_rebalancing(answer: httpx.Response) -> bool:
    """Whether the group was changing, so that its leader was not known: whoever asks again is answered in the end."""
    return answer.status_code == httpx.codes.CONFLICT and "conflicting operation" in answer.text


@dataclass(slots=True, eq=False)
class SinkWorker:
    """A running worker; `verify` is what a client of it has to trust and show."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    verify: ssl.SSLContext | bool = True

    @property
    def id(self) -> str:
        return self.url.partition("://")[2]

    def kill(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        return self.process.wait(STOP_TIMEOUT_S)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if (
                    httpx.get(f"{self.url}/health", timeout=5, verify=self.verify).status_code
                    == httpx.codes.OK
                ):
                    return
            time.sleep(0.1)
        raise RuntimeError(
            f"no worker came up on {self.url}; the end of its log:\n{self.log.read_text()[-3000:]}"
        )


@contextmanager
def sink_worker(
    group: Group,
    *,
    port: int,
    directory: Path,
    environment: Mapping[str, str] | None = None,
    verify: ssl.SSLContext | None = None,
) -> Iterator[SinkWorker]:
    """A worker until the block ends; ready when the block begins. It is reached by https when there is something to `verify`."""
    settings = {**os.environ, **group.environment(port), **(environment or {})}
    url = f"{'https' if verify else 'http'}://127.0.0.1:{port}"
    with _running("worker", settings=settings, url=url, directory=directory, verify=verify or True) as worker:
        yield worker


@contextmanager
def worker_of_file(properties: Path, *, url: str) -> Iterator[SinkWorker]:
    """The same, told everything by a file, also that it is to answer at `url`."""
    with _running(
        "worker", str(properties), settings=os.environ, url=url, directory=properties.parent
    ) as worker:
        yield worker


@contextmanager
def run_of_file(connector: Path, *, bootstrap: str, port: int) -> Iterator[SinkWorker]:
    """A process that runs the connector of a file, until the block ends; ready when the block begins."""
    settings = {**os.environ, "SINK_BOOTSTRAP_SERVERS": bootstrap, "SINK_REST_PORT": str(port)}
    url = f"http://127.0.0.1:{port}"
    with _running("run", str(connector), settings=settings, url=url, directory=connector.parent) as worker:
        yield worker


@contextmanager
def _running(
    *words: str,
    settings: Mapping[str, str],
    url: str,
    directory: Path,
    verify: ssl.SSLContext | bool = True,
) -> Iterator[SinkWorker]:
    log = directory / f"worker-{url.rpartition(':')[2]}.log"
    command = [sys.executable, "-m", "sink_connector", *words]
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=settings, stdout=output, stderr=subprocess.STDOUT)
    worker = SinkWorker(url, process, log, verify)
    try:
        worker.wait_until_ready()
        yield worker
    finally:
        if process.poll() is None:
            try:
                worker.stop()
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
