"""The other instances: which of them keeps a name, and how to hand a request over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from hmac import compare_digest

import httpx
import msgspec
from fastapi import Request, Response

from order_service import telemetry
from order_service.entrypoints.http import tracing
from order_service.entrypoints.http.problems import (
    MISDIRECTED,
    NOT_A_PEER,
    OWNER_SILENT,
    OWNER_UNREACHABLE,
    ProblemError,
    problem_body,
)

SECRET = "order-peer-secret"  # noqa: S105 - the header's name
VISITED = "order-forwarded-by"
PASSED_ON = ("authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "prefer")
PASSED_BACK = ("content-type", "etag", "location", "consistency-token", "retry-after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """`urls` has the base URL of every other instance. The client's time-outs bound every call.

    Every call carries `secret`, and only a request that does, or carries `other_secret`, is believed to come from an instance.
    """

    instance: str
    urls: Mapping[str, str]
    client: httpx.AsyncClient
    secret: str | None = field(default=None, repr=False)
    other_secret: str | None = field(default=None, repr=False)

    def knows(self, instance: str) -> bool:
        """`instance` is this one or one of the others."""
        return instance == self.instance or instance in self.urls

    def owner_of(self, name: str) -> str:
        """The instance that owns `name`, by rendezvous hashing: all instances with the same peers say the same."""
        return max(
            (self.instance, *self.urls),
            key=lambda peer: blake2b(f"{peer} {name}".encode(), digest_size=8).digest(),
        )

    async def post(self, path: str, body: bytes, *, to: str) -> bytes:
        """An internal call; the body of its answer. Raises `ProblemError`, the other's own when it told one."""
        headers = {"content-type": "application/json", **self._own_headers()}
        request = self.client.build_request("POST", self.urls[to] + path, content=body, headers=headers)
        answer = await self._send(request, to)
        if answer.is_success:
            return answer.content
        try:
            told = problem_body(answer.content, retry_after=answer.headers.get("retry-after"))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise unintelligible(to, f"status {answer.status_code} and no problem") from error
        raise told

    async def forward(self, request: Request, to: str) -> Response:
        """The answer of instance `to`, as it is.

        Raises 421 when it has seen the request already or cannot be known to have not, 503 or 504 when it is down.
        """
        seen = self.visited(request)
        if to in seen or to not in self.urls:
            raise ProblemError(
                MISDIRECTED, f"{to} was asked already and sent the request on to {self.instance}"
            )
        if VISITED in request.headers and not seen:
            raise ProblemError(MISDIRECTED, f"{VISITED} is believed with the instances' secret only")
        # Bytes, as often as they came: what is wrong with them is for the other to say.
        headers = [each for each in request.headers.raw if each[0].decode("latin-1") in PASSED_ON]
        own = {VISITED: ", ".join((*seen, self.instance)), **self._own_headers()}
        headers += [(name.encode(), value.encode()) for name, value in own.items()]
        # The bodies of questions are not read, and so not bounded.
        content = None if request.method == "GET" else await request.body()
        url = self.urls[to] + request.scope["path"]
        outgoing = self.client.build_request(request.method, url, content=content, headers=headers)
        answer = await self._send(outgoing, to)
        back = {name: answer.headers[name] for name in PASSED_BACK if name in answer.headers}
        return Response(answer.content, answer.status_code, back)

    def is_peer(self, request: Request) -> bool:
        """The request comes from an instance: it carries the secret, once."""
        sent = request.headers.getlist(SECRET)
        if self.secret is None or len(sent) != 1:
            return False
        known = [each for each in (self.secret, self.other_secret) if each]
        return any(compare_digest(sent[0].encode("latin-1"), each.encode()) for each in known)

    async def require_peer(self, request: Request) -> None:
        """Raise a 403 `Problem` unless the request comes from an instance."""
        if self.secret is None:
            detail = "the routes between instances are closed: ORDER_PEER_SECRET is not set"
            raise ProblemError(NOT_A_PEER, detail)
        if not self.is_peer(request):
            raise ProblemError(
                NOT_A_PEER, "Order-Peer-Secret has to be the ORDER_PEER_SECRET of this instance"
            )

    def visited(self, request: Request) -> tuple[str, ...]:
        """The instances that have forwarded this request so far; what others say of that counts for nothing."""
        sent = request.headers.get(VISITED, "") if self.is_peer(request) else ""
        return tuple(name for part in sent.split(",") if (name := part.strip()))

    def _own_headers(self) -> dict[str, str]:
        return {} if self.secret is None else {SECRET: self.secret}

    async def _send(self, request: httpx.Request, to: str) -> httpx.Response:
        try:
            return await self._traced(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise ProblemError(OWNER_UNREACHABLE, f"{to} is not reachable", retry_after=1) from error
        except httpx.RequestError as error:
            detail = f"{to} did not answer; whether it did it is unknown"
            raise ProblemError(OWNER_SILENT, detail, retry_after=1) from error

    async def _traced(self, request: httpx.Request) -> httpx.Response:
        """Send it as part of the trace of the request being handled."""
        attributes: telemetry.Attributes = {
            "http.request.method": request.method,
            "url.full": str(request.url),
            "server.address": request.url.host,
            "server.port": request.url.port or (443 if request.url.scheme == "https" else 80),
        }
        with telemetry.begin(
            request.method, parent=tracing.current(), kind="client", attributes=attributes
        ) as span:
            request.headers["traceparent"] = span.traceparent
            answer = await self.client.send(request)
            span.set({"http.response.status_code": answer.status_code})
            return answer


def unintelligible(instance: str, what: str) -> ProblemError:
    """Whoever answers at the instance's address answers as no instance does."""
    detail = f"{instance} answered with {what}; whether it did it is unknown"
    return ProblemError(OWNER_SILENT, detail, retry_after=1)
