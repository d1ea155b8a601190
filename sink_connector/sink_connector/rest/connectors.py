"""`/connectors`."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sink_connector.cluster.config_store import Definition, Restart, Target
from sink_connector.cluster.connector_operations import UnknownError
from sink_connector.config.secrets import shown
from sink_connector.rest import bodies
from sink_connector.rest.dependencies import Desk, desk_of, is_true
from sink_connector.rest.errors import UnreadableError
from sink_connector.rest.leader_client import Leading

router = APIRouter(prefix="/connectors")

CREATED, ACCEPTED, NO_CONTENT, NOT_ALLOWED = 201, 202, 204, 405
FROM_FILES = "The connectors of this worker come from the files it was started with; change those"
INITIAL_STATES = {"RUNNING": Target.STARTED, "PAUSED": Target.PAUSED, "STOPPED": Target.STOPPED}

AtDesk = Annotated[Desk, Depends(desk_of)]


def _writable(desk: AtDesk) -> None:
    if desk.from_files:
        raise HTTPException(NOT_ALLOWED, FROM_FILES)


Writable = Annotated[None, Depends(_writable)]


@router.get("")
async def listed(desk: AtDesk, expand: Annotated[list[str] | None, Query()] = None) -> Any:
    if not expand:
        return desk.configs.names
    return {each.name: _expanded(desk, each, expand) for each in desk.configs.all()}


def _expanded(desk: Desk, definition: Definition, expand: list[str]) -> dict[str, Any]:
    views: dict[str, Any] = {}
    if "status" in expand:
        views["status"] = bodies.status_of(definition.name, desk.statuses, worker=desk.membership.me)
    if "info" in expand:
        views["info"] = bodies.connector(definition)
    return views


@router.post("")
async def create(request: Request, desk: AtDesk, _w: Writable, _l: Leading) -> Response:
    body = await bodies.read_object(request, fields=("name", "config", "initial_state"))
    target = None
    if body.get("initial_state") is not None:
        try:
            target = INITIAL_STATES[str(body["initial_state"]).upper()]
        except KeyError:
            raise UnreadableError(f"initial_state is one of {', '.join(INITIAL_STATES)}") from None
    config = bodies.config_of(body.get("config"))
    name = body.get("name")
    if name is None:
        name = config.get("name") or ""
    definition = await desk.control.create(str(name).strip(), config, target)
    return _created(request, definition)


def _created(request: Request, definition: Definition) -> Response:
    location = str(request.base_url.replace(path=f"/connectors/{definition.name}"))
    return JSONResponse(
        bodies.connector(definition, tasks=0), status_code=CREATED, headers={"Location": location}
    )


@router.get("/{name}")
async def one(desk: AtDesk, name: str) -> dict[str, Any]:
    return bodies.connector(desk.control.known(name))


@router.delete("/{name}", status_code=NO_CONTENT, response_class=Response)
async def delete(desk: AtDesk, name: str, _w: Writable, _l: Leading) -> None:
    await desk.control.delete(name)


@router.get("/{name}/config")
async def config(desk: AtDesk, name: str) -> dict[str, str | None]:
    return shown(desk.control.known(name).config)


@router.put("/{name}/config")
async def put_config(request: Request, desk: AtDesk, name: str, _w: Writable, _l: Leading) -> Response:
    definition, is_new = await desk.control.put(name, bodies.config_of(await bodies.read_object(request)))
    return _created(request, definition) if is_new else JSONResponse(bodies.connector(definition))


@router.patch("/{name}/config")
async def patch_config(
    request: Request, desk: AtDesk, name: str, _w: Writable, _l: Leading
) -> dict[str, Any]:
    changes = bodies.config_of(await bodies.read_object(request))
    return bodies.connector(await desk.control.patch(name, changes))


@router.get("/{name}/status")
async def status(desk: AtDesk, name: str) -> dict[str, Any]:
    desk.control.known(name, "No status found for connector {}")
    return bodies.status_of(name, desk.statuses, worker=desk.membership.me)


@router.get("/{name}/tasks")
async def tasks(desk: AtDesk, name: str) -> list[dict[str, Any]]:
    return bodies.tasks(desk.control.known(name))


@router.get("/{name}/tasks/{task:int}/status")
async def task_status(desk: AtDesk, name: str, task: int) -> dict[str, Any]:
    for each, said in desk.statuses.of(name):
        if each.number == task:
            return {"id": task, **bodies.state(said)}
    raise UnknownError(f"No status found for task {name}-{task}")


@router.get("/{name}/topics")
async def topics(desk: AtDesk, name: str) -> dict[str, Any]:
    return {name: {"topics": sorted(desk.statuses.topics.get(name, ()))}}


@router.put("/{name}/topics/reset", status_code=ACCEPTED, response_class=Response)
async def forget_topics(desk: AtDesk, name: str, _l: Leading) -> None:
    await desk.statuses.forget_topics(name)


@router.put("/{name}/pause", status_code=ACCEPTED, response_class=Response)
async def pause(desk: AtDesk, name: str, _l: Leading) -> None:
    await desk.control.aim(name, Target.PAUSED)


@router.put("/{name}/resume", status_code=ACCEPTED, response_class=Response)
async def resume(desk: AtDesk, name: str, _l: Leading) -> None:
    await desk.control.aim(name, Target.STARTED)


@router.put("/{name}/stop", status_code=NO_CONTENT, response_class=Response)
async def stop(desk: AtDesk, name: str, _l: Leading) -> None:
    await desk.control.aim(name, Target.STOPPED)


@router.post("/{name}/restart")
async def restart(
    desk: AtDesk,
    name: str,
    _l: Leading,
    include_tasks: Annotated[str, Query(alias="includeTasks")] = "false",
    only_failed: Annotated[str, Query(alias="onlyFailed")] = "false",
) -> Response:
    asked = Restart(connector=name, include_tasks=is_true(include_tasks), only_failed=is_true(only_failed))
    said, planned = await desk.control.restart(asked)
    if not (asked.include_tasks or asked.only_failed):
        return Response(status_code=NO_CONTENT)
    return JSONResponse(bodies.status(name, said, planned), status_code=ACCEPTED)


@router.post("/{name}/tasks/{task:int}/restart", status_code=NO_CONTENT, response_class=Response)
async def restart_task(desk: AtDesk, name: str, task: int, _l: Leading) -> None:
    await desk.control.restart_task(name, task)
