"""One order instance without relay and consumers, and with an empty route: what the running one is compared with.

`POST /nothing` is an empty FastAPI route; `POST /orders` is the service's own and commits the order with its outbox rows.
"""

import asyncio
import sys

import uvloop
from fastapi import FastAPI, Response

from order_service.__main__ import SWITCH_S
from order_service.bootstrap import build
from order_service.entrypoints.server import HttpServer, tune_collector
from order_service.logs import configure_logs
from order_service.settings import Settings

COMMITS = "commits"
"""The one background task without which no order is answered."""


async def serve() -> None:
    """Serve until a task ends."""
    settings = Settings()  # type: ignore[call-arg]  # the environment fills it
    async with build(settings) as service:
        _add_empty_route(service.app)
        tune_collector()
        tasks = [
            asyncio.create_task(service.tasks()[COMMITS]()),
            asyncio.create_task(HttpServer(service.app, host=settings.host, port=settings.port).serve()),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


def _add_empty_route(app: FastAPI) -> None:
    @app.post("/nothing", status_code=204)
    async def nothing() -> Response:
        return Response(status_code=204)


def main() -> None:
    """Settings come from the environment, as the service's own."""
    configure_logs("WARNING")
    sys.setswitchinterval(SWITCH_S)
    uvloop.run(serve())


if __name__ == "__main__":
    main()
