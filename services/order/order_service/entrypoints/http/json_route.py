"""How the service reads bodies: strictly, so that everyone on the way here has seen the same command."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from order_service.entrypoints.http.problems import MALFORMED_JSON, ProblemError, unsupported_media

JSON_TYPE = "application/json"


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

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request to this route."""
        answer = super().get_route_handler()

        async def read(request: Request) -> Response:
            if request.method == "GET":
                return await answer(request)
            request = JsonRequest(request.scope, request.receive)
            if await request.body():
                media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
                if media_type != JSON_TYPE:
                    raise unsupported_media(media_type)
                await request.json()
            return await answer(request)

        return read


def parse_strictly(content: bytes) -> Any:
    """The value of a JSON text. Raises a 400 `ProblemError` that says what is wrong with it."""
    try:
        text = content.decode()
        if text.startswith("\ufeff"):
            raise _malformed("begins with a byte order mark")
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is not UTF-8") from error
    except RecursionError as error:
        raise _malformed("is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise _malformed("JSON decode error") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _malformed(f"has the key {twice[:64]!a} twice")
    return found


def _no_constant(name: str) -> Any:
    raise _malformed(f"{name} is no number of JSON")


def _malformed(detail: str) -> ProblemError:
    return ProblemError(MALFORMED_JSON, "the body is not JSON", errors=[{"pointer": "", "detail": detail}])
