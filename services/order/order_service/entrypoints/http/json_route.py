"""How the service reads bodies: strictly, so that everyone on the way here has seen the same command."""

import json
from collections.abc import Callable, Coroutine
from functools import cached_property
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from order_service.entrypoints.http.problems import (
    INVALID_REQUEST,
    MALFORMED_JSON,
    ProblemError,
    unsupported_media,
)

JSON_TYPE = "application/json"
_ONCE = {name.lower().encode(): name for name in ("Content-Type", "Idempotency-Key", "If-Match")}
Answer = Callable[[Request], Coroutine[Any, Any, Response]]


class JsonRequest(Request):
    """A request whose body is JSON in UTF-8, without a byte order mark and with every key once."""

    value: Any = None
    """The body's value once it was read; None without a body."""
    _is_read = False

    async def body(self) -> bytes:
        """The whole body, read once: without the asynchronous generator that Starlette reads it by."""
        if not hasattr(self, "_body"):
            chunks: list[bytes] = []
            more = True
            while more:
                message = await self.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                chunks.append(message.get("body", b""))
                more = message.get("more_body", False)
            self._body = b"".join(chunks)
        return self._body

    async def json(self) -> Any:
        """The body's value, parsed once. Raises a 400 `ProblemError` for what two readers could understand in two ways."""
        if not self._is_read:
            self.value, self._is_read = parse_strictly(await self.body()), True
        return self.value


class JsonRoute(APIRoute):
    """A body that comes has to say that it is JSON (else 415) and to be it, whether the endpoint has a use for it or not.

    An endpoint that takes the request, a body and headers, and gives a `Response`, is answered directly: FastAPI searches
    anew for what each of its parameters is, and opens two stacks of what is to be closed, for every request.
    """

    def get_route_handler(self) -> Answer:
        """What answers a request to this route, unless it is answered directly."""
        answer = super().get_route_handler()

        async def read(request: Request) -> Response:
            if request.method == "GET":
                return await answer(request)
            return await answer(await _read(request.scope, request.receive))

        return read

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; FastAPI still has whatever does not fit, to say what is wrong with it."""
        if not self._is_direct or scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        request = await _read(scope, receive)
        arguments = self._arguments(request)
        if arguments is None:
            await super().handle(scope, _again(await request.body()), send)
            return
        response: Response = await self.endpoint(**arguments)
        await response(scope, receive, send)

    @cached_property
    def _is_direct(self) -> bool:
        asked = self.dependant
        elsewhere = (asked.path_params, asked.query_params, asked.cookie_params, asked.dependencies)
        return asked.request_param_name is not None and len(asked.body_params) == 1 and not any(elsewhere)

    def _arguments(self, request: JsonRequest) -> dict[str, Any] | None:
        """What the endpoint is called with, read by FastAPI's fields; None when something is wrong with it."""
        asked = self.dependant
        body_field = asked.body_params[0]
        body, errors = body_field.validate(request.value)
        arguments = {asked.request_param_name or "": request, body_field.name: body}
        for field in asked.header_params:
            text = request.headers.get(field.alias)
            arguments[field.name], wrong = (field.default, []) if text is None else field.validate(text)
            errors = errors or wrong
        return None if errors else arguments


async def _read(scope: Scope, receive: Receive) -> JsonRequest:
    """The request with its body read strictly."""
    request = JsonRequest(scope, receive)
    _check_once(request)
    if await request.body():
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != JSON_TYPE:
            raise unsupported_media(media_type)
        await request.json()
    return request


def _again(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _check_once(request: Request) -> None:
    """Raise a 422 `ProblemError` for a header of which it would have to be guessed which one counts."""
    sent = [name for name, _ in request.scope["headers"] if name in _ONCE]
    if len(sent) == len(set(sent)):
        return
    name = next(name for raw, name in _ONCE.items() if sent.count(raw) > 1)
    detail = "comes more than once"
    raise ProblemError(INVALID_REQUEST, f"{name}: {detail}", errors=[{"header": name, "detail": detail}])


def parse_strictly(content: bytes) -> Any:
    """The value of a JSON text. Raises a 400 `ProblemError` that says what is wrong with it."""
    try:
        text = content.decode()
        if text.startswith("\ufeff"):
            raise _malformed("begins with a byte order mark")
        return _decode(text)
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is not UTF-8") from error
    except RecursionError as error:
        raise _malformed("is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise _malformed("JSON decode error") from error
    except ValueError as error:  # Python reads no integer of more than 4,300 digits
        raise _malformed("has a number of too many digits") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _malformed(f"has the key {twice[:64]!a} twice")
    return found


def _no_constant(name: str) -> Any:
    raise _malformed(f"{name} is no number of JSON")


_decode = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant).decode


def _malformed(detail: str) -> ProblemError:
    return ProblemError(MALFORMED_JSON, "the body is not JSON", errors=[{"pointer": "", "detail": detail}])
