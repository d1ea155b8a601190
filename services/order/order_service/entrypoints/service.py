"""One instance of the service, built and not yet running."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from order_service.entrypoints.expiry import Expiry
from order_service.entrypoints.inbox_consumer import InboxConsumer
from order_service.entrypoints.outbox_monitor import OutboxMonitor
from order_service.entrypoints.outbox_relay import Relay
from order_service.entrypoints.reminders import ReminderScheduler
from order_service.service_layer.message_bus import MessageBus


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The built parts that run."""

    app: FastAPI
    commits: MessageBus
    relay: Relay
    monitor: OutboxMonitor
    consumers: tuple[InboxConsumer, ...]
    reminders: ReminderScheduler
    expiry: Expiry

    def tasks(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Everything that runs in the background, by name."""
        return {
            "commits": self.commits.serve,
            "relay": self.relay.serve,
            "relay.mark": self.relay.mark,
            "relay.monitor": self.monitor.serve,
            "reminders": self.reminders.serve,
            "expiry": self.expiry.serve,
            **{f"consumer.{consumer.topic}": consumer.serve for consumer in self.consumers},
        }
