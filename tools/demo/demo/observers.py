"""`./demo up --observe`: a trace store, and a Prometheus where there is one, as parts of the stack."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx

from demo.environment import base_environment
from demo.home import REPOSITORY, Home
from demo.probes import serves
from demo.security import StackSecurity
from demo.supervisor.graph import Part, Service
from devservers import zipkin
from devservers.certificates import LIFE
from devservers.ports import HOST, Ports
from devservers.private_files import private_directory, write_private

NO_ACCESS: Mapping[str, dict[str, object]] = MappingProxyType({})
RULES = REPOSITORY / "infra" / "observability" / "rules.yml"
SCRAPE_S = 5
NO_PROMETHEUS = (
    "Prometheus is not installed here, so there are traces and no graphs: Debian has it as `apt-get install prometheus`; "
    "the containers bring it with Grafana (infra/docker/observe.yml)"
)


def prometheus_program() -> str | None:
    """The machine's Prometheus; no package registry that the demo installs from has it."""
    return shutil.which("prometheus")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observers:
    """Of a stack with these `ports`."""

    home: Home
    ports: Ports
    security: StackSecurity | None = None

    @property
    def zipkin_url(self) -> str:
        """Base URL of the trace store."""
        return f"http://{HOST}:{self.ports.zipkin}"

    @property
    def prometheus_url(self) -> str:
        """Base URL of Prometheus."""
        return f"http://{HOST}:{self.ports.prometheus}"

    @property
    def trace_url(self) -> str:
        """Where the trace store shows a trace, with `{trace_id}` in place of its id."""
        return f"{self.zipkin_url}/zipkin/traces/{{trace_id}}"

    @property
    def audit_file(self) -> Path:
        """Where `./demo audit` leaves its result."""
        return self.home.data / "audit.prom"

    def environment(self, part: str) -> dict[str, str]:
        """What makes a part send its spans to the trace store, and the catalog lead there."""
        return ({"CATALOG_TRACE_URL": self.trace_url} if part == "catalog" else {}) | {
            "OTEL_SERVICE_NAME": part,
            "OTEL_TRACES_EXPORTER": "zipkin",
            "OTEL_EXPORTER_ZIPKIN_ENDPOINT": f"{self.zipkin_url}/api/v2/spans",
            "OTEL_BSP_SCHEDULE_DELAY": "500",  # milliseconds: who looks at once should see something
        }

    def parts(self, targets: dict[str, str], http: httpx.AsyncClient) -> list[Part]:
        """Services that watch `targets`: the base URL of every part that has metrics."""
        parts: list[Part] = [
            Service(
                name="zipkin",
                command=zipkin.run_command(zipkin.resolve(), port=self.ports.zipkin),
                ready=serves(http, f"{self.zipkin_url}/health"),
                env=base_environment(),
                url=self.zipkin_url,
            )
        ]
        if program := prometheus_program():
            data = private_directory(self.home.data / "prometheus")
            config = data / "prometheus.yml"
            watched = targets | {"audit": f"http://{HOST}:{self.ports.audit}"}
            asked = prometheus_config(watched, access=self._access(data))
            write_private(config, json.dumps(asked))  # JSON is YAML
            parts.append(
                Service(
                    name="prometheus",
                    command=(
                        program,
                        f"--config.file={config}",
                        f"--storage.tsdb.path={data / 'tsdb'}",
                        "--storage.tsdb.retention.time=1d",
                        "--enable-feature=exemplar-storage",
                        f"--web.listen-address={HOST}:{self.ports.prometheus}",
                        "--log.level=warn",
                    ),
                    ready=serves(http, f"{self.prometheus_url}/-/ready"),
                    env=base_environment(),
                    url=self.prometheus_url,
                )
            )
        return parts

    def _access(self, directory: Path) -> dict[str, dict[str, object]]:
        """How Prometheus is let in by a secure stack's parts, by job: as one of the staff, and as the sink's operator."""
        if self.security is None:
            return {}
        token = directory / "token"
        write_private(token, self.security.token("staff", life_s=round(LIFE.total_seconds())))
        trusted: dict[str, object] = {"tls_config": {"ca_file": str(self.security.authority.certificate)}}
        staff = trusted | {"authorization": {"credentials_file": str(token)}}
        user, password = self.security.sink_login
        operator = trusted | {"basic_auth": {"username": user, "password": password}}
        return {"order": staff, "catalog": staff, "sink": operator}


def prometheus_config(
    targets: dict[str, str], *, rules: Path = RULES, access: Mapping[str, dict[str, object]] = NO_ACCESS
) -> dict[str, object]:
    """Every part by its name: `instance` is order-1, `job` is order. `access` is what a job needs to be let in."""
    jobs: dict[str, list[dict[str, object]]] = {}
    schemes: dict[str, str] = {}
    for part, url in targets.items():
        job = part.rstrip("0123456789").rstrip("-")
        schemes[job], _, address = url.partition("://")
        jobs.setdefault(job, []).append({"targets": [address], "labels": {"instance": part}})
    return {
        "global": {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": "15s"},
        "rule_files": [str(rules)],
        "scrape_configs": [
            {"job_name": job, "scheme": schemes[job], "static_configs": found} | access.get(job, {})
            for job, found in jobs.items()
        ],
    }
