"""A real Kafka Connect worker with the Debezium JDBC sink: what ours is compared with."""

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support import jvm

CONNECT = (
    f"org.apache.kafka:connect-runtime:{jvm.KAFKA_VERSION}",
    f"org.apache.kafka:kafka-clients:{jvm.KAFKA_VERSION}",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3",
    # What Kafka's own distribution ships for Jersey 3.1 and Jetty 12; by nearest definition the 3.0 and 5.0 ones would win.
    "jakarta.ws.rs:jakarta.ws.rs-api:3.1.0",
    "jakarta.servlet:jakarta.servlet-api:6.0.0",
)
JDBC_SINK = (
    "io.debezium:debezium-connector-jdbc:3.5.0.Final",
    f"org.apache.kafka:kafka-clients:{jvm.KAFKA_VERSION}",
)
# What the worker itself brings must not be loaded a second time inside the plugin; other databases' drivers are ballast.
NOT_IN_THE_PLUGIN = (
    "jackson-", "kafka-clients-", "connect-api-", "slf4j-", "lz4-", "snappy-", "zstd-",
    "mariadb-", "mssql-", "mysql-", "ojdbc",
)  # fmt: skip
STORAGE_TOPICS = ("config", "offset", "status")
START_TIMEOUT_S = 300

LOG4J = """
status=error
appender.c.type=Console
appender.c.name=c
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRef.c.ref=c
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectWorker:
    """Where a running worker answers, and the names it has taken in Kafka."""

    url: str
    topics: tuple[str, ...]
    properties: Path
    process: "subprocess.Popen[bytes]"

    def stop(self) -> None:
        """End it before the block ends; its offsets are committed then."""
        jvm.stop(self.process)


def _plugin(directory: Path) -> Path:
    plugin = directory / "plugins" / "debezium-jdbc"
    plugin.mkdir(parents=True, exist_ok=True)
    for jar in jvm.jars(*JDBC_SINK):
        link = plugin / jar.name
        if not jar.name.startswith(NOT_IN_THE_PLUGIN) and not link.exists():
            link.symlink_to(jar)
    return plugin.parent


def _properties(*, bootstrap: str, group: str, port: int, plugins: Path) -> str:
    replicas = min(3, len(bootstrap.split(",")))
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "listeners": f"http://127.0.0.1:{port}",
        "plugin.path": plugins,
        "plugin.discovery": "hybrid_warn",
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "offset.storage.partitions": 1,
        "status.storage.partitions": 1,
        "offset.flush.interval.ms": 500,
        "scheduled.rebalance.max.delay.ms": 0,
    }
    for kind in STORAGE_TOPICS:
        settings[f"{kind}.storage.topic"] = f"{group}-{kind}"
        settings[f"{kind}.storage.replication.factor"] = replicas
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def _await_rest(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/health", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.25)
    raise RuntimeError(
        f"Kafka Connect did not come up on {url}; the end of its log:\n{log.read_text()[-3000:]}"
    )


@contextmanager
def connect_worker(
    directory: Path, *, bootstrap: str, port: int, java: str | None = None
) -> Iterator[ConnectWorker]:
    """Run a distributed worker of a group of its own until the block ends; logs go to `directory`.

    `java` runs it in place of the locked one.
    Its storage topics (`ConnectWorker.topics`) are the caller's to delete.
    """
    group = f"connect-{uuid.uuid4().hex[:12]}"
    url = f"http://127.0.0.1:{port}"
    (directory / "log4j2.properties").write_text(LOG4J)
    properties = directory / "worker.properties"
    properties.write_text(
        _properties(bootstrap=bootstrap, group=group, port=port, plugins=_plugin(directory))
    )
    log = directory / "worker.log"
    command = [
        java or jvm.java_runtime(), "-Xmx512m", "-XX:+UseSerialGC", "-Dlog4j2.configurationFile=log4j2.properties",
        "-cp", jvm.class_path(jvm.jars(*CONNECT)), "org.apache.kafka.connect.cli.ConnectDistributed", properties.name,
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=directory, stdout=output, stderr=subprocess.STDOUT)
    try:
        _await_rest(url, process, log)
        topics = tuple(f"{group}-{kind}" for kind in STORAGE_TOPICS)
        yield ConnectWorker(url=url, topics=topics, properties=properties, process=process)
    finally:
        jvm.stop(process)
        sys.stdout.write(log.read_text()[-5000:])  # what pytest shows of a test that failed
