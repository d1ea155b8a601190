"""Grafana's dashboards, made of the lists below: `python infra/observability/dashboards.py` writes them anew.

A dashboard is a grid of time series, three in a row. A panel is a title, a unit, and queries with their legends.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / "grafana" / "dashboards"
WIDTH, HEIGHT, COLUMNS = 8, 8, 3
SECONDS, BYTES, COUNT, PER_SECOND = "s", "bytes", "short", "ops"


class Panel(NamedTuple):
    """A time series; `queries` are pairs of PromQL and legend."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]


def quantiles(histogram: str, by: str = "") -> tuple[tuple[str, str], ...]:
    """The median and the 99th percentile of a histogram, in one line each or per label."""
    labels = f"{by}, le" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    return tuple(
        (
            f"histogram_quantile({q}, sum by ({labels}) (rate({histogram}_bucket[1m])))",
            f"{legend}p{q * 100:g}",
        )
        for q in (0.5, 0.99)
    )


def rate(counter: str, by: str) -> tuple[tuple[str, str], ...]:
    """How often per second, per label."""
    return ((f"sum by ({by}) (rate({counter}[1m]))", f"{{{{{by}}}}}"),)


def value(gauge: str, by: str) -> tuple[tuple[str, str], ...]:
    """What it is, per label, the largest of several."""
    return ((f"max by ({by}) ({gauge})", f"{{{{{by}}}}}"),)


CERTIFICATES = "|".join(
    f"{part}_certificate_expiry_timestamp_seconds" for part in ("order", "catalog", "sink")
)
EXPIRY = (
    f'min by (instance, setting) ({{__name__=~"{CERTIFICATES}"}}) - time()',
    "{{instance}} {{setting}}",
)
"""Without TLS there is no certificate, and nothing to show."""


DASHBOARDS: dict[str, tuple[Panel, ...]] = {
    "Overview": (
        Panel("Age of the read model, at most", SECONDS, (("max(catalog_sync_lag_seconds)", "lag"),)),
        Panel("From commit to visible", SECONDS, quantiles("catalog_leg_seconds", "leg")),
        Panel(
            "Changes that became visible",
            PER_SECOND,
            (('sum(rate(catalog_leg_seconds_count{leg="total"}[1m]))', "changes"),),
        ),
        Panel(
            "Commands and queries answered",
            PER_SECOND,
            (
                ("sum(rate(order_http_requests_total[1m]))", "order"),
                ("sum(rate(catalog_http_request_seconds_count[1m]))", "catalog"),
            ),
        ),
        Panel(
            "Answers that are errors of a part",
            PER_SECOND,
            (
                ('sum(rate(order_http_requests_total{status=~"5.."}[1m])) or vector(0)', "order"),
                ('sum(rate(catalog_http_request_seconds_count{status=~"5.."}[1m])) or vector(0)', "catalog"),
                ('sum(rate(sink_http_requests_total{status=~"5.."}[1m])) or vector(0)', "sink"),
            ),
        ),
        Panel("Parts that are well", COUNT, value("catalog_part_up", "part")),
        Panel(
            "Age of the oldest record in an outbox", SECONDS, value("order_outbox_oldest_seconds", "instance")
        ),
        Panel("The sink behind Kafka", SECONDS, value("sink_lag_seconds", "connector")),
        Panel(
            "Dead letters",
            COUNT,
            (
                ("max(catalog_dead_letters)", "read side"),
                ("sum(order_dead_letters_total) or vector(0)", "order side"),
            ),
        ),
        Panel(
            "The last audit",
            COUNT,
            (("sum(audit_violations)", "violations"), ("min(audit_complete)", "could read every side")),
        ),
        Panel(
            "Time since the last audit", SECONDS, (("time() - max(audit_ended_timestamp_seconds)", "age"),)
        ),
        Panel("Time until a certificate expires", SECONDS, (EXPIRY,)),
    ),
    "Order service": (
        Panel("Requests by route", PER_SECOND, rate("order_http_requests_total", "route")),
        Panel("Time of a request", SECONDS, quantiles("order_http_request_seconds", "route")),
        Panel("Answers by status", PER_SECOND, rate("order_http_requests_total", "status")),
        Panel("Commands under way", COUNT, value("order_commands_under_way", "instance")),
        Panel("Use cases that wait for a commit", COUNT, value("order_commits_waiting", "instance")),
        Panel("Time of a commit", SECONDS, quantiles("order_commit_seconds")),
        Panel("Use cases that share a commit", COUNT, quantiles("order_commit_use_cases")),
        Panel("Statements on SQLite", PER_SECOND, rate("order_sqlite_statements_total", "instance")),
        Panel("Outbox: records not in Kafka", COUNT, value("order_outbox_pending", "instance")),
        Panel("Outbox: age of the oldest", SECONDS, value("order_outbox_oldest_seconds", "instance")),
        Panel(
            "Outbox: held back, set aside",
            COUNT,
            (
                ("max(order_outbox_held_back)", "held back"),
                ("sum(order_outbox_set_aside) or vector(0)", "set aside"),
            ),
        ),
        Panel("Messages applied", PER_SECOND, rate("order_records_taken_in_total", "topic")),
        Panel(
            "Dead letters, use cases refused",
            COUNT,
            (
                ("sum(order_dead_letters_total) or vector(0)", "dead letters"),
                ("sum(order_commit_refused_total)", "refused"),
            ),
        ),
    ),
    "Sink": (
        Panel("Records", PER_SECOND, rate("sink_records_total", "connector")),
        Panel("Rows", PER_SECOND, rate("sink_rows_total", "connector")),
        Panel("Bytes", BYTES, rate("sink_bytes_total", "connector")),
        Panel("Records behind", COUNT, (("sum by (connector) (sink_lag_records)", "{{connector}}"),)),
        Panel("Time behind", SECONDS, value("sink_lag_seconds", "connector")),
        Panel("Time to write a batch", SECONDS, quantiles("sink_stage_seconds", "connector")),
        Panel("Buffer: records", COUNT, value("sink_buffer_records", "connector")),
        Panel("Buffer: bytes", BYTES, value("sink_buffer_bytes", "connector")),
        Panel(
            "Records per batch",
            COUNT,
            (
                (
                    "sum by (connector) (rate(sink_records_total[1m])) / sum by (connector) (rate(sink_batches_total[1m]))",
                    "{{connector}}",
                ),
            ),
        ),
        Panel(
            "Tried again, isolated, halved",
            PER_SECOND,
            (
                ("sum(rate(sink_retries_total[1m]))", "retries"),
                ("sum(rate(sink_isolations_total[1m]))", "isolations"),
                ("sum(rate(sink_halvings_total[1m]))", "halvings"),
            ),
        ),
        Panel(
            "Dead letters",
            COUNT,
            (
                (
                    "sum by (connector, stage) (sink_dead_letters_total) or vector(0)",
                    "{{connector}} {{stage}}",
                ),
                ("sum(sink_dead_letters_not_sent_total) or vector(0)", "not sent to the topic"),
            ),
        ),
        Panel(
            "Rebalances, fenced batches",
            COUNT,
            (("sum(sink_rebalances_total)", "rebalances"), ("sum(sink_fenced_total)", "fenced")),
        ),
    ),
    "Read side": (
        Panel("Queries by route", PER_SECOND, rate("catalog_http_request_seconds_count", "route")),
        Panel("Time to the first byte", SECONDS, quantiles("catalog_http_request_seconds", "route")),
        Panel("Answers by status", PER_SECOND, rate("catalog_http_request_seconds_count", "status")),
        Panel("Queries that wait for a token", COUNT, (("sum(catalog_waiters)", "waiting"),)),
        Panel("Open streams", COUNT, (("sum(catalog_streams)", "streams"),)),
        Panel("Age of the read model, at most", SECONDS, (("max(catalog_sync_lag_seconds)", "lag"),)),
        Panel(
            "Age of the oldest dead letter", SECONDS, (("max(catalog_oldest_dead_letter_seconds)", "oldest"),)
        ),
        Panel(
            "Records that could not be read",
            COUNT,
            (
                (
                    "sum by (topic, reason) (catalog_unreadable_records_total) or vector(0)",
                    "{{topic}} {{reason}}",
                ),
            ),
        ),
    ),
    "Kafka": (
        Panel("Records acknowledged", PER_SECOND, rate("order_outbox_published_total", "instance")),
        Panel(
            "Producers replaced", COUNT, (("sum by (instance) (order_relay_restarts_total)", "{{instance}}"),)
        ),
        Panel(
            "Records refused for now",
            COUNT,
            (("sum by (topic) (order_outbox_set_aside) or vector(0)", "{{topic}}"),),
        ),
        Panel(
            "From commit to the producer, and to a consumer",
            SECONDS,
            (
                (
                    'histogram_quantile(0.95, sum by (leg, le) (rate(catalog_leg_seconds_bucket{leg=~"relay|kafka"}[1m])))',
                    "{{leg}} p95",
                ),
            ),
        ),
        Panel("Records behind, by topic", COUNT, (("sum by (topic) (sink_lag_records)", "{{topic}}"),)),
        Panel("Inboxes: messages applied", PER_SECOND, rate("order_records_taken_in_total", "topic")),
        Panel(
            "Assignments of the sink's groups",
            COUNT,
            (("sum by (connector) (sink_rebalances_total)", "{{connector}}"),),
        ),
        Panel(
            "Entries of the workers' topics that mean nothing",
            COUNT,
            (("sum by (topic) (sink_log_entries_skipped_total) or vector(0)", "{{topic}}"),),
        ),
    ),
}


def dashboard(title: str) -> dict[str, Any]:
    """One dashboard as Grafana imports it; its data source is the one called `prometheus`."""
    return {
        "uid": f"cqrs-sync-{_slug(title)}",
        "title": f"CQRS sync: {title}",
        "tags": ["cqrs-sync"],
        "schemaVersion": 39,
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "links": [{"type": "dashboards", "tags": ["cqrs-sync"], "asDropdown": False, "title": "all"}],
        "panels": [_panel(number, panel) for number, panel in enumerate(DASHBOARDS[title])],
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "prometheus"}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": source,
        "gridPos": {
            "x": number % COLUMNS * WIDTH,
            "y": number // COLUMNS * HEIGHT,
            "w": WIDTH,
            "h": HEIGHT,
        },
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": source,
                "expr": query,
                "legendFormat": legend,
                "exemplar": "_bucket" in query,
            }
            for index, (query, legend) in enumerate(panel.queries)
        ],
    }


def _slug(title: str) -> str:
    return title.lower().replace(" ", "-")


def files() -> dict[Path, str]:
    """What is to be in the folder."""
    return {
        FOLDER / f"{_slug(title)}.json": json.dumps(dashboard(title), indent=1) + "\n" for title in DASHBOARDS
    }


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
