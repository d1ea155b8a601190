"""/instances/{instance}/…: the order instances, on the page's own origin.

Browsers let a page talk to its own origin only, and no part of this system opens itself to foreign ones. So the catalog
passes a few commands on, unread: it is no part of the query side, decides nothing and keeps nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

import httpx
from fastapi import APIRouter, Path, Request, Response
from starlette.requests import ClientDisconnect

from catalog_service import telemetry
from catalog_service.http.problems import ProblemError, not_found
from catalog_service.http.trace_links import HEADER, TraceLinks

_MAX_BODY = 64 * 1024
_PATIENCE_S = 10.0
_PASSED_IN = ("authorization", "content-type", "idempotency-key", "if-match")
_PASSED_BACK = ("content-type", "location", "etag", "consistency-token", "retry-after")


# As the instances have it: what would be another path there is not passed on.
OrderId = Annotated[str, Path(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9-]+$")]


def instance_routes(
    order_services: Mapping[str, str], http: httpx.AsyncClient, links: TraceLinks
) -> APIRouter:
    """Orders of one instance, one as that instance has it, and the commands the page offers."""
    routes = APIRouter(prefix="/instances", include_in_schema=False)
    proxy = _Proxy(order_services, http, links)

    @routes.get("")
    async def instances() -> list[str]:
        return list(order_services)

    @routes.api_route("/{instance}/orders", methods=["GET", "POST"])
    async def orders(request: Request, instance: str) -> Response:
        return await proxy.pass_on(request, instance, "/orders")

    @routes.get("/{instance}/orders/{order_id}")
    async def order(request: Request, instance: str, order_id: OrderId) -> Response:
        return await proxy.pass_on(request, instance, f"/orders/{order_id}")

    @routes.post("/{instance}/orders/{order_id}/ship")
    async def ship(request: Request, instance: str, order_id: OrderId) -> Response:
        return await proxy.pass_on(request, instance, f"/orders/{order_id}/ship")

    @routes.post("/{instance}/orders/{order_id}/cancel")
    async def cancel(request: Request, instance: str, order_id: OrderId) -> Response:
        return await proxy.pass_on(request, instance, f"/orders/{order_id}/cancel")

    return routes


@dataclass(frozen=True, slots=True)
class _Proxy:
    """`order_services` has the base URL of each instance."""

    order_services: Mapping[str, str]
    http: httpx.AsyncClient
    links: TraceLinks

    async def pass_on(self, request: Request, instance: str, path: str) -> Response:
        """The instance's answer to the request at `path`. Raises `ProblemError`."""
        if instance not in self.order_services:
            raise not_found("unknown-instance", f"there is no order instance {instance}")
        refuse_foreign(request)
        query: bytes | None = request.scope["query_string"] or None
        url = httpx.URL(self.order_services[instance]).join(path).copy_with(query=query)
        parent = request.scope.get("traceparent", "")
        attributes = {"http.request.method": request.method, "url.full": str(url), "server.address": url.host}
        # Bytes, as often as they came: what is wrong with them is for the instance to say.
        headers = [each for each in request.headers.raw if each[0].decode("latin-1") in _PASSED_IN]
        try:
            with telemetry.begin(request.method, parent=parent, kind="client", attributes=attributes) as span:
                if span.traceparent:
                    headers.append((b"traceparent", span.traceparent.encode()))
                answer = await self.http.request(
                    request.method,
                    url,
                    content=await whole_body(request),
                    headers=headers,
                    timeout=_PATIENCE_S,
                )
                span.set({"http.response.status_code": answer.status_code})
        except httpx.HTTPError as error:
            raise ProblemError(
                HTTPStatus.BAD_GATEWAY, "instance-away", f"{instance} does not answer"
            ) from error
        back = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
        if url_of_trace := self.links.of(span.traceparent):
            back[HEADER] = url_of_trace
        return Response(answer.content, answer.status_code, back)


def refuse_foreign(request: Request) -> None:
    """A command comes from this page alone: other origins could not read the answer, but they could send."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    own = origin is None or origin.partition("://")[2] == request.headers.get("host")
    if not own or site not in {"same-origin", "none"}:
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "foreign-origin", "commands of other sites are not passed on"
        )


async def whole_body(request: Request) -> bytes:
    """What was sent; raises `ProblemError` when it is too large to be passed on, or does not come whole."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > _MAX_BODY:
                detail = f"a body may have {_MAX_BODY} bytes"
                raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", detail)
    except ClientDisconnect as left:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "client-left", "the body did not come whole") from left
    return bytes(body)
