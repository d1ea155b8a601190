"""What `config/validate` answers: every key with its definition, its value and what is wrong with it."""

from collections.abc import Iterable
from typing import Any

from sink_connector.cluster.config_store import Config
from sink_connector.cluster.connector_cache import DefineConnector
from sink_connector.config import definition
from sink_connector.config.definition import Key
from sink_connector.config.secrets import redacted
from sink_connector.errors import ConfigError
from sink_connector.transforms.catalog import ALL_TRANSFORMS, PREDICATES, find

OPTIONS = "Options"


def validated(plugin: str, config: Config, make: DefineConnector) -> dict[str, Any]:
    """Connect's `ConfigInfos`. Keys stand in the spelling in which they were given."""
    problems = _problems(config, make)
    visible = redacted(config)
    known = [*_named_as_given(config), *_chain_keys(config)]
    named = {key.name for key in known}
    other = [_unlisted(name) for name in problems if name not in named]
    configs = [
        {
            "definition": described_key(key, place),
            "value": {
                "name": key.name,
                "value": visible.get(key.name, key.default),
                "recommended_values": list(key.values),
                "errors": [f"{key.name} {problem}" for problem in problems.get(key.name, ())],
                "visible": True,
            },
        }
        for place, key in enumerate([*known, *other], start=1)
    ]
    return {
        "name": plugin,
        "error_count": sum(len(found) for found in problems.values()),
        "groups": list(dict.fromkeys(key.group for key in [*known, *other])),
        "configs": configs,
    }


def described_key(key: Key, place: int) -> dict[str, Any]:
    """A key as Connect describes one."""
    return {
        "name": key.name,
        "type": key.kind.value,
        "required": key.required,
        "default_value": key.default,
        "importance": key.importance.value,
        "documentation": key.doc,
        "group": key.group or None,
        "order_in_group": place if key.group else -1,
        "width": "MEDIUM" if key.group else "NONE",
        "display_name": key.name,
        "dependents": [],
    }


def _problems(config: Config, make: DefineConnector) -> dict[str, list[str]]:
    """By the key as it was given, when that was another spelling."""
    try:
        make(config)
    except ConfigError as error:
        given = {definition.ALIASES[name]: name for name in config if name in definition.ALIASES}
        return {
            given.get(name, name) if name not in config else name: found
            for name, found in error.problems.items()
        }
    return {}


def _named_as_given(config: Config) -> list[Key]:
    return [
        _renamed(key, next((alias for alias in key.aliases if alias in config), key.name))
        for key in definition.KEYS
    ]


def _chain_keys(config: Config) -> list[Key]:
    """The options of the transforms and predicates that the configuration names."""
    found: list[Key] = []
    for kind, plugins in (("transforms", ALL_TRANSFORMS), ("predicates", PREDICATES)):
        for alias in dict.fromkeys(_words(config.get(kind))):
            prefix = f"{kind}.{alias}."
            found.append(_type_key(prefix, alias))
            plugin = find(plugins, config.get(f"{prefix}type") or "")
            found += [_renamed(key, prefix + key.name) for key in (plugin.options if plugin else ())]
    return found


def _words(value: str | None) -> Iterable[str]:
    return (word.strip() for word in (value or "").split(",") if word.strip())


def _type_key(prefix: str, alias: str) -> Key:
    return Key(
        name=f"{prefix}type",
        kind=definition.Kind.CLASS,
        doc=f"Class of {alias}.",
        group=OPTIONS,
        required=True,
    )


def _renamed(key: Key, name: str) -> Key:
    return Key(
        name=name,
        kind=key.kind,
        doc=key.doc,
        group=key.group or OPTIONS,
        default=key.default,
        required=key.required,
        importance=key.importance,
        values=key.values,
    )


def _unlisted(name: str) -> Key:
    return Key(name=name, kind=definition.Kind.STRING, doc="", group=OPTIONS)
