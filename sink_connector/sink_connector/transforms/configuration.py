"""From a connector's `transforms` and `predicates` keys to the chain they describe."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from sink_connector.errors import ConfigError
from sink_connector.transforms import Chain, Predicate, Transform
from sink_connector.transforms.catalog import ALL_TRANSFORMS, PREDICATES, Plugin, find
from sink_connector.transforms.options import Options
from sink_connector.transforms.predicates import Conditional

Made = TypeVar("Made")

IMPLIED = ("type", "plugin.version")  # beside the plugin's own options
CONDITION = ("predicate", "negate")


def chain_of(config: Mapping[str, str]) -> Chain:
    """The chain of a connector's configuration (references already resolved).

    Raises `ConfigError` with every problem of every key; an unknown type or option lists those there are.
    """
    builder = _Builder(config)
    chain = builder.chain()
    if builder.problems:
        raise ConfigError(builder.problems)
    return chain


@dataclass(slots=True)
class _Builder:
    config: Mapping[str, str]
    problems: dict[str, list[str]] = field(default_factory=dict)

    def chain(self) -> Chain:
        predicates = {
            alias: self._made(PREDICATES, prefix=f"predicates.{alias}.", kind="predicate")
            for alias in self._aliases("predicates")
        }
        transforms = [self._transform(alias, predicates) for alias in self._aliases("transforms")]
        return Chain([each for each in transforms if each is not None])

    def _problem(self, key: str, text: str) -> None:
        self.problems.setdefault(key, []).append(text)

    def _aliases(self, key: str) -> list[str]:
        written = self.config.get(key, "")
        aliases = [alias.strip() for alias in written.split(",") if alias.strip()]
        if len(set(aliases)) < len(aliases):
            self._problem(key, f"is {written!r}, which names an alias twice")
        return list(dict.fromkeys(aliases))

    def _transform(self, alias: str, predicates: Mapping[str, Predicate | None]) -> Transform | None:
        prefix = f"transforms.{alias}."
        inner = self._made(ALL_TRANSFORMS, prefix=prefix, kind="transform", also=CONDITION)
        written = self.config.get(f"{prefix}predicate")
        name = None if written is None else written.strip()
        negate = self._negate(prefix, needed_by=name)
        if name is None:
            return inner
        if name not in predicates:
            known = ", ".join(predicates) or "none"
            self._problem(f"{prefix}predicate", f"is {name!r}, the predicates defined are: {known}")
        predicate = predicates.get(name)
        if inner is None or predicate is None:
            return None
        return Conditional(predicate, not negate, inner)

    def _negate(self, prefix: str, *, needed_by: str | None) -> bool:
        key = f"{prefix}negate"
        written = self.config.get(key)
        if written is None:
            return False
        if written.strip().lower() not in {"true", "false"}:
            self._problem(key, f"is {written!r}, it must be true or false")
        if needed_by is None:
            self._problem(key, f"needs {prefix}predicate")
        return written.strip().lower() == "true"

    def _made(
        self, plugins: Mapping[str, Plugin[Made]], *, prefix: str, kind: str, also: tuple[str, ...] = ()
    ) -> Made | None:
        name = self.config.get(f"{prefix}type", "").strip()
        plugin = find(plugins, name) if name else None
        if plugin is None:
            said = f"is {name!r}, which is no {kind}" if name else "is required"
            self._problem(f"{prefix}type", f"{said}; there are: {', '.join(plugins)}")
            return None
        written = {
            key.removeprefix(prefix): value for key, value in self.config.items() if key.startswith(prefix)
        }
        keys = {key.name: key for key in plugin.options}
        newer = {alias: key.name for key in plugin.options for alias in key.aliases}
        named = {newer[name]: value for name, value in written.items() if name in newer}
        given = named | {
            name: value for name, value in written.items() if name not in {*IMPLIED, *also, *newer}
        }
        options = Options(prefix=prefix, keys=keys, given=given, problems=self.problems)
        for unknown in given.keys() - keys.keys():
            known = ", ".join(keys) or "none"
            options.problem(unknown, f"is no option of {plugin.short_name}; its options are: {known}")
        return plugin.make(options)
