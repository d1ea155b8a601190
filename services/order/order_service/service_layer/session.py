"""The state that one commit works on, in memory: what was loaded, what its use cases changed, what they publish."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from order_service.domain.order import Order
from order_service.domain.product import Product
from order_service.domain.stock import StockAnswer, StockRequest
from order_service.service_layer.unit_of_work import (
    ENTITIES,
    KEYS,
    RECOVERABLE,
    Changes,
    IdentityMap,
    Publication,
    Unreadable,
)

V = TypeVar("V")


@dataclass(slots=True, kw_only=True)
class Session:
    """Implements `Transaction`, for one use case after the other; each of them runs in a `savepoint`."""

    instance: str
    now: int
    new_id: Callable[[], str]
    loaded: IdentityMap
    trace: str = ""
    publications: list[Publication] = field(default_factory=list)
    _layers: list[IdentityMap] = field(default_factory=lambda: [{}])

    def new_order_id(self) -> str:
        """An id that no other order has, with this instance's name in front."""
        return f"{self.instance}-{self.new_id()}"

    def get(self, kind: type[V], key: str) -> V | None:
        """The newest state of the value, whoever in this commit saved it, with nothing left to publish."""
        for layer in reversed(self._layers):
            if (values := layer.get(kind)) is not None and key in values:
                found: V = values[key]
                if isinstance(found, (Order, Product)) and found.recorded:
                    return found.published()  # type: ignore[return-value]  # of the same kind
                return found
        stored = self.loaded.get(kind, {}).get(key)
        if type(stored) is Unreadable:
            if kind in RECOVERABLE:
                return None
            raise stored.error
        return stored

    def save(self, value: Any) -> None:
        """Store the value, and publish the events and messages that it recorded, in their order."""
        if isinstance(value, (Order, Product)) and value.recorded:
            for recorded in value.recorded:
                if isinstance(recorded, str):
                    self._publish(value, recorded)
                else:
                    self._publish(recorded, None)
        kind = type(value)
        self._layers[-1].setdefault(kind, {})[getattr(value, KEYS[kind])] = value

    def send(self, message: StockRequest | StockAnswer) -> None:
        """Publish a message to the inbox of the instance it is addressed to."""
        self._publish(message, None)

    def savepoint(self) -> AbstractContextManager[None]:
        """What is saved and sent within is dropped when it ends with an exception, which is passed on."""
        return _Savepoint(self._layers, self.publications)

    def changes(self) -> Changes:
        """What is to be written, rows in the order of their keys."""
        changes = Changes(publications=self.publications)
        saved = self._layers[0]
        for kind in (entity.type for entity in ENTITIES if entity.type in saved):
            known, values = self.loaded.get(kind, {}), saved[kind]  # a kind that is never loaded is all new
            keys = sorted(values)
            changes.new[kind] = [values[key] for key in keys if key not in known]
            changes.changed[kind] = [values[key] for key in keys if key in known]
        return changes

    def _publish(self, subject: Order | Product | StockRequest | StockAnswer, event: str | None) -> None:
        self.publications.append(Publication(subject, event, self.now, self.trace))


class _Savepoint(AbstractContextManager[None]):
    """A layer on top of `layers`, and the end of `publications`, for as long as it is not certain that they stay.

    Written out, since there is one for every command and every record.
    """

    __slots__ = ("_layers", "_publications", "_published")

    def __init__(self, layers: list[IdentityMap], publications: list[Publication]) -> None:
        self._layers, self._publications = layers, publications

    def __enter__(self) -> None:
        self._published = len(self._publications)
        self._layers.append({})

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        saved = self._layers.pop()
        if error is not None:
            del self._publications[self._published :]
            return
        below = self._layers[-1]
        for kind, values in saved.items():
            if kind in below:
                below[kind].update(values)
            else:
                below[kind] = values
