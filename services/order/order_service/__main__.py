"""`order-service migrate`, `serve` and `republish`; settings come from the environment."""

import argparse
import asyncio
import sys
from collections.abc import Collection, Coroutine
from typing import Any

import structlog

from order_service import telemetry
from order_service.logs import configure_logs
from order_service.settings import Settings

log = structlog.get_logger()

# SQLite runs in a thread. Each of its answers has to win the interpreter lock from the event loop, which under load
# gives it up only when the switch interval is over; with Python's default of 5 ms a transaction of five statements
# would wait 25 ms for nothing.
SWITCH_S = 0.0005


def main() -> None:
    """Exit code 0 after a graceful end, 1 when something the service needs has failed.

    A command's modules are loaded when it is asked for: `migrate` needs half of what `serve` does.
    """
    parser = argparse.ArgumentParser(prog="order-service", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the database to the newest schema")
    commands.add_parser("serve", help="serve until SIGTERM")
    again = commands.add_parser("republish", help="send the event log to Kafka again, from its beginning")
    again.add_argument(
        "topics", nargs="*", metavar="TOPIC", help="only these, for example orders (default: all)"
    )
    arguments = parser.parse_args()
    settings = Settings()  # type: ignore[call-arg]  # the environment fills it
    configure_logs(settings.log_level)
    sys.setswitchinterval(SWITCH_S)
    try:
        telemetry.start("order-service", instance=settings.instance)
        match arguments.command:
            case "migrate":
                _migrate(settings)
            case "republish":
                _republish(settings, topics=arguments.topics)
            case "serve":
                _serve(settings)
    except Exception:
        log.exception("service.failed", command=arguments.command)
        sys.exit(1)


def _migrate(settings: Settings) -> None:
    from order_service.adapters import migrations, schema  # noqa: PLC0415 - only this command needs Alembic

    _run(schema.migrate(settings.database_url))
    log.info("database.migrated", revision=migrations.head())


def _republish(settings: Settings, *, topics: Collection[str]) -> None:
    from order_service.bootstrap import republish_log  # noqa: PLC0415 - see `main`

    done = _run(republish_log(settings, topics=topics))
    log.info("republish.finished", published=done.published, unreadable=done.unreadable)
    if done.unreadable:
        sys.exit(1)


def _serve(settings: Settings) -> None:
    from order_service.bootstrap import build  # noqa: PLC0415 - see `main`
    from order_service.entrypoints import server  # noqa: PLC0415 - only this command needs the server
    from order_service.entrypoints.http.protocol import Limits  # noqa: PLC0415 - see above

    limits = Limits(connections=settings.max_connections)
    if settings.other_instances and settings.shared_secret is None:
        log.warning("peer_secret.missing", effect="no instance can ask another for a name")

    async def serve() -> None:
        async with build(settings) as service:
            await server.serve(
                service, host=settings.host, port=settings.port, limits=limits, tls=settings.server_tls()
            )

    _run(serve())


def _run(main_task: Coroutine[Any, Any, Any]) -> Any:
    if sys.platform == "win32":
        return asyncio.run(main_task)
    import uvloop  # noqa: PLC0415 - not made for Windows

    return uvloop.run(main_task)


if __name__ == "__main__":
    main()
