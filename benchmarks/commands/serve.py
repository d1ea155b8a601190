"""One order instance with two more routes, which cost nothing of the database: what the HTTP layer alone can do.

`POST /nothing` is the empty route, as FastAPI has it; `POST /validated` takes an order as the service's own route does, parses
and checks it and does nothing with it. `--bare` leaves out
the relay and the consumers; `--no-outbox` (with it) also does not write the outbox's rows.
"""

import argparse
import asyncio
import sys
from unittest import mock

import uvloop
from fastapi import FastAPI, Request, Response

from order_service import logs
from order_service.__main__ import SWITCH_S
from order_service.bootstrap import build
from order_service.entrypoints.http.bodies import PlaceOrderBody
from order_service.entrypoints.http.body_route import BodyRoute
from order_service.entrypoints.server import HttpServer, tune_collector
from order_service.service_layer.session import Session
from order_service.service_layer.unit_of_work import Changes
from order_service.settings import Settings


async def serve(*, bare: bool) -> None:
    settings = Settings()  # type: ignore[call-arg]  # the environment fills it
    async with build(settings) as service:
        _add_routes(service.app)
        tune_collector()
        tasks = [
            asyncio.create_task(run())
            for name, run in service.tasks().items()
            if name == "commits" or not bare
        ]
        front = asyncio.create_task(HttpServer(service.app, host=settings.host, port=settings.port).serve())
        await asyncio.wait([front, *tasks], return_when=asyncio.FIRST_COMPLETED)


def _add_routes(app: FastAPI) -> None:

    @app.post("/nothing", status_code=204)
    async def nothing() -> Response:
        return Response(status_code=204)

    async def validated(request: Request, body: PlaceOrderBody) -> Response:
        return Response(status_code=204 if request and body.lines else 422)

    app.router.add_api_route("/validated", validated, methods=["POST"], route_class_override=BodyRoute)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--no-outbox", action="store_true")
    options = parser.parse_args()
    logs.configure("WARNING")
    sys.setswitchinterval(SWITCH_S)
    changes = Session.changes

    def without_outbox(self: Session) -> Changes:
        self.publications.clear()
        return changes(self)

    with mock.patch.object(Session, "changes", without_outbox) if options.no_outbox else mock.MagicMock():
        uvloop.run(serve(bare=options.bare))


if __name__ == "__main__":
    main()
