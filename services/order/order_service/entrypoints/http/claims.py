"""Claims between instances: the route at the owner, and the way there.

As with commits, claims that wait while one call to a owner is under way share the next: a rush of commands with keys
costs a few calls, not one each.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from order_service.domain.errors import KeyReusedError, UnreadableStateError
from order_service.entrypoints.http import tracing
from order_service.entrypoints.http.peers import Peers, unintelligible
from order_service.entrypoints.http.problems import INVALID_REQUEST, ProblemError
from order_service.service_layer.name_registry import NameRegistry
from order_service.service_layer.unit_of_work import NameReservation
from order_service.service_layer.use_cases.reserve_name import ReserveName

PATH = "/internal/claims"
MOST = 100  # claims in one call; well within the limit of a body


class ClaimBody(BaseModel):
    """One claim as it is sent: what is claimed, for which instance, and what it stands for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(max_length=400)
    instance: str = Field(max_length=64)
    fingerprint: str = Field(max_length=64)


_CLAIMS = TypeAdapter(Annotated[list[ClaimBody], Field(max_length=MOST)])


class Held(msgspec.Struct, omit_defaults=True):
    """Who has the name; None when it is a key that belongs to another body, or with `unreadable`, which says what is.

    `claimed_at` is since when, by the owner's clock, for a key; names of products do not lapse.
    """

    instance: str | None
    claimed_at: int = 0
    unreadable: str = ""


def claims_router(registry: NameRegistry, peers: Peers) -> APIRouter:
    """Between instances only, so not in the API's description. Claims of one call share a commit.

    The body is read by hand: FastAPI would read a declared one before anybody has asked for the secret.
    """
    router = APIRouter(include_in_schema=False)

    async def held(body: ClaimBody) -> Held:
        reservation = ReserveName(name=body.name, instance=body.instance, fingerprint=body.fingerprint)
        try:
            kept = await registry.keep(reservation, trace=tracing.current())
        except KeyReusedError:
            return Held(None)
        except UnreadableStateError as error:
            return Held(None, unreadable=error.detail)
        return Held(kept.instance, kept.claimed_at if kept.fingerprint else 0)

    @router.post(PATH, dependencies=[Depends(peers.require_peer)])
    async def claim(request: Request) -> Response:
        bodies = _read_claims(await request.body(), peers)
        answers = await asyncio.gather(*(held(body) for body in bodies))
        return Response(msgspec.json.encode(answers), media_type="application/json")

    return router


def _read_claims(content: bytes, peers: Peers) -> list[ClaimBody]:
    try:
        bodies = _CLAIMS.validate_json(content)
    except ValidationError as error:
        raise ProblemError(INVALID_REQUEST, f"not a list of claims: {error.errors()[0]['msg']}") from error
    for number, body in enumerate(bodies):
        if not peers.knows(body.instance):
            detail = f"{body.instance!a} is not one of the instances that {peers.instance} knows"
            errors = [{"pointer": f"/{number}/instance", "detail": detail}]
            raise ProblemError(INVALID_REQUEST, detail, errors=errors)
    return bodies


def _read_answers(content: bytes, owner: str, many: int) -> list[Held]:
    try:
        answers = msgspec.json.decode(content, type=list[Held])
    except (msgspec.DecodeError, RecursionError) as error:
        raise unintelligible(owner, "no list of reservations") from error
    if len(answers) != many:
        raise unintelligible(owner, f"{len(answers)} reservations for {many} claims")
    return answers


@dataclass(frozen=True, slots=True)
class _Waiting:
    claim: ReserveName
    held: asyncio.Future[NameReservation]


@dataclass(slots=True)
class NameRegistryClient:
    """Brings claims to their owners. `call` posts a body to an instance and raises a `Problem` when that fails."""

    call: Callable[[str, bytes], Awaitable[bytes]]
    _queues: defaultdict[str, deque[_Waiting]] = field(default_factory=lambda: defaultdict(deque))
    _calling: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def claim(self, owner: str, claim: ReserveName) -> NameReservation:
        """The reservation that holds from now on. Raises `KeyReusedError`, or the `Problem` of a owner that cannot be asked."""
        waiting = _Waiting(claim, asyncio.get_running_loop().create_future())
        self._queues[owner].append(waiting)
        async with self._calling[owner]:
            while not waiting.held.done():  # nobody who was before us in the queue has taken our claim along
                queue = self._queues[owner]
                await self._deliver(owner, [queue.popleft() for _ in range(min(len(queue), MOST))])
        return waiting.held.result()

    async def _deliver(self, owner: str, batch: Sequence[_Waiting]) -> None:
        try:
            body = msgspec.json.encode([waiting.claim for waiting in batch])
            answers = _read_answers(await self.call(owner, body), owner, len(batch))
        except Exception as error:  # noqa: BLE001 - told to everyone who waits for it, each raises it in its own request
            for waiting in batch:
                waiting.held.set_exception(error)
                waiting.held.exception()  # who has gone meanwhile does not ask for it
            return
        except asyncio.CancelledError:
            self._queues[owner].extendleft(reversed(batch))  # the next in line takes them along
            raise
        for waiting, answer in zip(batch, answers, strict=True):
            if answer.instance is None:
                waiting.held.set_exception(
                    UnreadableStateError(f"at {owner}: {answer.unreadable}")
                    if answer.unreadable
                    else KeyReusedError("the Idempotency-Key was used with another body")
                )
                waiting.held.exception()
            else:
                claim = waiting.claim
                waiting.held.set_result(
                    NameReservation(
                        name=claim.name,
                        instance=answer.instance,
                        fingerprint=claim.fingerprint,
                        claimed_at=answer.claimed_at,
                    )
                )
