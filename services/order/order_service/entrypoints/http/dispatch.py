"""The way of a request: admitted, to its home, through the Idempotency-Key, past the outbox's limit, into one transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

from fastapi import Request, Response
from pydantic import BaseModel

from order_service.adapters.peers import Peers
from order_service.adapters.queries import Queries
from order_service.domain.errors import KeyReusedError
from order_service.entrypoints.http import tracing
from order_service.entrypoints.http.admission import Admission
from order_service.entrypoints.http.claims import NameRegistryClient
from order_service.entrypoints.http.parameters import idempotency_key
from order_service.entrypoints.http.problems import OUTBOX_FULL, REQUEST_RUNNING, ProblemError
from order_service.entrypoints.http.representation import response
from order_service.service_layer.backlog import Backlog
from order_service.service_layer.idempotency import Once, Reply
from order_service.service_layer.message_bus import MessageBus
from order_service.service_layer.unit_of_work import UseCase
from order_service.service_layer.use_cases.reserve_name import ReserveName

T = TypeVar("T")
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
    commits: MessageBus
    backlog: Backlog
    queries: Queries
    peers: Peers
    courier: NameRegistryClient
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
            claims = []
            if command.key is not None:
                claims.append(self._claim(f"key {command.scope}", command.fingerprint))
            if name is not None:
                claims.append(self._claim(name, ""))
            for claim in claims:
                holder = await self.holder(claim)
                # An instance that sent the request here has the name and wants it done here.
                if holder != self.peers.instance and holder not in self.peers.visited(command.request):
                    return await self.peers.forward(command.request, holder)
            return await self._run(command, use_case, represent)

    async def change(
        self, command: Command, home: str, use_case: UseCase[T], represent: Callable[[T], Reply]
    ) -> Response:
        """A command on an aggregate, carried out at its `home`."""
        with self.admission, self._alone(command):
            if home != self.peers.instance:
                return await self.peers.forward(command.request, home)
            return await self._run(command, use_case, represent)

    async def holder(self, claim: ReserveName) -> str:
        """Claim a name at its keeper: the instance that has it from now on."""
        keeper = self.peers.keeper(claim.name)
        if keeper == self.peers.instance:
            return await self.keep(claim)
        return await self.courier.claim(keeper, claim)

    async def keep(self, claim: ReserveName) -> str:
        """Be the keeper. A claim publishes nothing, so the outbox's limit does not concern it."""
        return (await self.commits.run(claim, trace=tracing.current())).instance

    def _claim(self, name: str, fingerprint: str) -> ReserveName:
        return ReserveName(name=name, instance=self.peers.instance, fingerprint=fingerprint)

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

    async def _run(self, command: Command, use_case: UseCase[T], represent: Callable[[T], Reply]) -> Response:
        if self.backlog.full:
            return response(await self._answered_before(command))
        trace = tracing.current()
        if command.key is None:
            return response(represent(await self.commits.run(use_case, trace=trace)))
        once = Once(
            use_case=use_case, key=command.scope, fingerprint=command.fingerprint, represent=represent
        )
        return response(await self.commits.run(once, trace=trace))

    async def _answered_before(self, command: Command) -> Reply:
        """The stored answer, which needs no room in the outbox; else 503."""
        known = await self.queries.answer(command.scope) if command.key is not None else None
        if known is None:
            detail = f"{self.backlog.pending} events wait for Kafka; the limit is {self.backlog.limit}"
            raise ProblemError(OUTBOX_FULL, detail, retry_after=1)
        if known.fingerprint != command.fingerprint:
            raise KeyReusedError("the Idempotency-Key was used with another body")
        return Reply(status=known.status, headers=known.headers, body=known.body)
