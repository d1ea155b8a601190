"""`/connectors/{name}/offsets`. Offsets can be changed while the connector is STOPPED."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from sink_connector.cluster.config_store import ConnectorSpec, TargetState
from sink_connector.cluster.connector_cache import RefusedConnector
from sink_connector.cluster.connector_operations import InvalidRequestError
from sink_connector.config.connector import ConnectorConfig
from sink_connector.rest import bodies
from sink_connector.rest.dependencies import Context, RestContext
from sink_connector.rest.errors import ConflictError, UnreadableBodyError
from sink_connector.rest.leader_client import LeaderRoute
from sink_connector.rest.requests import NAME
from sink_connector.runtime.stored_offsets import NoPartitionError, OffsetsError
from sink_connector.sink.offsets import Partition

router = APIRouter(prefix=f"/connectors/{NAME}/offsets")
commands = APIRouter(prefix=f"/connectors/{NAME}/offsets", route_class=LeaderRoute)

BEYOND_PARTITIONS, BEYOND_OFFSETS = 2**31, 2**63
INTEGER = re.compile(r"[+-]?[0-9]{1,64}")
STOPPING_S, LOOK_S = 5.0, 0.05
NONE_GIVEN = "Partitions / offsets need to be provided for an alter offsets request"
ALTERED = (
    "The Connect framework-managed offsets for this connector have been altered successfully. However, if this connector "
    "manages offsets externally, they will need to be manually altered in the system that the connector uses."
)
RESET = ALTERED.replace("altered", "reset")


@router.get("")
async def read(context: Context, name: str) -> dict[str, Any]:
    """The next offset of each partition."""
    stored = await context.offsets.read(_configuration(context, context.operations.known(name)))
    return {
        "offsets": [
            {
                "partition": {"kafka_topic": partition.topic, "kafka_partition": partition.partition},
                "offset": {"kafka_offset": offset},
            }
            for partition, offset in sorted(stored.items())
        ]
    }


@commands.patch("")
async def alter(request: Request, context: Context, name: str) -> dict[str, str]:
    """Set next offsets of a stopped connector; null resets one."""
    spec = context.operations.known(name)
    body = await bodies.read_object(request, fields=("offsets",))
    changes = body.get("offsets")
    if not changes:
        raise InvalidRequestError(NONE_GIVEN)
    await _stopped(context, spec)
    try:
        await context.offsets.alter(_configuration(context, spec), _read_changes(name, changes))
    except NoPartitionError as error:
        raise OffsetsError(f"Failed to alter consumer group offsets for connector {name}") from error
    return {"message": ALTERED}


@commands.delete("")
async def reset(context: Context, name: str) -> dict[str, str]:
    """Forget all offsets of a stopped connector."""
    spec = context.operations.known(name)
    await _stopped(context, spec)
    await context.offsets.reset(_configuration(context, spec))
    return {"message": RESET}


def _configuration(context: RestContext, spec: ConnectorSpec) -> ConnectorConfig:
    context.definitions.reconsider(spec.name)
    definition = context.definitions.of(spec)
    if isinstance(definition, RefusedConnector):
        context.definitions.forget(spec.name)
        raise OffsetsError(f"the connector's configuration cannot be used here: {definition.trace}")
    return definition.config


async def _stopped(context: RestContext, spec: ConnectorSpec) -> None:
    if spec.target is not TargetState.STOPPED:
        raise InvalidRequestError(
            "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified "
            f"connector by issuing a 'PUT' request to the '/connectors/{spec.name}/stop' endpoint"
        )
    try:
        async with asyncio.timeout(STOPPING_S):
            while context.statuses.of(spec.name):  # noqa: ASYNC110 - statuses come one by one; a look is enough
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise ConflictError(f"The tasks of {spec.name} have not all stopped yet") from None


def _read_changes(name: str, changes: Any) -> dict[Partition, int | None]:
    if not isinstance(changes, list) or not all(isinstance(each, dict) for each in changes):
        raise UnreadableBodyError("offsets is a list of objects with partition and offset")
    return dict(_read_change(name, each) for each in changes)


def _read_change(name: str, change: Mapping[str, Any]) -> tuple[Partition, int | None]:
    place, offset = change.get("partition"), change.get("offset")
    if place is None:
        raise InvalidRequestError("The partition for a sink connector offset cannot be null or missing")
    if not isinstance(place, dict) or not {"kafka_topic", "kafka_partition"} <= place.keys():
        raise InvalidRequestError(
            "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'"
        )
    if place["kafka_topic"] is None:
        raise InvalidRequestError("Kafka topic names must be valid strings and may not be null")
    if place["kafka_partition"] is None:
        raise InvalidRequestError("Kafka partitions must be valid numbers and may not be null")
    partition = Partition(
        str(place["kafka_topic"]),
        _integer(place["kafka_partition"], kind="partition", named="Partition", beyond=BEYOND_PARTITIONS),
    )
    if offset is None:
        return partition, None
    if not isinstance(offset, dict) or "kafka_offset" not in offset:
        raise InvalidRequestError(
            "The offset for a sink connector should either be null or contain the key 'kafka_offset'"
        )
    at = _integer(offset["kafka_offset"], kind="offset", named="Offset", beyond=BEYOND_OFFSETS)
    if at < 0:
        raise OffsetsError(f"Failed to modify offsets for sink connector {name}")
    return partition, at


def _integer(value: Any, *, kind: str, named: str, beyond: int) -> int:
    """A number, or a text of one, in the bounds of Java's type."""
    number = int(value) if isinstance(value, str) and INTEGER.fullmatch(value) else beyond
    if not -beyond <= number < beyond:
        raise InvalidRequestError(
            f"Failed to parse the following Kafka {kind} value in the provided offsets: '{value}'. "
            f"{named} values for sink connectors need to be integers."
        )
    return number
