"""What a worker process is told by its environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    bootstrap_servers: str = "127.0.0.1:9092"
    rest_host: str = "127.0.0.1"
    rest_port: int = 8083
    log_level: str = "INFO"


def read_worker(environment: Mapping[str, str] = os.environ) -> WorkerConfig:
    """`SINK_BOOTSTRAP_SERVERS`, `SINK_REST_HOST`, `SINK_REST_PORT`, `SINK_LOG_LEVEL`; each has a default."""
    default = WorkerConfig()
    return WorkerConfig(
        bootstrap_servers=environment.get("SINK_BOOTSTRAP_SERVERS", default.bootstrap_servers),
        rest_host=environment.get("SINK_REST_HOST", default.rest_host),
        rest_port=int(environment.get("SINK_REST_PORT", default.rest_port)),
        log_level=environment.get("SINK_LOG_LEVEL", default.log_level),
    )
