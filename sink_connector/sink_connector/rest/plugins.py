"""`/connector-plugins`: this sink, under its own name and those of the sinks it stands in for, and what can be put around it."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request

from sink_connector.cluster.connector_operations import InvalidRequestError, NotFoundError
from sink_connector.config import definition
from sink_connector.config.definition import CLASSES, is_connector_class
from sink_connector.converters.factory import CONVERTERS
from sink_connector.errors import SinkError
from sink_connector.rest import bodies
from sink_connector.rest.dependencies import Context, is_true
from sink_connector.rest.requests import NAME
from sink_connector.rest.validation import described_key, validated
from sink_connector.transforms.catalog import ALL_TRANSFORMS, PREDICATES, find
from sink_connector.version import CONNECT_VERSION, VERSION

router = APIRouter(prefix="/connector-plugins")


class NoConnectorTypeError(SinkError):
    """A configuration to validate does not say of what. Connect's answer is 500."""


@router.get("")
async def listed(connectorsOnly: str = "true") -> list[dict[str, str]]:  # noqa: N803 - Connect's name for it
    """The connector classes, or with `connectorsOnly=false` everything that can be named in a configuration."""
    sinks = [_plugin(each, "sink", VERSION) for each in CLASSES]
    if is_true(connectorsOnly):
        return sinks
    others = [
        *(_plugin(each, "converter", CONNECT_VERSION) for each in CONVERTERS),
        *(_plugin(each.class_name, "transformation", CONNECT_VERSION) for each in ALL_TRANSFORMS.values()),
        *(_plugin(each.class_name, "predicate", CONNECT_VERSION) for each in PREDICATES.values()),
    ]
    return [*sinks, *others]


def _plugin(name: str, kind: str, version: str) -> dict[str, str]:
    return {"class": name, "type": kind, "version": version}


@router.get(f"/{NAME}/config")
async def described(name: str) -> list[dict[str, Any]]:
    """The keys of a plugin."""
    if is_connector_class(name):
        return [described_key(key, place) for place, key in enumerate(definition.KEYS, start=1)]
    for options in _options(name):
        return [described_key(key, place) for place, key in enumerate(options, start=1)]
    if name in CONVERTERS:
        return []  # a converter's options are described with the converter itself
    raise NotFoundError(f"Unknown plugin {name}.")


def _options(plugin: str) -> Iterator[tuple[definition.Key, ...]]:
    """Of a transform or predicate, if it is one."""
    if transform := find(ALL_TRANSFORMS, plugin):
        yield transform.options
    if predicate := find(PREDICATES, plugin):
        yield predicate.options


@router.put(f"/{NAME}/config/validate")
async def validate(request: Request, context: Context, name: str) -> dict[str, Any]:
    """What is wrong with a configuration, key by key; 200 also when something is."""
    config = bodies.config_of(await bodies.read_object(request))
    written = config.get("connector.class")
    if not written:
        raise NoConnectorTypeError(
            "the connector's configuration contains no connector type (connector.class)"
        )
    short = written.rpartition(".")[2].removesuffix("Connector")
    if name not in {written, short, f"{short}Connector"}:
        raise InvalidRequestError(f"Included connector type {written} does not match request type {name}")
    if not is_connector_class(written):
        raise InvalidRequestError(
            f"Failed to find any class that implements Connector and which name matches {written}, "
            f"available connectors are: {', '.join(CLASSES)}"
        )
    return validated(name, config, context.define)
