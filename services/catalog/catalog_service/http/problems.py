"""Errors as RFC 9457 problems with stable types; each says which parameter it is about."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import Scope

from catalog_service.http.methods import allowed_methods
from catalog_service.read_model.cursor import BadCursorError
from catalog_service.read_model.database import DatabaseAwayError

MEDIA_TYPE = "application/problem+json"
_MOST_ERRORS = 100  # of one request; whoever sends thousands is not answered with more than was sent
DESCRIBED: Mapping[str, Any] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
"""What OpenAPI says of the content of a problem."""

# Types are for programs and stay; titles are for people. The others' words can be read off their types.
_TITLES = {
    "foreign-origin": "Request from another site",
    "instance-away": "Instance unavailable",
    "parked": "Refused by the read database",
    "read-database-away": "Read database unavailable",
    "client-left": "Client disconnected",
}


class ProblemItem(BaseModel):
    """One thing that is wrong, and where: a query or path parameter, a header, or a pointer into the body."""

    detail: str
    parameter: str | None = None
    header: str | None = None
    pointer: str | None = None


class ProblemDocument(BaseModel):
    """What every 4xx and 5xx answer holds (RFC 9457)."""

    type: str = Field(examples=["/problems/invalid-request"])
    title: str
    status: int
    detail: str
    instance: str
    errors: list[ProblemItem] = Field(default_factory=list)


class ProblemError(Exception):
    """An answer other than 2xx, raised where it is decided."""

    def __init__(  # noqa: PLR0913 - the members of an RFC 9457 problem
        self,
        status: HTTPStatus,
        kind: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        """`kind` is the last part of the type; `members` are further members of the document."""
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.title = _TITLES.get(kind) or kind.replace("-", " ").capitalize()
        self.errors = errors
        self.headers = headers
        self.members = members or {}

    def answer(self, request: Request) -> Response:
        """The problem as HTTP says it."""
        content: dict[str, Any] = {
            "type": f"/problems/{self.kind}",
            "title": self.title,
            "status": self.status.value,
            "detail": self.detail,
            "instance": request.scope["path"],
            **self.members,
        }
        if self.errors:
            content["errors"] = list(self.errors)
        return JSONResponse(content, self.status, self.headers, MEDIA_TYPE)


def refusal(scope: Scope, status: int, kind: str, detail: str) -> Response:
    """The response to a request that is not let in, or that met a defect."""
    return ProblemError(HTTPStatus(status), kind, detail).answer(Request(scope))


def document(status: int, kind: str, detail: str) -> tuple[str, bytes]:
    """Media type and body of a problem that happened before a request could be read."""
    scope: Scope = {"type": "http", "path": "/", "headers": [], "server": None, "query_string": b""}
    return MEDIA_TYPE, bytes(refusal(scope, status, kind, detail).body)


def not_found(kind: str, detail: str) -> ProblemError:
    """The resource has never become visible here (an order may still be on its way: ask with its token)."""
    return ProblemError(HTTPStatus.NOT_FOUND, kind, detail)


def unavailable(kind: str, detail: str, *, retry_after_s: int = 1) -> ProblemError:
    """The same request may be sent again later: nothing is wrong with it."""
    headers = {"Retry-After": str(retry_after_s)}
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, kind, detail, headers=headers)


_WHERE = {"query": "parameter", "path": "parameter", "header": "header"}


def _named(error: Mapping[str, Any]) -> dict[str, str]:
    place, *path = error["loc"]
    if place in _WHERE:
        return {_WHERE[place]: str(path[0]) if path else "", "detail": error["msg"]}
    return {"pointer": "".join(f"/{step}" for step in path), "detail": error["msg"]}


def responses(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The problems a route may answer with, for its OpenAPI description."""
    return {
        code: {
            "description": HTTPStatus(code).phrase,
            "content": dict(DESCRIBED),
        }
        for code in (*codes, 422, 503)
    }


def install_problems(app: FastAPI) -> None:
    """Answer every error of `app` as a problem, FastAPI's own included; a defect passes through to what measures."""

    @app.exception_handler(ProblemError)
    async def _problem(request: Request, problem: ProblemError) -> Response:
        return problem.answer(request)

    @app.exception_handler(BadCursorError)
    async def _bad_cursor(request: Request, error: BadCursorError) -> Response:
        errors = [{"parameter": "cursor", "detail": str(error)}]
        return ProblemError(HTTPStatus.BAD_REQUEST, "bad-cursor", str(error), errors=errors).answer(request)

    @app.exception_handler(DatabaseAwayError)
    async def _away(request: Request, error: DatabaseAwayError) -> Response:
        return unavailable("read-database-away", str(error)).answer(request)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [_named(each) for each in error.errors()[:_MOST_ERRORS]]
        names = ", ".join(next(iter(each.values())) or "body" for each in errors)
        detail = f"not valid: {names}"
        problem = ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", detail, errors=errors)
        return problem.answer(request)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        kind = status.phrase.lower().replace(" ", "-")
        headers = dict(error.headers or {})
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = allowed_methods(app, request.scope)
        return ProblemError(status, kind, str(error.detail), headers=headers).answer(request)
