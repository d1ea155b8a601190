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
from sink_connector.config.redaction import Redactor
from sink_connector.errors import ConfigError, LogError, SinkError
from sink_connector.runtime.stored_offsets import OffsetsError

log = structlog.get_logger()

BAD_REQUEST, NOT_FOUND, CONFLICT, INTERNAL = 400, 404, 409, 500


class ConflictError(SinkError):
    """Not now: the group is in the middle of a change."""


class UnreadableError(SinkError):
    """A body that cannot be read. Connect answers these with 500, and so does this."""


CODES: dict[type[SinkError], int] = {
    NotFoundError: NOT_FOUND,
    AlreadyExistsError: CONFLICT,
    ConflictError: CONFLICT,
    InvalidRequestError: BAD_REQUEST,
    UnreadableError: INTERNAL,
    OffsetsError: INTERNAL,
    LogError: INTERNAL,
}


def install(app: FastAPI, redactor: Redactor) -> None:
    """Have every failure of the app answered that way, without what `redactor` hides."""

    def answer(code: int, message: str) -> JSONResponse:
        return JSONResponse({"error_code": code, "message": redactor.scrub(message)}, status_code=code)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        phrase = HTTPStatus(error.status_code).phrase
        said = f"HTTP {error.status_code} {phrase}" if error.detail == phrase else error.detail
        return answer(error.status_code, said)

    @app.exception_handler(ConfigError)
    async def config(_: Request, error: ConfigError) -> JSONResponse:
        return answer(BAD_REQUEST, refused(error))

    @app.exception_handler(SinkError)
    async def sink(request: Request, error: SinkError) -> JSONResponse:
        code = CODES.get(type(error), INTERNAL)
        if code == INTERNAL and not isinstance(error, UnreadableError):
            log.warning("sink.rest.failed", path=request.url.path, error=str(error))
        return answer(code, str(error))
