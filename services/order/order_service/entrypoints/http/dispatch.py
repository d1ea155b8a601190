"""The way of a request: admitted, then to the instance that decides about it, which is this one or is asked over HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

from fastapi import Request, Response
from pydantic import BaseModel

from order_service.adapters.queries import Queries
from order_service.domain.order import Order
from order_service.domain.product import Product
from order_service.entrypoints.http import tracing
from order_service.entrypoints.http.admission import Admission
from order_service.entrypoints.http.parameters import idempotency_key
from order_service.entrypoints.http.peers import Peers
from order_service.entrypoints.http.problems import OUTBOX_FULL, REQUEST_RUNNING, ProblemError
from order_service.entrypoints.http.representation import Reply, response
from order_service.service_layer.command_runner import CommandRunner, OutboxFullError
from order_service.service_layer.name_registry import NameRegistry
from order_service.service_layer.unit_of_work import NameReservation, UseCase
from order_service.service_layer.use_cases.reserve_name import ReserveName

T = TypeVar("T", Order, Product)
_ANY_NUMBER = contextlib.nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A parsed command. `body` is None for commands without; `key` is the Idempotency-Key, if one came."""

    request: Request
    body: BaseModel | None
    key: str | None

    @classmethod
    def of(cls, request: Request, body: BaseModel | None = None) -> Command:
        """Raises `Problem` for a key that is none."""
        return cls(request=request, body=body, key=idempotency_key(request))

    @property
    def scope(self) -> str:
        """A key belongs to one address: the same key at another is another key."""
        return f"{self.request.url.path} {self.key}"

    @property
    def fingerprint(self) -> str:
        """The same for bodies that mean the same."""
        meaning = "" if self.body is None else self.body.model_dump_json()
        return sha256(meaning.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """For every command of the API."""

    admission: Admission
    runner: CommandRunner
    registry: NameRegistry
    queries: Queries
    peers: Peers
    _running: set[str] = field(default_factory=set)

    async def create(
        self,
        command: Command,
        use_case: UseCase[T],
        represent: Callable[[T], Reply],
        *,
        name: str | None = None,
    ) -> Response:
        """A command that makes an aggregate, here, unless its key or its `name` was first seen elsewhere."""
        with self.admission, self._alone(command):
            claimed_at = None
            names = [] if command.key is None else [(f"key {command.scope}", command.fingerprint)]
            if name is not None:
                names.append((name, ""))
            for each, fingerprint in names:
                reservation = await self.registry.reserve(
                    each, fingerprint=fingerprint, trace=tracing.current()
                )
                holder = reservation.instance
                if fingerprint:
                    claimed_at = reservation.claimed_at
                # An instance that sent the request here has the name and wants it done here.
                if holder != self.peers.instance and holder not in self.peers.visited(command.request):
                    return await self.peers.forward(command.request, holder)
            return await self._run(command, use_case, represent, claimed_at=claimed_at)

    async def change(
        self, command: Command, owner: str, use_case: UseCase[T], represent: Callable[[T], Reply]
    ) -> Response:
        """A command on an aggregate, carried out at its `owner`."""
        with self.admission, self._alone(command):
            if owner != self.peers.instance:
                return await self.peers.forward(command.request, owner)
            return await self._run(command, use_case, represent)

    async def keep(self, claim: ReserveName) -> NameReservation:
        """Reserve a name that this instance owns, for another; the reservation that holds from now on."""
        return await self.registry.keep(claim, trace=tracing.current())

    def _alone(self, command: Command) -> contextlib.AbstractContextManager[None]:
        """409 while a request with the same key is being carried out."""
        return _ANY_NUMBER if command.key is None else self._running_alone(command.scope)

    @contextlib.contextmanager
    def _running_alone(self, scope: str) -> Iterator[None]:
        if scope in self._running:
            raise ProblemError(
                REQUEST_RUNNING, "a request with this Idempotency-Key is under way", retry_after=1
            )
        self._running.add(scope)
        try:
            yield
        finally:
            self._running.discard(scope)

    async def _run(
        self,
        command: Command,
        use_case: UseCase[T],
        represent: Callable[[T], Reply],
        *,
        claimed_at: int | None = None,
    ) -> Response:
        key = None if command.key is None else command.scope
        try:
            aggregate = await self.runner.run(
                use_case,
                key=key,
                fingerprint=command.fingerprint,
                claimed_at=claimed_at,
                trace=tracing.current(),
            )
        except OutboxFullError as error:
            raise ProblemError(OUTBOX_FULL, str(error), retry_after=1) from error
        return response(represent(aggregate))
