"""RFC 9457 problems: every refusal and failure as `application/problem+json` with a stable type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Scope

from order_service.domain import errors
from order_service.entrypoints.http.bodies import Problem
from order_service.entrypoints.http.methods import allowed_methods
from order_service.service_layer.command_runner import OutboxFullError
from order_service.service_layer.errors import StorageUnavailableError
from order_service.service_layer.idempotency import RequestRunningError

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 100
"""Of one request; whoever sends thousands is not answered with more than was sent."""


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of problem; `name` is the last part of its `type` and never changes."""

    name: str
    status: int
    title: str


class ProblemError(Exception):
    """Answered as it stands. `retry_after` is in seconds."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        retry_after: int | None = None,
    ) -> None:
        """`errors` name fields, each with a `detail`."""
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after


INVALID_REQUEST = ProblemType("invalid-request", 422, "The request is not valid")
MALFORMED_JSON = ProblemType("malformed-json", 400, "The body is not JSON")
BODY_TOO_LARGE = ProblemType("body-too-large", 413, "The body is too large")
STORAGE_UNAVAILABLE = ProblemType("storage-unavailable", 503, "The database does not answer")
TOO_MANY_COMMANDS = ProblemType("too-many-commands", 429, "Too many commands at once")
OUTBOX_FULL = ProblemType("outbox-full", 503, "Too many events wait for Kafka")
NOT_READY = ProblemType("not-ready", 503, "The service cannot do its work")
MISDIRECTED = ProblemType("misdirected", 421, "The instances disagree about the owner")
OWNER_UNREACHABLE = ProblemType("home-unreachable", 503, "The instance that decides about it is down")
OWNER_SILENT = ProblemType("home-silent", 504, "The instance that decides about it did not answer")
NOT_A_PEER = ProblemType("not-a-peer", 403, "For the other instances only")
REQUEST_RUNNING = ProblemType("request-running", 409, "The request is under way")
UNSUPPORTED_MEDIA = ProblemType("unsupported-media-type", 415, "A body has to be JSON")
INTERNAL = ProblemType("internal-error", 500, "Something went wrong here")

REFUSALS: dict[type[errors.DomainError], ProblemType] = {
    errors.InvalidOrderError: ProblemType("invalid-order", 422, "No such order is possible"),
    errors.UnknownProductError: ProblemType("unknown-product", 404, "The product is not known here"),
    errors.UnknownOrderError: ProblemType("unknown-order", 404, "There is no such order"),
    errors.ProductExistsError: ProblemType("product-exists", 409, "The product is registered already"),
    errors.IllegalTransitionError: ProblemType(
        "illegal-transition", 409, "The order's status does not allow it"
    ),
    errors.StockLimitError: ProblemType("stock-limit", 409, "The stock would be too large"),
    errors.KeyReusedError: ProblemType("idempotency-key-reused", 422, "The key belongs to another request"),
    errors.UnstorableError: ProblemType("unstorable", 422, "The database does not take a value"),
    errors.UnreadableStateError: ProblemType("unreadable-state", 500, "What is stored cannot be read"),
    errors.StaleVersionError: ProblemType("stale-version", 412, "The version has changed"),
}
FAILURES: dict[type[Exception], tuple[ProblemType, str]] = {
    OutboxFullError: (OUTBOX_FULL, ""),
    RequestRunningError: (REQUEST_RUNNING, ""),
    StorageUnavailableError: (
        STORAGE_UNAVAILABLE,
        "whether the command was carried out is unknown; repeat it with the same Idempotency-Key",
    ),
}
"""To be tried again in a second; a detail that is empty is the error's own."""
UNKNOWN_LINE_PRODUCT = ProblemType("unknown-product", 422, "An ordered product is not known here")


READING = (400, 404, 421, 422, 503, 504)
CREATING = (400, 403, 409, 413, 415, 421, 422, 429, 503, 504)
CHANGING = (*CREATING, 404, 412)
"""What a route may refuse with, when it shows an aggregate, makes one, or changes one."""


DESCRIBED: Mapping[str, Any] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
"""What OpenAPI says of the content of a problem."""


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of a route's refusals."""
    refusal = {"content": dict(DESCRIBED)}
    return {
        status: {"description": HTTPStatus(status).phrase}
        | (refusal if status >= HTTPStatus.BAD_REQUEST else {})
        for status in statuses
    }


def describe(described: dict[str, Any]) -> None:
    """Put the schema of a problem, to which routes refer, into an OpenAPI document, in place."""
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    described["components"]["schemas"] |= {**problem.pop("$defs"), "Problem": problem}


def problem(of: ProblemError, path: str) -> Response:
    """The response of a problem that happened at `path`."""
    body: dict[str, Any] = {
        "type": f"/problems/{of.kind.name}",
        "title": of.kind.title,
        "status": of.kind.status,
        "detail": of.detail,
        "instance": path,
    }
    if of.errors:
        body["errors"] = of.errors
    headers = {} if of.retry_after is None else {"Retry-After": str(of.retry_after)}
    return Response(msgspec.json.encode(body), of.kind.status, headers, MEDIA_TYPE)


def unsupported_media(media_type: str) -> ProblemError:
    """A body of another type than JSON."""
    return ProblemError(UNSUPPORTED_MEDIA, f"the body is {media_type or 'of no type'}, not application/json")


_NOT_LET_IN = {
    "unknown-host": "Not a name of this service",
    "foreign-origin": "Not from this site",
    "unauthorized": "Who asks is not known",
    "issuer-unavailable": "The issuer of the tokens does not answer",
}


def refusal(scope: Scope, status: int, kind: str, detail: str) -> Response:
    """The response to a request that is not let in."""
    title = _NOT_LET_IN.get(kind) or HTTPStatus(status).phrase
    return problem(ProblemError(ProblemType(kind, status, title), detail), scope["path"])


def document(status: int, kind: str, detail: str) -> tuple[str, bytes]:
    """Media type and body of a problem that happened before a request could be read."""
    title = HTTPStatus(status).phrase
    return MEDIA_TYPE, bytes(problem(ProblemError(ProblemType(kind, status, title), detail), "/").body)


def problem_body(body: bytes, *, retry_after: str | None) -> ProblemError:
    """Another instance's problem, to be raised here."""
    told = msgspec.json.decode(body, type=_Told)
    kind = ProblemType(told.type.rpartition("/")[2], told.status, told.title)
    return ProblemError(kind, told.detail, retry_after=int(retry_after) if retry_after else None)


class _Told(msgspec.Struct):
    type: str
    title: str
    status: Annotated[int, msgspec.Meta(ge=400, le=599)]
    detail: str


def of_refusal(refusal: errors.DomainError) -> ProblemError:
    """What a rule of the domain has refused, as HTTP says it."""
    kind = REFUSALS[type(refusal)]
    if isinstance(refusal, errors.UnknownProductError) and refusal.pointer is not None:
        kind = UNKNOWN_LINE_PRODUCT  # the address exists, a field of the body is wrong
    fields = () if refusal.pointer is None else ({"pointer": refusal.pointer, "detail": refusal.detail},)
    return ProblemError(kind, refusal.detail, errors=fields)


def install(app: FastAPI) -> None:
    """Answer with problems what routes refuse; a defect passes through, to the middleware that measures."""
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(errors.DomainError, _refusal)
    for failure in FAILURES:
        app.add_exception_handler(failure, _failure)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _problem(request: Request, error: Any) -> Response:
    return problem(error, request.scope["path"])


async def _refusal(request: Request, error: Any) -> Response:
    return problem(of_refusal(error), request.scope["path"])


async def _failure(request: Request, error: Any) -> Response:
    kind, detail = next(FAILURES[each] for each in type(error).mro() if each in FAILURES)
    return problem(ProblemError(kind, detail or str(error), retry_after=1), request.scope["path"])


async def _invalid(request: Request, error: Any) -> Response:
    found = [_field_error(item) for item in error.errors()[:MOST_ERRORS]]
    detail = "; ".join(_sentence(item) for item in found)
    return problem(ProblemError(INVALID_REQUEST, detail, errors=found), request.scope["path"])


async def _http(request: Request, error: Any) -> Response:
    status = HTTPStatus(error.status_code)
    kind = ProblemType(status.phrase.lower().replace(" ", "-"), status.value, status.phrase)
    answer = problem(ProblemError(kind, str(error.detail)), request.scope["path"])
    answer.headers.update(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        answer.headers["Allow"] = allowed_methods(request.app, request.scope)
    return answer


def _field_error(item: Mapping[str, Any]) -> dict[str, str]:
    where, *path = item["loc"]
    if where == "body":
        pointer = "".join(f"/{_shown(part).replace('~', '~0').replace('/', '~1')}" for part in path)
        return {"pointer": pointer, "detail": item["msg"]}
    return {"header" if where == "header" else "parameter": str(path[0]), "detail": item["msg"]}


def _shown(part: object) -> str:
    """A step of a path; a body's key may hold lone surrogates, which no answer can."""
    return str(part).encode(errors="backslashreplace").decode()


def _sentence(error: Mapping[str, str]) -> str:
    where = next(value for name, value in error.items() if name != "detail")
    return f"{where or 'the body'}: {error['detail']}"
