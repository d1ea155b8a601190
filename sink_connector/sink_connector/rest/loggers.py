"""`/admin/loggers`: log levels, while the worker runs."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from sink_connector.cluster.connector_operations import InvalidRequestError, NotFoundError
from sink_connector.logs import LEVELS
from sink_connector.rest import bodies
from sink_connector.rest.dependencies import Context
from sink_connector.rest.requests import NAME

router = APIRouter(prefix="/admin/loggers")

NO_CONTENT = 204


@router.get("")
async def listed(context: Context) -> dict[str, Any]:
    """The loggers that have a level of their own."""
    return {name: asdict(level) for name, level in context.loggers.all().items()}


@router.get(f"/{NAME}")
async def one(context: Context, name: str) -> dict[str, Any]:
    """The level in force for a logger."""
    level = context.loggers.get(name)
    if level is None:
        raise NotFoundError(f"Logger {name} not found.")
    return asdict(level)


@router.put(f"/{NAME}")
async def change(request: Request, context: Context, name: str, scope: str = "worker") -> Response:
    """Set a level, of this worker or with `scope=cluster` of all."""
    body = await bodies.read_object(request)
    written = bodies.text("level", body.get("level"))
    if written is None:
        raise InvalidRequestError("Desired 'level' parameter was not specified in request.")
    level = written.strip().upper()
    if level not in LEVELS:
        raise NotFoundError(f"invalid log level '{written}'.")
    if scope == "cluster":
        await context.configs.set_level(name, level)
        return Response(status_code=NO_CONTENT)
    return JSONResponse(context.loggers.set(name, level))
