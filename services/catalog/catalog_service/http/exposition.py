"""GET /metrics: the format that its reader asks for, whatever else stands in its `Accept`."""

from fastapi import Response
from prometheus_client import CollectorRegistry
from prometheus_client import exposition as plain
from prometheus_client.openmetrics import exposition as openmetrics

OPENMETRICS = "application/openmetrics-text"


def metrics_response(registry: CollectorRegistry, accept: str) -> Response:
    """OpenMetrics, with exemplars, for who accepts it (Prometheus does); else Prometheus' text format.

    Versions are not compared (prometheus_client's `choose_encoder` fails on one that is no number): there is one of each.
    """
    accepted = {each.partition(";")[0].strip().lower() for each in accept.split(",")}
    if OPENMETRICS in accepted:
        content = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]
        return Response(content, media_type=openmetrics.CONTENT_TYPE_LATEST)
    return Response(plain.generate_latest(registry), media_type=plain.CONTENT_TYPE_PLAIN_0_0_4)
