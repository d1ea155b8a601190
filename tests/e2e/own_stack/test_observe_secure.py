"""`./demo up --observe --secure`: Prometheus is let in everywhere and knows when certificates expire; orders are traced."""

import asyncio
import json
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from demo.observers import prometheus_program
from devservers.certificates import LIFE, Authority
from devservers.ports import HOST
from tests.e2e.own_stack.conftest import observed_stack
from tests.support.runbook import Alerts, Paragraph
from tests.support.stack import REPOSITORY, RunningStack
from tests.support.waiting import wait_until

PARTS = {"order-1", "order-2", "order-3", "catalog", "sink"}
ENDDATE = "openssl x509 -enddate -noout -in FILE"
WEEK_S, MONTH_S, YEAR_S = 7 * 86_400, 30 * 86_400, 365 * 86_400


@pytest.fixture(scope="module")
def watched(session_directory: Path) -> Iterator[RunningStack]:
    with observed_stack(session_directory / "watched", "--secure") as stack:
        yield stack


async def query(http: httpx.AsyncClient, stack: RunningStack, expression: str) -> list[dict[str, Any]]:
    url = stack.addresses["parts"]["prometheus"]["url"]
    answer = await http.get(f"{url}/api/v1/query", params={"query": expression})
    result: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
    return result


@pytest.mark.slow
@pytest.mark.skipif(prometheus_program() is None, reason="Prometheus is not installed")
async def test_prometheus_is_let_in_by_every_part(watched: RunningStack, http: httpx.AsyncClient) -> None:
    async def away() -> set[str]:
        found = {each["metric"]["instance"]: each["value"][1] for each in await query(http, watched, "up")}
        return {part for part in (*PARTS, "audit") if found.get(part) != "1"}

    async def all_up() -> bool:
        return not await away()

    await wait_until(all_up, timeout_s=120, what="every part is up for Prometheus")


@pytest.mark.slow
@pytest.mark.skipif(prometheus_program() is None, reason="Prometheus is not installed")
async def test_every_part_tells_until_when_its_certificates_hold(
    watched: RunningStack, http: httpx.AsyncClient
) -> None:
    dashboard = json.loads((REPOSITORY / "infra/observability/grafana/dashboards/overview.json").read_text())
    (expression,) = [
        target["expr"]
        for panel in dashboard["panels"]
        for target in panel["targets"]
        if "certificate" in target["expr"]
    ]

    async def left() -> dict[tuple[str, str], float]:
        result = await query(http, watched, expression)
        found = {(e["metric"]["instance"], e["metric"]["setting"]): float(e["value"][1]) for e in result}
        return found if {part for part, _ in found} == PARTS else {}

    for (part, setting), seconds in (await wait_until(left, timeout_s=120, what="every part tells")).items():
        is_own = setting.endswith(("certfile", "keystore.location"))
        shortest, longest = (MONTH_S - WEEK_S, MONTH_S) if is_own else (YEAR_S - WEEK_S, YEAR_S)
        assert shortest < seconds <= longest, (part, setting)


@pytest.mark.slow
@pytest.mark.skipif(prometheus_program() is None, reason="Prometheus is not installed")
async def test_certificate_expiring(watched: RunningStack, http: httpx.AsyncClient) -> None:
    """The runbook's paragraph, followed as the others are in test_runbooks."""
    paragraph = Paragraph(watched, "CertificateExpiring")
    alerts = await Alerts.sooner(watched, http)
    file = Path(watched.process("order-3").environ()["ORDER_TLS_CERTFILE"])
    renew(file, life=timedelta(days=3))
    await alerts.fires("CertificateExpiring", instance="order-3", setting="tls_certfile")
    paragraph.says(f"`{ENDDATE}`")
    end = said_by_openssl(file)
    assert timedelta(days=2) < end - datetime.now(UTC) < timedelta(days=4)
    paragraph.says("a part takes up its own by itself")
    renew(file, life=LIFE)
    await alerts.ends("CertificateExpiring")
    address = (HOST, watched.ports.order(3))

    async def presents_it() -> bool:
        presented = await asyncio.to_thread(ssl.get_server_certificate, address)
        return ssl.PEM_cert_to_DER_cert(presented) == certificate_in(file)

    await wait_until(presents_it, what="order-3 presents the new certificate")


def renew(file: Path, *, life: timedelta) -> None:
    """Another certificate of the stack's authority in the place of one that lasts, in one step."""
    new = Authority(file.parent).issue(file.stem, life=life, file=file.with_suffix(".new"))
    new.replace(file)


def said_by_openssl(file: Path) -> datetime:
    """The end of the first certificate in the file."""
    words = ENDDATE.replace("FILE", str(file)).split()
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    return datetime.strptime(told, "notAfter=%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)


def certificate_in(file: Path) -> bytes:
    return x509.load_pem_x509_certificates(file.read_bytes())[0].public_bytes(Encoding.DER)


@pytest.mark.slow
async def test_an_order_of_a_secure_stack_is_traced(watched: RunningStack) -> None:
    order = {"user_id": "ada", "lines": [{"product_id": "green-tea", "quantity": 1}]}
    async with httpx.AsyncClient(timeout=60, **watched.access) as staff:
        placed = await staff.post(f"{watched.catalog}/instances/order-2/orders", json=order)
        trace = placed.raise_for_status().headers["trace-url"].rpartition("/")[2]
    store = watched.addresses["parts"]["zipkin"]["url"]
    async with httpx.AsyncClient(timeout=60) as http:

        async def services() -> bool:
            answer = await http.get(f"{store}/api/v2/trace/{trace}")
            spans = answer.json() if answer.is_success else []
            return {"catalog", "order-2", "sink"} <= {span["localEndpoint"]["serviceName"] for span in spans}

        await wait_until(services, timeout_s=60, what="the trace reaches the read side")
