"""Commands are decided by the group's leader. A worker that is not it hands the request on and gives back the answer."""

import ssl
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
from fastapi import Request, Response
from fastapi.routing import APIRoute

from sink_connector.errors import SinkError
from sink_connector.rest.dependencies import RestContext, rest_context
from sink_connector.rest.errors import ConflictError

TIMEOUT_S = 60.0
PASSED_ON = ("accept", "authorization", "content-type")
REBALANCING = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)"


class ForwardError(SinkError):
    """The leader did not answer."""


def make_leader_client(verify: ssl.SSLContext | bool = True) -> httpx.AsyncClient:  # noqa: FBT001, FBT002 - httpx's own
    """A client for the other workers; a proxy out of the environment is none of their business."""
    return httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_S, verify=verify)


class LeaderRoute(APIRoute):
    """A command: the route's own function runs in the leader alone.

    Raises:
        ConflictError: While a rebalance is going on, or when a worker that forwards takes this one for the leader wrongly.
        ForwardError: The leader does not answer.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What FastAPI calls with a request."""
        decide = super().get_route_handler()

        async def handle(request: Request) -> Response:
            context = rest_context(request)
            leader = context.membership.view.leader
            if not context.membership.is_stable or not leader:
                raise ConflictError(REBALANCING)
            if leader == context.membership.me:
                return await decide(request)
            if "forward" in request.query_params:
                raise ConflictError(REBALANCING)
            answer = await _ask(leader, request, context)
            await context.configs.log.catch_up()  # whoever asks this worker next finds what was done
            return answer

        return handle


async def _ask(leader: str, request: Request, context: RestContext) -> Response:
    path = (
        request.scope.get("raw_path", request.url.path.encode()).decode("ascii", "replace").partition("?")[0]
    )
    query = f"{request.url.query}&forward=false" if request.url.query else "forward=false"
    sent = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
    try:
        answer = await context.leader_client.request(
            request.method,
            f"{context.scheme}://{leader}{path}?{query}",
            content=await request.body(),
            headers=sent,
        )
    except httpx.HTTPError as error:
        raise ForwardError(f"the leader of the group, {leader}, did not answer: {error!r}") from error
    passed_on = {
        name: answer.headers[name] for name in ("content-type", "location") if name in answer.headers
    }
    if "location" in passed_on:
        passed_on["location"] = passed_on["location"].replace(
            f"{context.scheme}://{leader}/", str(request.base_url)
        )
    return Response(answer.content, status_code=answer.status_code, headers=passed_on)
