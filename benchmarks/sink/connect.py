"""Kafka Connect with Debezium's JDBC sink: the real runtime and plugin from Maven Central, with Kafka's own JVM flags."""

import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from benchmarks.sink.system import Job, WorkerRun, connector_config, worker, write_connector
from devservers.jars import Jars

CONNECT_VERSION = "4.3.1"
DEBEZIUM_VERSION = "3.5.0.Final"
LOG4J_VERSION = "2.25.4"

# Left out of the plugin's directory: what the runtime brings in its own, newer version.
FROM_RUNTIME = ("jackson-", "kafka-clients-", "connect-api-", "slf4j-api-")

# bin/connect-standalone.sh and bin/kafka-run-class.sh, Kafka 4.3.
JVM_OPTIONS = (
    "-Xms256M",
    "-Xmx2G",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
)

# One batch of 5,000 from poll to statement, repeated keys reduced to their last state.
TUNED = {
    "batch.size": "5000",
    "consumer.override.max.poll.records": "5000",
    "use.reduction.buffer": "true",
}
# Debezium's own fast path for PostgreSQL: one statement with an array per column.
UNNEST = {**TUNED, "dialect.postgres.unnest.insert.enabled": "true"}

_LOG4J = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """The runtime's class path and the jars of the plugin."""

    classpath: str
    plugin: tuple[Path, ...]


@cache
def distribution() -> Distribution:
    """Fetch both, 60 MB the first time.

    The logging is resolved apart: together, its parent's managed versions would replace Jackson, zstd and the
    Kafka client of the runtime by older ones.
    """
    import jgo  # noqa: PLC0415  only needed when Kafka Connect takes part

    runtime = jgo.build(f"org.apache.kafka:connect-runtime:{CONNECT_VERSION}").all_jars
    logging = jgo.build(f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J_VERSION}").all_jars
    plugin = jgo.build(f"io.debezium:debezium-connector-jdbc:{DEBEZIUM_VERSION}").all_jars
    _refuse_other_versions(runtime)
    return Distribution(
        classpath=os.pathsep.join(map(str, (*runtime, *logging))),
        plugin=tuple(jar for jar in plugin if not jar.name.startswith(FROM_RUNTIME)),
    )


def _refuse_other_versions(jars: list[Path]) -> None:
    parts = ("kafka-clients", "connect-api", "connect-json", "connect-runtime", "connect-transforms")
    missing = {f"{part}-{CONNECT_VERSION}.jar" for part in parts} - {jar.name for jar in jars}
    if missing:
        raise RuntimeError(f"the class path of Kafka Connect lacks {', '.join(sorted(missing))}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaConnect:
    """A standalone worker with one connector of `connections` tasks."""

    label: str
    connections: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)
    url_options: str = ""
    flush_ms: int = 60_000
    """How often offsets are committed; the worker's default."""

    @property
    def group(self) -> str:
        return "connect"

    @property
    def name(self) -> str:
        return f"Kafka Connect, {self.label}"

    @asynccontextmanager
    async def running(self, job: Job) -> AsyncIterator[WorkerRun]:
        jars = distribution()
        plugins = job.directory / "plugins"
        debezium = plugins / "debezium-connector-jdbc"
        if not debezium.exists():  # it does when the worker is started again after a kill
            debezium.mkdir(parents=True)
            for jar in jars.plugin:
                (debezium / jar.name).symlink_to(jar)
        config = connector_config(job, tasks=self.connections, settings=self.settings)
        config["connection.url"] += self.url_options
        command = [
            str(Jars.java()),
            *JVM_OPTIONS,
            f"-Dlog4j2.configurationFile={_write(job.directory / 'log4j2.properties', _LOG4J)}",
            "-cp",
            jars.classpath,
            "org.apache.kafka.connect.cli.ConnectStandalone",
            str(_write(job.directory / "worker.properties", _properties(job, plugins, self.flush_ms))),
            str(write_connector(job, config)),
        ]
        async with worker(command, job=job, env=os.environ) as run:
            yield run
        shutil.rmtree(plugins)


def _properties(job: Job, plugins: Path, flush_ms: int) -> str:
    settings = {
        "bootstrap.servers": job.bootstrap,
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "offset.flush.interval.ms": str(flush_ms),
        "offset.storage.file.filename": str(job.directory / "offsets"),
        "plugin.path": str(plugins),
        "plugin.discovery": "service_load",
        "listeners": f"http://127.0.0.1:{job.port}",
        "connector.client.config.override.policy": "All",
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def _write(file: Path, text: str) -> Path:
    file.write_text(text)
    return file
