"""Bodies of requests and answers: Connect's, field by field."""

import json
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException

from sink_connector.cluster.config_store import Config, ConnectorSpec
from sink_connector.cluster.status_store import State, Status, StatusStore, TaskId
from sink_connector.config.secrets import redacted
from sink_connector.rest.errors import UnreadableError

JSON_TYPE = "application/json"
UNSUPPORTED_MEDIA_TYPE = 415
TASK_CLASS = "sink_connector.PostgresSinkTask"


async def read_object(request: Request, *, fields: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The JSON object of a request, its numbers as they were written. With `fields`, no others are taken.

    Raises `UnreadableError`, and `HTTPException` for another media type.
    """
    media_type = request.headers.get("content-type", JSON_TYPE).partition(";")[0].strip()
    if media_type != JSON_TYPE:
        raise HTTPException(UNSUPPORTED_MEDIA_TYPE)
    data = await request.body()
    if not data.strip():
        raise UnreadableError("the request has no body")
    try:
        body = json.loads(data, parse_int=str, parse_float=str, parse_constant=str)
    except ValueError as error:
        raise UnreadableError(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise UnreadableError("the body is not a JSON object")
    if fields is not None and (unknown := body.keys() - set(fields)):
        raise UnreadableError(
            f"Unrecognized field {', '.join(sorted(unknown))}; known are {', '.join(fields)}"
        )
    return body


def config_of(body: Any) -> dict[str, str | None]:
    """A configuration: texts, and what can be written as one. Raises `UnreadableError`."""
    if not isinstance(body, dict):
        raise UnreadableError("a connector's configuration is a JSON object")
    return {key: _text(key, value) for key, value in body.items()}


def _text(key: str, value: Any) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return str(value).lower()
    raise UnreadableError(f"the value of {key} is not a text")


def connector(spec: ConnectorSpec, *, tasks: int | None = None) -> dict[str, Any]:
    """A connector's own description; `tasks` is their number where it is not the spec's."""
    count = spec.tasks if tasks is None else tasks
    return {
        "name": spec.name,
        "config": redacted(spec.config),
        "tasks": [{"connector": spec.name, "task": number} for number in range(count)],
        "type": "sink",
    }


def tasks(spec: ConnectorSpec) -> list[dict[str, Any]]:
    return [
        {
            "id": {"connector": spec.name, "task": number},
            "config": _task_config(spec.config, number),
        }
        for number in range(spec.tasks)
    ]


def _task_config(config: Config, number: int) -> dict[str, str | None]:
    return {**redacted(config), "task.class": TASK_CLASS, "task.id": str(number)}


def status_of(name: str, statuses: StatusStore, *, worker: str) -> dict[str, Any]:
    """What is said of a connector; before anything is, it is unassigned. `worker` is who answers."""
    said = statuses.connectors.get(name) or Status(state=State.UNASSIGNED, worker=worker)
    return status(name, said, statuses.of(name))


def status(name: str, said: Status, tasks: list[tuple[TaskId, Status]]) -> dict[str, Any]:
    return {
        "name": name,
        "connector": state(said),
        "tasks": [{"id": task.number, **state(each)} for task, each in tasks],
        "type": "sink",
    }


def state(said: Status) -> dict[str, Any]:
    trace = {} if said.trace is None else {"trace": said.trace}
    return {"state": said.state.value, "worker_id": said.worker, "version": said.version, **trace}
