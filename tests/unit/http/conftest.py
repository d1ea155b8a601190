"""The three services' applications, as they are built, without Kafka or PostgreSQL behind them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr

from catalog_service import telemetry as catalog_telemetry
from catalog_service.bootstrap import running
from catalog_service.http import protocol as catalog_protocol
from catalog_service.http.problems import document as catalog_document
from catalog_service.settings import Settings as CatalogSettings
from order_service import telemetry as order_telemetry
from order_service.entrypoints.http import protocol as order_protocol
from order_service.entrypoints.http.problems import document as order_document
from sink_connector.cluster.cluster import Cluster
from sink_connector.config.worker import WorkerConfig
from sink_connector.rest import protocol as sink_protocol
from sink_connector.rest.app import make_app
from sink_connector.rest.errors import document as sink_document
from tests.support.order_api import order_api
from tests.support.sink_rest import rest_context_of
from tests.support.token_issuer import Issuer

CONFIG = WorkerConfig(advertised="sink-1.internal:8083")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """An application; `read` is a GET that needs nothing else, `command` a request that would change something.

    `requests` is the metric that counts its answers by status; `telemetry` the service's module, where it traces requests;
    `protocol` what it speaks on a socket.
    """

    app: FastAPI
    own_name: str
    read: str
    command: tuple[str, str]
    error: Callable[[httpx.Response], tuple[str, int]]
    requests: str
    protocol: type[asyncio.Protocol]
    telemetry: ModuleType | None = None

    def client(self, base_url: str = "http://127.0.0.1:8000") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=("10.0.0.9", 5))
        return httpx.AsyncClient(transport=transport, base_url=base_url)


def problem(answer: httpx.Response) -> tuple[str, int]:
    """Media type and the status that the body names."""
    return answer.headers["content-type"], answer.json()["status"]


def connect_error(answer: httpx.Response) -> tuple[str, int]:
    return answer.headers["content-type"], answer.json()["error_code"]


def _protocol(module: Any, document: Callable[[int, str, str], tuple[str, bytes]]) -> type[asyncio.Protocol]:
    found: type[asyncio.Protocol] = module.http_protocol(module.Limits(), document=document, headers={})
    return found


@contextlib.asynccontextmanager
async def _order(directory: Path, hosts: str) -> AsyncIterator[Served]:
    async with order_api(directory, allowed_hosts=hosts) as api:
        yield Served(
            app=api.service.app,
            own_name="order-1",
            read="/orders?user_id=ada",
            command=("POST", "/orders/order-1-01JD9Z6Q4W8C3N5T7V9X2B4D6F/cancel"),
            error=problem,
            requests="order_http_request_seconds_count",
            protocol=_protocol(order_protocol, order_document),
            telemetry=order_telemetry,
        )


@contextlib.asynccontextmanager
async def _catalog(_: Path, hosts: str) -> AsyncIterator[Served]:
    settings = CatalogSettings(
        database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"),
        kafka_bootstrap="127.0.0.1:1",
        order_services={"order-1": "http://127.0.0.1:1"},
        allowed_hosts=hosts,
    )
    async with running(settings) as service:
        yield Served(
            app=service.app,
            own_name="localhost",
            read="/health/live",
            command=("POST", "/instances/order-1/orders/o-1/cancel"),
            error=problem,
            requests="catalog_http_request_seconds_count",
            protocol=_protocol(catalog_protocol, catalog_document),
            telemetry=catalog_telemetry,
        )


@contextlib.asynccontextmanager
async def _sink(_: Path, hosts: str) -> AsyncIterator[Served]:
    # Alone it is its own leader, so it answers commands itself.
    context = rest_context_of(Cluster.local(CONFIG, set_level=lambda *_: None), CONFIG)
    yield Served(
        app=make_app(context, hosts=replace(CONFIG, allowed_hosts=frozenset(hosts.split(","))).hosts),
        own_name="sink-1.internal",
        read="/connectors",
        command=("DELETE", "/connectors/none/offsets"),
        error=connect_error,
        requests="sink_http_requests_total",
        protocol=_protocol(sink_protocol, sink_document),
    )


Make = Callable[..., contextlib.AbstractAsyncContextManager[Served]]
MakeServed = Callable[..., Awaitable[Served]]
SERVICES: dict[str, Make] = {"order": _order, "catalog": _catalog, "sink": _sink}


@pytest_asyncio.fixture(params=SERVICES.values(), ids=list(SERVICES), scope="module", loop_scope="module")
async def make_served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[MakeServed]:
    """Give the application with these allowed hosts, built once for a module: no request of its tests changes it."""
    built: dict[str, Served] = {}
    async with contextlib.AsyncExitStack() as stack:

        async def served(hosts: str = "") -> Served:
            if hosts not in built:
                making = request.param(tmp_path_factory.mktemp("served"), hosts)
                built[hosts] = await stack.enter_async_context(making)
            return built[hosts]

        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(make_served: MakeServed) -> Served:
    """The application as it comes."""
    return await make_served()


@pytest.fixture
def issuer() -> Issuer:
    """One that answers, with one key."""
    return Issuer()
