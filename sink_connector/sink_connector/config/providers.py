"""`${env:…}`, `${file:…}` and `${directory:…}` in a configuration's values, resolved where the value is used.

They are Kafka's config providers, under the same keys of the worker: `config.providers` names those that are on, which none
is unless it is named there, and `config.providers.<name>.param.*` bound what each may give away. The configuration itself
keeps the reference, so that no answer and no log can show what it stands for.
"""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import javaproperties

from sink_connector.config.patterns import BoundedPattern, PatternTimeoutError
from sink_connector.config.redaction import Redactor
from sink_connector.errors import ConfigError, SinkError

REFERENCE = re.compile(r"\$\{([\w.-]+):([^}]*)\}")
MOST_BYTES = 64 * 1024

SETTING = "config.providers"


class UnresolvedError(SinkError):
    """A reference that is not allowed or points at nothing; the message quotes the reference, never a value."""


class ProviderKind(Enum):
    """Where a provider's values come from, with the end of the name of Kafka's class for it."""

    ENV = "EnvVarConfigProvider"
    FILE = "FileConfigProvider"
    DIRECTORY = "DirectoryConfigProvider"


BY_DEFAULT_NAME = {kind.name.lower(): kind for kind in ProviderKind}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider. None for `allowed_paths` or `allowed_names` means all of them, as in Kafka."""

    kind: ProviderKind
    allowed_paths: tuple[str, ...] | None = None
    allowed_names: BoundedPattern | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProviders:
    """The providers that are on, by the name that references call them by.

    Whatever one of them gives is added to `redactor`.
    """

    providers: Mapping[str, Provider] = field(default_factory=dict)
    redactor: Redactor = field(default_factory=Redactor, repr=False)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def unrestricted(self) -> "ConfigProviders":
        """All three providers without bounds: for what the person who runs the process has written."""
        everything = {name: Provider(kind=kind) for name, kind in BY_DEFAULT_NAME.items()}
        return ConfigProviders(
            providers={
                **everything,
                **{name: Provider(kind=each.kind) for name, each in self.providers.items()},
            },
            redactor=self.redactor,
            environment=self.environment,
        )

    def resolve(self, value: str) -> str:
        """Replace every reference of `value`. An environment variable must be set, but may be empty.

        Raises:
            UnresolvedError: The provider is not on, or does not allow this; a variable is not set; a file cannot be
                read, is none, has more than 64 KB, is not UTF-8 or has no such key.
        """
        return REFERENCE.sub(lambda match: self._look_up(match[1], match[2]), value)

    def _look_up(self, name: str, reference: str) -> str:
        quoted = f"${{{name}:{reference}}}"
        provider = self.providers.get(name)
        if provider is None:
            raise UnresolvedError(f"{quoted}: the worker does not allow this; {SETTING} does not name {name}")
        if provider.kind is ProviderKind.ENV:
            # Java's form with a path before the name, which is empty here: ${env::NAME}.
            value = self._variable(provider, name, reference.removeprefix(":"), quoted)
        else:
            value = _from_file(provider, name, reference, quoted)
        self.redactor.add(value)
        return value

    def _variable(self, provider: Provider, name: str, variable: str, quoted: str) -> str:
        if not _is_allowed(variable, provider):
            raise UnresolvedError(
                f"{quoted}: the worker does not allow this name; see {SETTING}.{name}.param.allowlist.pattern"
            )
        if variable not in self.environment:
            raise UnresolvedError(f"{quoted}: this environment variable is not set")
        return self.environment[variable]


def has_reference(text: str) -> bool:
    """Whether a value as it was written stands for another one."""
    return REFERENCE.search(text) is not None


def read_providers(
    settings: Mapping[str, str], *, environment: Mapping[str, str] = os.environ
) -> ConfigProviders:
    """The providers that a worker's settings put on.

    Raises:
        ConfigError: For a class that is none of the three, a path that is not absolute, a pattern that is none.
    """
    problems: dict[str, list[str]] = {}
    found = {}
    for name in (word.strip() for word in settings.get(SETTING, "").split(",") if word.strip()):
        kind = _kind(name, settings)
        if kind is None:
            classes = ", ".join(each.value for each in ProviderKind)
            problems[f"{SETTING}.{name}.class"] = [f"is none of {classes}, which {name} alone does not say"]
            continue
        try:
            found[name] = _provider(kind, name, settings)
        except ConfigError as error:
            problems |= error.problems
    if problems:
        raise ConfigError(problems)
    return ConfigProviders(providers=found, redactor=Redactor(), environment=environment)


def _kind(name: str, settings: Mapping[str, str]) -> ProviderKind | None:
    written = settings.get(f"{SETTING}.{name}.class")
    if written is None:
        return BY_DEFAULT_NAME.get(name)
    return next((kind for kind in ProviderKind if kind.value == written.strip().rpartition(".")[2]), None)


def _provider(kind: ProviderKind, name: str, settings: Mapping[str, str]) -> Provider:
    if kind is ProviderKind.ENV:
        key = f"{SETTING}.{name}.param.allowlist.pattern"
        try:
            allowed = BoundedPattern.compile(settings[key]) if key in settings else None
        except ValueError as error:
            raise ConfigError({key: [f"is {settings[key]!r}: {error}"]}) from None
        return Provider(kind=kind, allowed_names=allowed)
    key = f"{SETTING}.{name}.param.allowed.paths"
    if key not in settings:
        return Provider(kind=kind)
    paths = tuple(path.strip() for path in settings[key].split(",") if path.strip())
    if any("\0" in path or not path.startswith("/") for path in paths):
        raise ConfigError({key: ["is a list of absolute paths"]})
    return Provider(kind=kind, allowed_paths=paths)


def _is_allowed(variable: str, provider: Provider) -> bool:
    try:
        return provider.allowed_names is None or provider.allowed_names.fullmatch(variable) is not None
    except PatternTimeoutError:
        return False


def _from_file(provider: Provider, name: str, reference: str, quoted: str) -> str:
    path, separator, key = reference.rpartition(":")
    if not separator:
        path, key = reference, ""
    if provider.kind is ProviderKind.DIRECTORY:
        if key in {"", ".", ".."} or "/" in key:
            raise UnresolvedError(f"{quoted}: a directory's reference is ${{{name}:path:file}}")
        path = f"{path}/{key}"
    try:
        content = _read(path, provider.allowed_paths)
    except PermissionError as error:
        raise UnresolvedError(f"{quoted}: {error.strerror}") from None
    except (OSError, ValueError) as error:
        raise UnresolvedError(f"{quoted}: {getattr(error, 'strerror', None) or error}") from None
    except _NotAllowedError:
        raise UnresolvedError(
            f"{quoted}: the worker does not allow this path; see {SETTING}.{name}.param.allowed.paths"
        ) from None
    if provider.kind is ProviderKind.DIRECTORY:
        return content
    return _value_of(key, content, quoted) if key else content.strip()


def _value_of(key: str, content: str, quoted: str) -> str:
    """The value of a key of a properties file, as Java reads one."""
    try:
        properties = javaproperties.loads(content)
    except javaproperties.InvalidUEscapeError as error:
        raise UnresolvedError(f"{quoted}: {error}") from None
    if key not in properties:
        raise UnresolvedError(f"{quoted}: the file has no key {key}")
    return properties[key]


class _NotAllowedError(Exception):
    """The path leads out of what is allowed."""


def _read(path: str, allowed: tuple[str, ...] | None) -> str:
    """A file's text. Opened so that a pipe without a writer or a device cannot hold the worker up."""
    if "\0" in path:
        raise ValueError("a path holds no NUL")
    real = Path(os.path.realpath(path))
    if allowed is not None and not any(real.is_relative_to(os.path.realpath(each)) for each in allowed):
        raise _NotAllowedError
    descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("this is no regular file")
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"the file has more than {MOST_BYTES // 1024} KB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("the file is not UTF-8") from None
