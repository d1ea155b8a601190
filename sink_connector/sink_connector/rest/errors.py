"""Every failure as Connect answers it: `{"error_code": …, "message": …}`."""

from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sink_connector.cluster.connector_operations import (
    AlreadyExistsError,
    InvalidRequestError,
    NotFoundError,
    refused,
)
from sink_connector.errors import ConfigError, LogError, SinkError
from sink_connector.rest.dependencies import rest_context
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


def answer(request: Request, code: int, message: str) -> JSONResponse:
    """An answer of a failure."""
    said = rest_context(request).redactor.scrub(message)
    return JSONResponse({"error_code": code, "message": said}, status_code=code)


def install(app: FastAPI) -> None:
    """Have every failure of the app answered that way, without what the worker's redactor hides."""

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        phrase = HTTPStatus(error.status_code).phrase
        said = f"HTTP {error.status_code} {phrase}" if error.detail == phrase else error.detail
        return answer(request, error.status_code, said)

    @app.exception_handler(ConfigError)
    async def config(request: Request, error: ConfigError) -> JSONResponse:
        return answer(request, BAD_REQUEST, refused(error))

    @app.exception_handler(SinkError)
    async def sink(request: Request, error: SinkError) -> JSONResponse:
        code = CODES.get(type(error), INTERNAL)
        if code == INTERNAL and not isinstance(error, UnreadableBodyError):
            log.warning("request.failed", path=request.url.path, error=str(error))
        return answer(request, code, str(error))

    @app.exception_handler(Exception)
    async def defect(request: Request, error: Exception) -> JSONResponse:
        log.error("request.failed", path=request.url.path, exc_info=error)
        return answer(request, INTERNAL, "HTTP 500 Internal Server Error")
