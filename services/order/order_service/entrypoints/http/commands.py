"""The way of a command: admitted, then carried out here or at the instance that decides about it, asked over HTTP."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

from fastapi import Request, Response
from pydantic import BaseModel

from order_service.domain.order import Order
from order_service.domain.product import Product
from order_service.entrypoints.http import tracing
from order_service.entrypoints.http.admission import Admission
from order_service.entrypoints.http.peers import Peers
from order_service.service_layer.command_runner import CommandRunner
from order_service.service_layer.idempotency import KeysUnderWay, RequestKey
from order_service.service_layer.name_registry import NameRegistry
from order_service.service_layer.unit_of_work import UseCase

T = TypeVar("T", Order, Product)


def request_key(request: Request, key: str | None, body: BaseModel | None = None) -> RequestKey | None:
    """The Idempotency-Key of a request to its address: the same key at another is another key.

    Bodies that mean the same, however they are written, have the same fingerprint.
    """
    if key is None:
        return None
    meaning = "" if body is None else body.model_dump_json()
    return RequestKey(f"{request.scope['path']} {key}", sha256(meaning.encode()).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Both ways answer with what `represent` makes of the aggregate after the command, or as the other instance did."""

    admission: Admission
    registry: NameRegistry
    runner: CommandRunner
    peers: Peers
    under_way: KeysUnderWay = field(default_factory=KeysUnderWay)

    async def create(
        self,
        request: Request,
        use_case: UseCase[T],
        represent: Callable[[T], Response],
        *,
        key: RequestKey | None,
        name: str | None = None,
    ) -> Response:
        """A command that makes an aggregate, here, unless its key or its `name` was first seen elsewhere."""
        with self.admission, self.under_way.alone(key):
            placement = await self.registry.placement(
                key,
                name,
                # An instance that sent the request here has the name and wants it done here.
                is_here=lambda holder: holder in self.peers.visited(request),
                trace=tracing.current(),
            )
            if placement.instance != self.peers.instance:
                return await self.peers.forward(request, placement.instance)
            aggregate = await self.runner.run(
                use_case, key=key, claimed_at=placement.claimed_at, trace=tracing.current()
            )
            return represent(aggregate)

    async def change(
        self,
        request: Request,
        use_case: UseCase[T],
        represent: Callable[[T], Response],
        *,
        owner: str,
        key: RequestKey | None,
    ) -> Response:
        """A command on an aggregate, at its `owner`."""
        with self.admission, self.under_way.alone(key):
            if owner != self.peers.instance:
                return await self.peers.forward(request, owner)
            return represent(await self.runner.run(use_case, key=key, trace=tracing.current()))
