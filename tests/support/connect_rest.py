"""Conversations with a Connect worker over REST: played against the real one to record, against ours to compare.

Names that differ from run to run stand as `<placeholders>` in requests and answers alike: `<connector>`, `<poisoned>`,
`<topic>`, `<poisoned_topic>`, `<jdbc_url>` are chosen by whoever plays, `<worker>`, `<cluster>`, `<plugins>`, `<time>` and `<trace>` come back.
"""

import json
import re
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

JSON_TYPE = "application/json"
PATIENCE_S = 120.0
PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Step:
    """One request. With `until` (JSON pointer → value) it is repeated until the answer's body says so."""

    name: str
    method: str
    path: str
    body: Any = None
    raw_body: str | None = None
    content_type: str = JSON_TYPE
    until: Mapping[str, Any] = field(default_factory=dict)
    keep: str = "everything"  # of the answer's body; "invalid" keeps of a validation what carries errors

    def as_json(self) -> dict[str, Any]:
        """The step without its defaults, as it stands in the recording."""
        whole = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: value
            for name, value in whole.items()
            if name in ("name", "method", "path") or value not in _DEFAULTS[name]
        }


_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "body": (None,), "raw_body": (None,), "content_type": (JSON_TYPE,), "until": ({},), "keep": ("everything",),
}  # fmt: skip


def fresh_names(*, jdbc_url: str) -> dict[str, str]:
    """Values for the placeholders that no other run has."""
    tail = uuid.uuid4().hex[:12]
    return {
        "connector": f"rest-{tail}",
        "poisoned": f"rest-poisoned-{tail}",
        "topic": f"rest-orders-{tail}",
        "poisoned_topic": f"rest-poison-{tail}",
        "jdbc_url": jdbc_url,
    }


def _filled(text: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"<{name}>", value)
    return text


def _send(client: httpx.Client, step: Step, names: Mapping[str, str]) -> httpx.Response:
    content = step.raw_body if step.body is None else json.dumps(step.body)
    headers = {"content-type": step.content_type} if content is not None else {}
    return client.request(
        step.method,
        _filled(step.path, names),
        content=None if content is None else _filled(content, names),
        headers=headers,
    )


def _at(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        if isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        elif isinstance(document, dict):
            document = document.get(part)
        else:
            return None
    return document


def _satisfied(step: Step, body: Any) -> bool:
    return all(_at(body, pointer) == value for pointer, value in step.until.items())


def _normalised(text: str, names: Mapping[str, str]) -> Any:
    for name, value in sorted(names.items(), key=lambda item: -len(item[1])):
        text = text.replace(value, f"<{name}>")
    text = re.sub(r'("trace":)"(?:[^"\\]|\\.)*"', r'\1"<trace>"', text)
    text = re.sub(r'("last_modified":)\d+', r'\1"<time>"', text)
    text = re.sub(r'("kafka_cluster_id":)"[^"]*"', r'\1"<cluster>"', text)
    text = re.sub(r"location='file:[^']*'", "location='<plugins>'", text)
    try:
        return _in_order(json.loads(text))
    except json.JSONDecodeError:
        return text


def _in_order(body: Any) -> Any:
    """Lists whose order means nothing, and differs from run to run, sorted."""
    if isinstance(body, dict) and isinstance(body.get("offsets"), list):
        return {**body, "offsets": sorted(body["offsets"], key=json.dumps)}
    if (
        isinstance(body, list)
        and body
        and all(isinstance(entry, dict) and "class" in entry for entry in body)
    ):
        return sorted(body, key=json.dumps)
    return body


def _kept(step: Step, body: Any) -> Any:
    if step.keep != "invalid" or not isinstance(body, dict) or "configs" not in body:
        return body
    invalid = [
        {"name": entry["value"]["name"], "value": entry["value"]["value"], "errors": entry["value"]["errors"]}
        for entry in body["configs"]
        if entry["value"]["errors"]
    ]
    return {"name": body["name"], "error_count": body["error_count"], "invalid": invalid}


def _heard(answer: httpx.Response, names: Mapping[str, str]) -> dict[str, Any]:
    location = answer.headers.get("location")
    heard = {
        "status": answer.status_code,
        "content_type": answer.headers.get("content-type"),
        "location": location and _normalised(location, names),
        "body": _normalised(answer.text, names),
    }
    return {key: value for key, value in heard.items() if value not in (None, "")}


def play(
    steps: Iterable[Step], *, url: str, names: Mapping[str, str]
) -> Iterator[tuple[Step, dict[str, Any]]]:
    """Send each step and give back `{status, content_type, location, body}` with what varies replaced by placeholders.

    Raises TimeoutError, with the last answer, when a step's `until` does not come true in time.
    """
    spoken = {**names, "worker": url.removeprefix("http://")}
    # A connection per request: the worker closes one whose body it has refused to read.
    with httpx.Client(base_url=url, timeout=60, limits=httpx.Limits(max_keepalive_connections=0)) as client:
        for step in steps:
            deadline = time.monotonic() + PATIENCE_S
            heard = _heard(answer := _send(client, step, spoken), spoken)
            while not _satisfied(step, heard.get("body")):
                if time.monotonic() > deadline:
                    raise TimeoutError(
                        f"{step.name}: {dict(step.until)} did not come true; last: {answer.text}"
                    )
                time.sleep(PAUSE_S)
                heard = _heard(answer := _send(client, step, spoken), spoken)
            yield step, {**heard, "body": _kept(step, heard.get("body"))}
