"""uvicorn, without its own ideas about signals: who starts the server decides when it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

GRACE_S = 2


class Server(uvicorn.Server):
    """`serve` ends after `should_exit` is set, when the requests under way are answered or `GRACE_S` is over."""

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
