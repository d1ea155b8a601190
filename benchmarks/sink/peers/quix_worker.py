"""The application as a user of Quix Streams writes it. It runs in the peer's own environment, never in this project's."""

import argparse
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit


def row_of(envelope: dict[str, Any]) -> dict[str, Any]:
    """Take the row out of Connect's envelope."""
    row: dict[str, Any] = envelope["payload"]
    row["placed_at"] = datetime.fromtimestamp(row["placed_at"] / 1000, UTC)
    return row


def serve(options: argparse.Namespace) -> None:
    """Write the topic into the table until ended."""
    # Not there where this file is only checked, and not needed by the parent of several.
    from quixstreams import Application  # type: ignore[import-not-found]  # noqa: PLC0415
    from quixstreams.sinks.community.postgresql import (  # type: ignore[import-not-found]  # noqa: PLC0415
        PostgreSQLSink,
    )

    target = urlsplit(options.dsn)
    application = Application(
        broker_address=options.bootstrap,
        consumer_group=options.group,
        auto_offset_reset="earliest",
        commit_every=options.batch,
        commit_interval=1.0,
        consumer_extra_config={"session.timeout.ms": 10_000, "heartbeat.interval.ms": 3_000},
        auto_create_topics=False,
        max_partition_buffer_size=max(10_000, options.batch),
    )
    sink = PostgreSQLSink(
        host=target.hostname,
        port=target.port,
        dbname=target.path.lstrip("/"),
        user=target.username,
        password=unquote(target.password or ""),
        table_name="orders",
        schema_auto_update=False,
        include_metadata=False,
        primary_key_columns="order_id" if options.upsert else (),
        upsert_on_primary_key=options.upsert,
    )
    topic = application.topic(options.topic, value_deserializer="json", key_deserializer="bytes")
    application.dataframe(topic).apply(row_of).sink(sink)
    application.run()


def main() -> int:
    """Serve, or start as many that do; the first that ends ends the rest with it."""
    parser = argparse.ArgumentParser()
    for name in ("topic", "bootstrap", "dsn", "group"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--upsert", action="store_true")
    options = parser.parse_args()
    if options.processes == 1:
        serve(options)
        return 0
    command = [sys.executable, *sys.argv, "--processes", "1"]
    members = [subprocess.Popen(command) for _ in range(options.processes)]
    try:
        return max(member.wait() for member in members)
    finally:
        for member in members:
            member.kill()


if __name__ == "__main__":
    sys.exit(main())
