"""Send the log again, from its beginning: to fill a topic that was lost or a consumer that starts anew.

Keys, values, headers and event ids are those of the first time, so whoever has an event already drops it. It may run
beside the serving instance; that relay keeps its own position.
"""

from collections.abc import Callable
from typing import NamedTuple

import structlog

from order_service.adapters.kafka.publisher import Publisher
from order_service.adapters.outbox_reader import OutboxReader, is_topic_name
from order_service.service_layer.outbox_log import LogPosition

log = structlog.get_logger()

BATCH = 2_000


class Republished(NamedTuple):
    """How many records were sent again, and how many rows hold none that could be."""

    published: int
    unreadable: int


async def republish(
    reader: OutboxReader, publisher: Publisher, *, wanted: Callable[[str], bool]
) -> Republished:
    """Publish every committed record whose topic is `wanted`, in commit order. Raises as `publish`."""
    position, published, unreadable = LogPosition(), 0, 0
    while records := await reader.after(position, limit=BATCH):
        position = records[-1].position
        for record in records:
            if record.defect and (wanted(record.topic) or not is_topic_name(record.topic)):
                unreadable += 1
                log.error("republish.record_unreadable", id=record.position.id, reason=record.defect)
        if chosen := [record for record in records if record.defect is None and wanted(record.topic)]:
            await publisher.publish(chosen)
            published += len(chosen)
            log.info("republish.progressed", published=published, position=position.id)
    return Republished(published, unreadable)
