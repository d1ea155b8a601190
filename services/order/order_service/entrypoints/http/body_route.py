"""How the service reads bodies: strictly, and on a short way for the commands that make aggregates."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, get_type_hints

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError

from order_service.entrypoints.http.problems import MALFORMED_JSON, ProblemError, unsupported_media

JSON_TYPE = "application/json"
_PLAIN = {"request", "body", "return"}


class BodyRoute(APIRoute):
    """A body is JSON in UTF-8, without a byte order mark and with every key once, and says that it is JSON.

    What two readers could understand in two ways is refused: nobody on the way here has seen another command.

    Endpoints that take `request` and `body`, a pydantic model, and answer a `Response` get it on a short way: pydantic reads
    the bytes as they came, since FastAPI's way of finding the two parameters costs a third of placing an order. The long
    way is still taken with whatever is not valid, to say what is wrong, and by every other endpoint.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request to this route."""
        long_way = super().get_route_handler()
        endpoint, hints = self.endpoint, get_type_hints(self.endpoint)
        parse = hints["body"].model_validate_json if hints.keys() == _PLAIN else None

        async def read(request: Request) -> Response:
            if request.method == "GET":
                return await long_way(request)
            content = await request.body()
            if not content:
                return await long_way(request)
            media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if media_type != JSON_TYPE:
                if parse is not None and not media_type.endswith("+json"):
                    return await long_way(request)  # which refuses it
                raise unsupported_media(media_type)
            _refuse_ambiguous(content)
            if parse is None:
                return await long_way(request)
            try:
                body = parse(content)
            except ValidationError:
                return await long_way(request)
            answer: Response = await endpoint(request=request, body=body)
            return answer

        return read


def _refuse_ambiguous(content: bytes) -> None:
    try:
        text = content.decode()
        if text.startswith("\ufeff"):
            raise _malformed("begins with a byte order mark")
        json.loads(text, object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is not UTF-8") from error
    except RecursionError as error:
        raise _malformed("is nested too deeply") from error
    except json.JSONDecodeError as error:  # as FastAPI says it
        found = {
            "type": "json_invalid",
            "loc": ("body", error.pos),
            "msg": "JSON decode error",
            "input": {},
            "ctx": {"error": error.msg},
        }
        raise RequestValidationError([found], body=error.doc) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _malformed(f"has the key {twice[:64]!a} twice")
    return found


def _malformed(detail: str) -> ProblemError:
    return ProblemError(MALFORMED_JSON, "the body is not JSON", errors=[{"pointer": "", "detail": detail}])
