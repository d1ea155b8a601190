"""Every failure as Connect answers it: `{"error_code": …, "message": …}`."""

from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.types import Scope

from sink_connector.cluster.connector_operations import (
    AlreadyExistsError,
    InvalidRequestError,
    NotFoundError,
    refused,
)
from sink_connector.errors import ConfigError, LogError, SinkError
from sink_connector.rest.dependencies import rest_context
from sink_connector.rest.methods import allowed_methods
from sink_connector.runtime.stored_offsets import OffsetsError

log = structlog.get_logger()

BAD_REQUEST, NOT_FOUND, CONFLICT, TOO_LARGE, INTERNAL = 400, 404, 409, 413, 500


class ConflictError(SinkError):
    """Not now: the group is in the middle of a change."""


class UnreadableBodyError(SinkError):
    """A body that is not what it should be. Connect answers these with 500, and so does this."""


class BodyTooLargeError(SinkError):
    """A body of more bytes than any configuration needs."""


CODES: dict[type[SinkError], int] = {
    NotFoundError: NOT_FOUND,
    AlreadyExistsError: CONFLICT,
    ConflictError: CONFLICT,
    InvalidRequestError: BAD_REQUEST,
    BodyTooLargeError: TOO_LARGE,
    UnreadableBodyError: INTERNAL,
    OffsetsError: INTERNAL,
    LogError: INTERNAL,
}


def answer(code: int, message: str) -> JSONResponse:
    """Connect's body of a failure."""
    return JSONResponse({"error_code": code, "message": message}, status_code=code)


def refusal(_: Scope, status: int, _kind: str, detail: str) -> JSONResponse:
    """The response to a request that is not let in, or that met a defect."""
    return answer(status, detail)


def document(status: int, _kind: str, detail: str) -> tuple[str, bytes]:
    """Media type and body of an error that happened before a request could be read."""
    return "application/json", bytes(answer(status, detail).body)


def _redacted(request: Request, message: str) -> str:
    return rest_context(request).redactor.scrub(message)


def install(app: FastAPI) -> None:
    """Have every failure of the app answered that way, without what the worker's redactor hides."""

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and request.method == "OPTIONS":
            methods = f"{allowed_methods(app, request.scope)}, OPTIONS"
            return PlainTextResponse(methods, headers={"Allow": methods})
        phrase = HTTPStatus(error.status_code).phrase
        said = f"HTTP {error.status_code} {phrase}" if error.detail == phrase else error.detail
        response = answer(error.status_code, _redacted(request, said))
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = allowed_methods(app, request.scope)
        return response

    @app.exception_handler(ConfigError)
    async def config(request: Request, error: ConfigError) -> JSONResponse:
        return answer(BAD_REQUEST, _redacted(request, refused(error)))

    @app.exception_handler(SinkError)
    async def sink(request: Request, error: SinkError) -> JSONResponse:
        code = CODES.get(type(error), INTERNAL)
        if code == INTERNAL and not isinstance(error, UnreadableBodyError):
            log.warning("request.failed", path=request.url.path, error=str(error))
        return answer(code, _redacted(request, str(error)))

    @app.exception_handler(Exception)
    async def defect(request: Request, error: Exception) -> JSONResponse:
        log.error("request.failed", path=request.url.path, exc_info=error)
        return answer(INTERNAL, "HTTP 500 Internal Server Error")
