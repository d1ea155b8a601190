"""A real trace store, Zipkin's own server with its page, out of Maven Central: one jar, with everything in memory."""

import hashlib
import warnings
from functools import cache
from pathlib import Path

from devservers.jars import (
    Jars,
    JarsChangedError,
    JarsMissingError,
    Progress,
    advice,
    alone,
    maven_context,
    no_progress,
)
from devservers.ports import HOST

VERSION = "3.6.1"
SHA256 = "981b1de6139b4f8f787a909c308028732f9713ae5284353d2a5aa404d1094775"
HEAP = ("-Xms48m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
MOST_SPANS = 40_000  # kept, as many of this system's as fit the heap; the oldest traces go first


@cache
def resolve(progress: Progress = no_progress) -> Path:
    """Zipkin's jar, downloaded (86 MB) when it is not there yet and compared with its SHA-256 each time.

    Raises:
        JarsMissingError: the repository is out of reach, or the cache cannot be written.
        JarsChangedError: it is another one than expected.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which nothing here uses
        try:
            with alone():
                project = maven_context(progress).project("io.zipkin", "zipkin-server")
                jar = Path(project.at_version(VERSION).artifact(classifier="slim").resolve())
        except Exception as error:  # the resolver raises whatever its HTTP client does
            raise JarsMissingError(
                f"Zipkin {VERSION} could not be fetched ({error}). {advice(error)}"
            ) from error
    with jar.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise JarsChangedError(
            f"{jar} has SHA-256 {digest}, expected {SHA256}: remove it and run the command again"
        )
    return jar


def run_command(jar: Path, *, port: int) -> tuple[str, ...]:
    """Runs it in the foreground, on the loopback address alone."""
    listen = {"port": str(port), "address": HOST, "protocols[0]": "http"}
    return (
        str(Jars.java()),
        *HEAP,
        "-jar",
        str(jar),
        *(f"--armeria.ports[0].{key}={value}" for key, value in listen.items()),
        f"--zipkin.storage.mem.max-spans={MOST_SPANS}",
        "--zipkin.self-tracing.enabled=false",
        "--logging.level.root=WARN",
    )
