"""Read your own writes over HTTP: `Consistency-Token` and `Prefer: wait=N`, for every query of the routes it guards."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import nullcontext
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Header, Request
from pydantic import WithJsonSchema

from catalog_service import telemetry
from catalog_service.consistency.tokens import (
    TOKEN,
    BadTokenError,
    DeadLetterError,
    NotYetVisibleError,
    TokenGate,
    TooManyWaitersError,
    parse_tokens,
)
from catalog_service.http.problems import ProblemError, unavailable

_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?:$|[,;])", re.IGNORECASE)

# Described here and read by `parse_tokens`, whose answer is a problem of its own.
_Tokens = Annotated[
    str,
    WithJsonSchema(
        {"type": "string", "pattern": f"^{TOKEN}(,{TOKEN}){{0,4}}$", "example": "orders:order-1-01J:1"}
    ),
]
# Read by `_asked_wait_s`. A preference that is not understood is ignored, never an error (RFC 7240, section 2).
_Preference = Annotated[
    str,
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": "^wait=[0-9]{1,6}$"}, {"type": "string"}],
            "example": "wait=5",
        }
    ),
]
Hold = Callable[..., Awaitable[None]]


def holding(gate: TokenGate, *, max_wait_s: float) -> Hold:
    """A dependency that lets a query go on once every version of its tokens is visible."""

    async def hold(
        request: Request,
        consistency_token: Annotated[
            list[_Tokens] | None, Header(description="what a command answered; several are joined by commas")
        ] = None,
        _prefer: Annotated[
            _Preference | None,
            Header(alias="Prefer", description="`wait=N`: seconds to wait for the tokens"),
        ] = None,
    ) -> None:
        if not consistency_token:
            return
        wait_s = min(_asked_wait_s(request.headers.getlist("prefer")), max_wait_s)
        request.state.waited_s = wait_s
        try:
            passed = gate.passed(parse_tokens(",".join(consistency_token)), wait_s=wait_s)
            parent = request.scope.get("traceparent", "")
            with telemetry.begin("wait for token", parent=parent) if parent else nullcontext():
                await _while_connected(request, passed)
        except BadTokenError as error:
            errors = [{"header": "Consistency-Token", "detail": str(error)}]
            raise ProblemError(HTTPStatus.BAD_REQUEST, "bad-token", str(error), errors=errors) from error
        except NotYetVisibleError as error:
            raise unavailable("not-yet-visible", str(error)) from error
        except TooManyWaitersError as error:
            raise unavailable("too-many-waiters", str(error)) from error
        except DeadLetterError as error:
            raise _dead_letter(error) from error

    return hold


async def _while_connected(request: Request, passed: Coroutine[Any, Any, None]) -> None:
    """A client that leaves makes room for another: its query no longer waits."""
    waiting = asyncio.create_task(passed)
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        waiting.cancel()
        await asyncio.gather(waiting, leaving, return_exceptions=True)
    if waiting.cancelled():
        raise unavailable("client-left", "the client did not wait for the answer")
    waiting.result()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _asked_wait_s(prefer: list[str]) -> float:
    found = _WAIT.search(",".join(prefer))
    return float(found[1]) if found else 0.0


def _dead_letter(error: DeadLetterError) -> ProblemError:
    letter = error.letter
    where = {
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "error": letter.error,
    }
    return ProblemError(HTTPStatus.FAILED_DEPENDENCY, "parked", str(error), members={"dead_letter": where})
