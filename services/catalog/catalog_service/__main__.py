"""`catalog-service migrate` and `catalog-service serve`."""

import argparse
import asyncio
import logging
import sys

import structlog
import uvloop

from catalog_service import telemetry
from catalog_service.logs import configure_logs
from catalog_service.settings import MigrationSettings, Settings, checked_dsn

log = structlog.get_logger(__name__)


def main() -> None:
    """Exit code 0 after a clean end, 1 when a part of the service has died.

    A command's modules are loaded when it is asked for: `migrate` needs half of what `serve` does.
    """
    parser = argparse.ArgumentParser(prog="catalog-service", description="The query side of the system.")
    parser.add_argument(
        "command", choices=["migrate", "serve"], help="bring the read schema up to date, or serve it"
    )
    match parser.parse_args().command:
        case "migrate":
            _migrate(MigrationSettings())  # type: ignore[call-arg]  # the environment gives them
        case "serve":
            _serve(Settings())  # type: ignore[call-arg]


def _migrate(settings: MigrationSettings) -> None:
    from catalog_service.read_model import migrations  # noqa: PLC0415 - see `main`
    from catalog_service.read_model.migrate import upgrade  # noqa: PLC0415 - see `main`

    configure_logs(settings.log_level)
    dsn, schema = checked_dsn(settings.migration_database_url), settings.migration_schema
    asyncio.run(upgrade(dsn, schema=schema))
    log.info("catalog.migrated", schema=schema, revision=migrations.head())


def _serve(settings: Settings) -> None:
    from catalog_service.serving import serve  # noqa: PLC0415 - see `main`

    configure_logs(settings.log_level)
    # aiokafka tells every reconnect twice a second while a broker is away; the topic reader reports the outage once itself.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        telemetry.start("catalog-service")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except RuntimeError:
        log.exception("catalog.died")
        sys.exit(1)


if __name__ == "__main__":
    main()
