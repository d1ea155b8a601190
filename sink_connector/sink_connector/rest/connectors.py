"""`/connectors`."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sink_connector.cluster.config_store import ConnectorSpec, Restart, TargetState
from sink_connector.cluster.connector_operations import NotFoundError
from sink_connector.config.secrets import redacted
from sink_connector.rest import bodies
from sink_connector.rest.dependencies import Context, RestContext, is_true
from sink_connector.rest.errors import UnreadableBodyError
from sink_connector.rest.leader_client import LeaderRoute
from sink_connector.rest.requests import NAME, TASK

router = APIRouter(prefix="/connectors")
commands = APIRouter(prefix="/connectors", route_class=LeaderRoute)

CREATED, ACCEPTED, NO_CONTENT, FORBIDDEN, NOT_ALLOWED = 201, 202, 204, 403, 405
FROM_FILES = "The connectors of this worker come from the files it was started with; change those"
INITIAL_STATES = {
    "RUNNING": TargetState.STARTED,
    "PAUSED": TargetState.PAUSED,
    "STOPPED": TargetState.STOPPED,
}


def _writable(context: Context) -> None:
    if context.from_files:
        raise HTTPException(NOT_ALLOWED, FROM_FILES)


Writable = Annotated[None, Depends(_writable)]


@router.get("")
async def listed(context: Context, expand: Annotated[list[str] | None, Query()] = None) -> Any:
    """The names of all connectors, or with `expand` their `info` and `status`."""
    if not expand:
        return context.configs.names
    return {each.name: _expanded(context, each, expand) for each in context.configs.all()}


def _expanded(context: RestContext, spec: ConnectorSpec, expand: list[str]) -> dict[str, Any]:
    views: dict[str, Any] = {}
    if "status" in expand:
        views["status"] = bodies.status_of(spec.name, context.statuses, worker=context.membership.me)
    if "info" in expand:
        views["info"] = bodies.connector(spec)
    return views


@commands.post("")
async def create(request: Request, context: Context, _w: Writable) -> Response:
    """A new connector: 201, 409 when the name is taken, 400 for a configuration that cannot be used."""
    body = await bodies.read_object(request, fields=("name", "config", "initial_state"))
    target = None
    if (state := bodies.text("initial_state", body.get("initial_state"))) is not None:
        try:
            target = INITIAL_STATES[state.upper()]
        except KeyError:
            raise UnreadableBodyError(f"initial_state is one of {', '.join(INITIAL_STATES)}") from None
    config = bodies.config_of(body.get("config"))
    name = bodies.text("name", body.get("name"))
    if name is None:
        name = config.get("name") or ""
    spec = await context.operations.create(name.strip(), config, target)
    return _created(request, spec)


def _created(request: Request, spec: ConnectorSpec) -> Response:
    location = f"{request.base_url}connectors/{quote(spec.name, safe='')}"
    return JSONResponse(bodies.connector(spec, tasks=0), status_code=CREATED, headers={"Location": location})


@router.get(f"/{NAME}")
async def one(context: Context, name: str) -> dict[str, Any]:
    """A connector's configuration and tasks."""
    return bodies.connector(context.operations.known(name))


@commands.delete(f"/{NAME}", status_code=NO_CONTENT, response_class=Response)
async def delete(context: Context, name: str, _w: Writable) -> None:
    """Remove a connector."""
    await context.operations.delete(name)


@router.get(f"/{NAME}/config")
async def config(context: Context, name: str) -> dict[str, str | None]:
    """A connector's configuration with its secrets hidden."""
    return redacted(context.operations.known(name).config)


@commands.put(f"/{NAME}/config")
async def put_config(request: Request, context: Context, name: str, _w: Writable) -> Response:
    """Create a connector (201) or change its configuration (200)."""
    spec, is_new = await context.operations.put(name, bodies.config_of(await bodies.read_object(request)))
    return _created(request, spec) if is_new else JSONResponse(bodies.connector(spec))


@commands.patch(f"/{NAME}/config")
async def patch_config(request: Request, context: Context, name: str, _w: Writable) -> dict[str, Any]:
    """Change some keys; null removes one."""
    changes = bodies.config_of(await bodies.read_object(request))
    return bodies.connector(await context.operations.patch(name, changes))


@router.get(f"/{NAME}/status")
async def status(context: Context, name: str) -> dict[str, Any]:
    """The states of a connector and of its tasks."""
    context.operations.known(name, "No status found for connector {}")
    return bodies.status_of(name, context.statuses, worker=context.membership.me)


@router.get(f"/{NAME}/tasks")
async def tasks(context: Context, name: str) -> list[dict[str, Any]]:
    """The tasks with their configurations."""
    return bodies.tasks(context.operations.known(name))


@router.get(f"/{NAME}/tasks/{TASK}/status")
async def task_status(context: Context, name: str, task: int) -> dict[str, Any]:
    """The state of one task."""
    for each, said in context.statuses.of(name):
        if each.number == task:
            return {"id": task, **bodies.state(said)}
    raise NotFoundError(f"No status found for task {name}-{task}")


def _allow_topics(context: RestContext) -> None:
    if not context.tells_topics:
        raise HTTPException(FORBIDDEN, "Topic tracking is disabled.")


@router.get(f"/{NAME}/topics")
async def topics(context: Context, name: str) -> dict[str, Any]:
    """The topics that a connector has delivered from; 403 where `topic.tracking.enable` is false."""
    _allow_topics(context)
    return {name: {"topics": sorted(context.statuses.topics.get(name, ()))}}


@commands.put(f"/{NAME}/topics/reset", status_code=ACCEPTED, response_class=Response)
async def forget_topics(context: Context, name: str) -> None:
    """Begin the list of topics anew; 403 where `topic.tracking.allow.reset` is false."""
    _allow_topics(context)
    if not context.forgets_topics:
        raise HTTPException(FORBIDDEN, "Topic tracking reset is disabled.")
    await context.statuses.forget_topics(name)


@commands.put(f"/{NAME}/pause", status_code=ACCEPTED, response_class=Response)
async def pause(context: Context, name: str) -> None:
    """Deliver nothing until resumed; the tasks stay."""
    await context.operations.aim(name, TargetState.PAUSED)


@commands.put(f"/{NAME}/resume", status_code=ACCEPTED, response_class=Response)
async def resume(context: Context, name: str) -> None:
    """Go on."""
    await context.operations.aim(name, TargetState.STARTED)


@commands.put(f"/{NAME}/stop", status_code=NO_CONTENT, response_class=Response)
async def stop(context: Context, name: str) -> None:
    """End the tasks; offsets can be changed then."""
    await context.operations.aim(name, TargetState.STOPPED)


@commands.post(f"/{NAME}/restart")
async def restart(
    context: Context,
    name: str,
    include_tasks: Annotated[str, Query(alias="includeTasks")] = "false",
    only_failed: Annotated[str, Query(alias="onlyFailed")] = "false",
) -> Response:
    """Restart a connector, and with `includeTasks` its tasks, or with `onlyFailed` those that failed."""
    asked = Restart(connector=name, include_tasks=is_true(include_tasks), only_failed=is_true(only_failed))
    said, planned = await context.operations.restart(asked)
    if not (asked.include_tasks or asked.only_failed):
        return Response(status_code=NO_CONTENT)
    return JSONResponse(bodies.status(name, said, planned), status_code=ACCEPTED)


@commands.post(f"/{NAME}/tasks/{TASK}/restart", status_code=NO_CONTENT, response_class=Response)
async def restart_task(context: Context, name: str, task: int) -> None:
    """Restart one task."""
    await context.operations.restart_task(name, task)
