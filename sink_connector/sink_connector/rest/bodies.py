"""Bodies of requests and answers: Connect's, field by field."""

import json
import re
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException

from sink_connector.cluster.config_store import Config, ConnectorSpec
from sink_connector.cluster.connector_operations import InvalidRequestError
from sink_connector.cluster.status_store import Status, StatusStore, TaskId
from sink_connector.config.bounds import check_size
from sink_connector.config.secrets import redacted
from sink_connector.rest.errors import UnreadableBodyError
from sink_connector.runtime.states import State

JSON_TYPE = "application/json"
UNSUPPORTED_MEDIA_TYPE = 415
CHARSETS = {"utf-8", "utf8", "us-ascii"}
_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)
TASK_CLASS = "sink_connector.PostgresSinkTask"


async def read_object(request: Request, *, fields: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The JSON object of a request, its numbers as they were written. With `fields`, no others are taken.

    Raises:
        HTTPException: 415 for a body that does not say it is JSON; a browser sends such a one for any page without asking.
        BodyTooLargeError: The body has more than 1 MB.
        InvalidRequestError: It is nested too deep, or holds half of a surrogate pair.
        UnreadableBodyError: There is none, it is no JSON object or has other fields.
    """
    require_json(request)
    data = await request.body()
    if not data.strip():
        raise UnreadableBodyError("the request has no body")
    body = _parsed(data)
    if not isinstance(body, dict):
        raise UnreadableBodyError("the body is not a JSON object")
    if fields is not None and (unknown := body.keys() - set(fields)):
        raise UnreadableBodyError(
            f"Unrecognized field {', '.join(sorted(unknown))}; known are {', '.join(fields)}"
        )
    return body


def require_json(request: Request) -> None:
    """Raises `HTTPException` with 415 unless the body's type is `application/json`, in UTF-8."""
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = _CHARSET.search(parameters)
    if media_type.strip().lower() != JSON_TYPE or (charset and charset[1].lower() not in CHARSETS):
        raise HTTPException(UNSUPPORTED_MEDIA_TYPE)


def _parsed(data: bytes) -> Any:
    try:
        body = json.loads(
            data.decode("utf-8-sig"),
            parse_int=str,
            parse_float=str,
            parse_constant=_refused,
        )
        json.dumps(body, ensure_ascii=False).encode()
    except RecursionError:
        raise InvalidRequestError("the body is nested too deep") from None
    except UnicodeEncodeError:
        raise InvalidRequestError("the body holds half of a surrogate pair") from None
    except ValueError as error:
        raise UnreadableBodyError(f"the body is not JSON: {error}") from error
    return body


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")


def config_of(body: Any) -> dict[str, str | None]:
    """A configuration: texts, and what can be written as one. Raises `UnreadableBodyError`, and `ConfigError` for one without end."""
    if not isinstance(body, dict):
        raise UnreadableBodyError("a connector's configuration is a JSON object")
    config = {key: text(key, value) for key, value in body.items()}
    check_size(config)
    return config


def text(key: str, value: Any) -> str | None:
    """A value that is a text or can be written as one, or null. Raises `UnreadableBodyError`."""
    match value:
        case None | str():
            return value
        case bool():
            return str(value).lower()
    raise UnreadableBodyError(f"the value of {key} is not a text")


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
    """The tasks of a connector with their configurations."""
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
    """A connector's status with those of its tasks."""
    return {
        "name": name,
        "connector": state(said),
        "tasks": [{"id": task.number, **state(each)} for task, each in tasks],
        "type": "sink",
    }


def state(said: Status) -> dict[str, Any]:
    """One state and who vouches for it, with the reason where there is one."""
    trace = {} if said.trace is None else {"trace": said.trace}
    return {"state": said.state.value, "worker_id": said.worker, "version": said.version, **trace}
