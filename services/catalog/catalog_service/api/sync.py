"""GET /sync: how fresh the one picture is."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from catalog_service.api.models import Question
from catalog_service.api.problems import responses
from catalog_service.live.progress import Partition, PartitionProgress, read_progress
from catalog_service.queries.orders import Rows


class PartitionSync(BaseModel):
    """One partition: where the sink is, where the topic ends; null while Kafka does not answer."""

    partition: int
    next_offset: int
    end_offset: int | None
    lag: int | None


class ConnectorSync(BaseModel):
    """One connector's way through one topic."""

    connector: str
    topic: str
    lag: int | None
    partitions: list[PartitionSync]


class Sync(BaseModel):
    """How far the read database is behind the topics, in records."""

    lag: int | None
    connectors: list[ConnectorSync]


def sync_routes(
    rows: Rows, *, end_offsets: Callable[[], Awaitable[Mapping[Partition, int] | None]]
) -> APIRouter:
    """The state of the synchronisation."""
    routes = APIRouter(tags=["synchronisation"])

    @routes.get("/sync", responses=responses())
    async def sync(_: Annotated[Question, Query()]) -> Sync:
        progress = await read_progress(rows, await end_offsets())
        return Sync(lag=_total(progress), connectors=_by_connector(progress))

    return routes


def _by_connector(progress: Sequence[PartitionProgress]) -> list[ConnectorSync]:
    connectors: list[ConnectorSync] = []
    for (connector, topic), found in groupby(progress, key=lambda each: (each.connector, each.topic)):
        partitions = list(found)
        shown = [
            PartitionSync(
                partition=each.partition,
                next_offset=each.next_offset,
                end_offset=each.end_offset,
                lag=each.lag,
            )
            for each in partitions
        ]
        connectors.append(
            ConnectorSync(connector=connector, topic=topic, lag=_total(partitions), partitions=shown)
        )
    return connectors


def _total(partitions: Sequence[PartitionProgress]) -> int | None:
    lags = [each.lag for each in partitions]
    return None if None in lags else sum(lag for lag in lags if lag is not None)
