"""How the service reads bodies: strictly, so that everyone on the way here has seen the same command."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from order_service.entrypoints.http.problems import (
    INVALID_REQUEST,
    MALFORMED_JSON,
    ProblemError,
    unsupported_media,
)

JSON_TYPE = "application/json"
ONCE = ("Content-Type", "Idempotency-Key", "If-Match")
Answer = Callable[[Request], Coroutine[Any, Any, Response]]


class JsonRequest(Request):
    """A request whose body is JSON in UTF-8, without a byte order mark and with every key once."""

    _value: Any = None
    _is_read = False

    async def json(self) -> Any:
        """The body's value, parsed once. Raises a 400 `ProblemError` for what two readers could understand in two ways."""
        if not self._is_read:
            self._value, self._is_read = parse_strictly(await self.body()), True
        return self._value


class JsonRoute(APIRoute):
    """A body that comes has to say that it is JSON (else 415) and to be it, whether the endpoint has a use for it or not."""

    def get_route_handler(self) -> Answer:
        """What answers a request to this route."""
        answer = _directly(self, super().get_route_handler())

        async def read(request: Request) -> Response:
            if request.method == "GET":
                return await answer(request)
            _check_once(request)
            request = JsonRequest(request.scope, request.receive)
            if await request.body():
                media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
                if media_type != JSON_TYPE:
                    raise unsupported_media(media_type)
                await request.json()
            return await answer(request)

        return read


def _check_once(request: Request) -> None:
    """Raise a 422 `ProblemError` for a header of which it would have to be guessed which one counts."""
    for name in ONCE:
        if len(request.headers.getlist(name)) > 1:
            detail = "comes more than once"
            raise ProblemError(
                INVALID_REQUEST, f"{name}: {detail}", errors=[{"header": name, "detail": detail}]
            )


def _directly(route: APIRoute, answer: Answer) -> Answer:
    """The same answers for an endpoint that takes the request, a body and headers, and gives a `Response`.

    FastAPI's fields read them, without its search for what each of them is, which it makes anew for every request.
    `answer` still has whatever does not fit, to say what is wrong with it.
    """
    asked = route.dependant
    elsewhere = (asked.path_params, asked.query_params, asked.cookie_params, asked.dependencies)
    request_name, endpoint = asked.request_param_name, route.endpoint
    if request_name is None or any(elsewhere) or len(asked.body_params) != 1:
        return answer
    body_field, header_fields = asked.body_params[0], asked.header_params

    async def direct(request: Request) -> Response:
        body, errors = body_field.validate(await request.json() if await request.body() else None)
        values = {request_name: request, body_field.name: body}
        for field in header_fields:
            text = request.headers.get(field.alias)
            values[field.name], wrong = (field.default, []) if text is None else field.validate(text)
            errors = errors or wrong
        if errors:
            return await answer(request)
        made: Response = await endpoint(**values)
        return made

    return direct


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
