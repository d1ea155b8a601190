"""Names that must be unique in the whole system: Idempotency-Keys of new aggregates, and the ids of products.

Each name belongs to one instance, which all instances pick alike; it remembers who reserved the name first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from order_service.service_layer.idempotency import RequestKey
from order_service.service_layer.message_bus import MessageBus
from order_service.service_layer.unit_of_work import NameReservation
from order_service.service_layer.use_cases.reserve_name import ReserveName


class RegistryClient(Protocol):
    """The way to the registry at another instance."""

    async def claim(self, owner: str, claim: ReserveName) -> NameReservation:
        """The reservation that holds from now on. Raises when the other instance cannot be asked."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The `instance` that carries a command out, and since when its key is reserved, if it has one."""

    instance: str
    claimed_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRegistry:
    """Of `instance`; `owner_of` a name says which instance remembers it."""

    instance: str
    owner_of: Callable[[str], str]
    others: RegistryClient
    commits: MessageBus

    async def placement(
        self, key: RequestKey | None, name: str | None, *, is_here: Callable[[str], bool], trace: str
    ) -> Placement:
        """Where a command that makes an aggregate belongs: to the instance that first reserved its key, then its name.

        What `is_here` says of another instance is that what it reserved is to be done here.

        Raises:
            KeyReusedError: the key came with another fingerprint.
        """
        claimed_at = None
        if key is not None:
            held = await self.reserve(f"key {key.key}", fingerprint=key.fingerprint, trace=trace)
            claimed_at = held.claimed_at
            if held.instance != self.instance and not is_here(held.instance):
                return Placement(held.instance, claimed_at)
        if name is not None:
            held = await self.reserve(name, fingerprint="", trace=trace)
            if held.instance != self.instance and not is_here(held.instance):
                return Placement(held.instance, claimed_at)
        return Placement(self.instance, claimed_at)

    async def reserve(self, name: str, *, fingerprint: str, trace: str) -> NameReservation:
        """The reservation that holds from now on: this instance's, if the name was free.

        Raises:
            KeyReusedError: the name is a key that came with another fingerprint.
        """
        reservation = ReserveName(name=name, instance=self.instance, fingerprint=fingerprint)
        owner = self.owner_of(name)
        if owner == self.instance:
            return await self.keep(reservation, trace=trace)
        return await self.others.claim(owner, reservation)

    async def keep(self, reservation: ReserveName, *, trace: str) -> NameReservation:
        """Be the owner. A reservation publishes nothing, so the outbox's limit does not concern it."""
        return await self.commits.run(reservation, trace=trace)
