"""/playground: the switches of a stack that was started to be broken (`./demo up --playground`), on the page's own origin.

The catalog knows nothing of what they do: it passes what the page asks for to the control that `CATALOG_PLAYGROUND_URL` names,
and the control's answer back. Without that setting there are none.
"""

from http import HTTPStatus

import httpx
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from catalog_service.gateway.command_proxy import refuse_foreign, whole_body
from catalog_service.http.problems import ProblemError, not_found

_PATIENCE_S = 10.0
_NONE = {"open": False}


def playground_routes(control: str | None, http: httpx.AsyncClient) -> APIRouter:
    """How the switches stand, and the way to throw them. `control` is the control's base URL, None for no playground."""
    routes = APIRouter(prefix="/playground", include_in_schema=False)

    @routes.get("")
    async def state() -> Response:
        if control is None:
            return JSONResponse(_NONE, headers={"Cache-Control": "no-store"})
        return await _ask(http, "GET", control)

    @routes.post("")
    async def do(request: Request) -> Response:
        if control is None:
            raise not_found("no-playground", "`./demo up --playground` starts a stack with switches")
        refuse_foreign(request)
        return await _ask(http, "POST", control, await whole_body(request))

    return routes


async def _ask(http: httpx.AsyncClient, method: str, control: str, content: bytes | None = None) -> Response:
    headers = {} if content is None else {"content-type": "application/json"}
    try:
        answer = await http.request(
            method, f"{control}/", content=content, headers=headers, timeout=_PATIENCE_S
        )
    except httpx.HTTPError as error:
        detail = "the playground's control does not answer"
        raise ProblemError(HTTPStatus.BAD_GATEWAY, "playground-away", detail) from error
    kind = answer.headers.get("content-type", "application/json")
    return Response(answer.content, answer.status_code, {"Cache-Control": "no-store"}, kind)
