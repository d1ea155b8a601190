"""Commands are decided by the group's leader. A worker that is not it hands the request on and gives back the answer."""

import asyncio
import http.client
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response

from sink_connector.errors import SinkError
from sink_connector.rest.dependencies import rest_context
from sink_connector.rest.errors import ConflictError

TIMEOUT_S = 60.0
REBALANCING = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)"


class ForwardError(SinkError):
    """The leader did not answer."""


class AnsweredElsewhereError(Exception):
    """Not a failure: the leader's answer, on its way past the route to the client."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


async def lead(request: Request) -> None:
    """Lets a command through in the leader alone. Raises `ConflictError` while a rebalance is going on."""
    context = rest_context(request)
    leader = context.membership.view.leader
    if not context.membership.is_stable or not leader:
        raise ConflictError(REBALANCING)
    if leader == context.membership.me:
        return
    if "forward" in request.query_params:  # it came from a worker that takes this one for the leader
        raise ConflictError(REBALANCING)
    response = await asyncio.to_thread(_ask, leader, request, await request.body())
    await context.configs.log.catch_up()  # whoever asks this worker next finds what was done
    raise AnsweredElsewhereError(response)


Leading = Annotated[None, Depends(lead)]


def install(app: FastAPI) -> None:
    @app.exception_handler(AnsweredElsewhereError)
    async def pass_on(_: Request, answered: AnsweredElsewhereError) -> Response:
        return answered.response


def _ask(leader: str, request: Request, body: bytes) -> Response:
    connection = http.client.HTTPConnection(leader, timeout=TIMEOUT_S)
    query = f"{request.url.query}&forward=false" if request.url.query else "forward=false"
    sent = {"Content-Type": request.headers["content-type"]} if "content-type" in request.headers else {}
    try:
        connection.request(request.method, f"{request.url.path}?{query}", body=body or None, headers=sent)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise ForwardError(f"the leader of the group, {leader}, did not answer: {error}") from error
    finally:
        connection.close()
    kept = {name: value for name in ("content-type", "location") if (value := answer.headers.get(name))}
    if "location" in kept:
        kept["location"] = kept["location"].replace(f"http://{leader}/", str(request.base_url))
    return Response(content, status_code=answer.status, headers=kept)
