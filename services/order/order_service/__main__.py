"""`order-service migrate` and `order-service serve`; settings come from the environment."""

from __future__ import annotations

import argparse
import asyncio
import sys

import structlog

from order_service import logs, server
from order_service.settings import Settings
from order_service.storage import schema

log = structlog.get_logger()


def main() -> None:
    """Exit code 0 after a graceful end, 1 when something the service needs has failed."""
    parser = argparse.ArgumentParser(prog="order-service", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the database to the newest schema")
    commands.add_parser("serve", help="serve until SIGTERM")
    command: str = parser.parse_args().command
    settings = Settings()  # type: ignore[call-arg]  # the environment fills it
    logs.configure(settings.log_level)
    try:
        if command == "migrate":
            asyncio.run(schema.migrate(settings.database_url))
            log.info("database.migrated", revision=schema.head())
        else:
            _run(settings)
    except Exception:
        log.exception("service.failed", command=command)
        sys.exit(1)


def _run(settings: Settings) -> None:
    if sys.platform == "win32":
        asyncio.run(server.serve(settings))
        return
    import uvloop  # noqa: PLC0415 - not made for Windows

    uvloop.run(server.serve(settings))


if __name__ == "__main__":
    main()
