"""With an issuer both services describe that they ask for a token, wherever they do, and answer as described."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from pydantic import SecretStr

from catalog_service.bootstrap import running
from catalog_service.settings import Settings
from tests.support.order_api import order_api
from tests.support.reference import described

PROBLEM = "application/problem+json"
ISSUER = "https://issuer.example"
OPEN = {"/health/live", "/health/ready"}


@pytest.fixture(params=["order", "catalog"])
async def service(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A service that asks for tokens; nothing that it needs is reached."""
    if request.param == "order":
        async with order_api(tmp_path, auth_issuer=ISSUER) as api:
            yield api.http
        return
    settings = Settings(
        database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"),
        kafka_bootstrap="127.0.0.1:1",
        auth_issuer=ISSUER,
    )
    async with running(settings) as catalog:
        transport = httpx.ASGITransport(catalog.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            yield http


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


async def document_of(service: httpx.AsyncClient) -> dict[str, Any]:
    """What it describes; over HTTP that needs a token as well."""
    app = service._transport.app  # type: ignore[attr-defined]  # noqa: SLF001 - the application behind the client
    document: dict[str, Any] = app.openapi()
    return document


async def test_every_operation_but_the_probes_names_its_token_and_its_refusals(
    service: httpx.AsyncClient,
) -> None:
    document = await document_of(service)
    scheme = document["components"]["securitySchemes"]["token"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
    assert ISSUER in scheme["description"]
    seen = set()
    for method, path, operation in operations(document):
        seen.add(path)
        if path in OPEN:
            assert "security" not in operation, path
            continue
        assert operation["security"] == [{"token": []}], (method, path)
        for status in ("401", "403", "503"):
            content = operation["responses"][status]["content"]
            assert list(content) == [PROBLEM], (method, path, status)
            name = content[PROBLEM]["schema"]["$ref"].rpartition("/")[2]
            assert name in document["components"]["schemas"], (method, path, status)
    assert seen > OPEN


async def test_who_sends_no_token_is_answered_as_described(service: httpx.AsyncClient) -> None:
    document = await document_of(service)
    for method, path, operation in operations(document):
        if path in OPEN:
            continue
        answer = await service.request(method, path.replace("{", "").replace("}", ""))
        assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM), (method, path)
        assert answer.headers["www-authenticate"] == "Bearer"
        schema = operation["responses"]["401"]["content"][PROBLEM]["schema"]
        jsonschema.validate(answer.json(), {**schema, "components": document["components"]})
        assert answer.json()["type"] == "/problems/unauthorized"
        assert "site" not in answer.json()["title"], "what a foreign origin is told"


async def test_without_an_issuer_nothing_is_said_of_tokens(tmp_path: Path) -> None:
    for title, document in (await described(tmp_path)).items():
        assert "securitySchemes" not in document["components"], title
        assert not any("security" in operation for _, _, operation in operations(document)), title
        assert not any("401" in operation["responses"] for _, _, operation in operations(document)), title
