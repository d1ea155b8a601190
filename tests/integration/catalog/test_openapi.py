"""The API is what its description says: thousands of made-up questions, and no answer outside of the schema."""

import asyncio
import json
import sys
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.support.read_side import BEGIN, ReadModel, a_product, an_order, serving

HERE = Path(__file__).parent


@pytest.mark.slow
async def test_schemathesis_finds_nothing(read_model: ReadModel, database: asyncpg.Connection) -> None:
    # Most tokens that are made up never become visible, and with `Prefer` each of them is waited for.
    settings = read_model.settings.model_copy(update={"max_wait": 0.02})
    await read_model.write("orders", *(an_order(number) for number in range(60)))
    await read_model.write("order_history", an_order(0))
    await read_model.write("products", a_product("tea"))
    await database.execute("INSERT INTO user_summary VALUES ('ada', 3, 2700, $1)", BEGIN)
    async with serving(settings) as queries:
        # A stream does not end, and schemathesis waits for the end of an answer: test_stream.py asks it.
        command: list[str | Path] = [
            *(Path(sys.executable).with_name("schemathesis"), "--config-file", HERE / "schemathesis.toml"),
            *("run", f"{queries.base_url}/openapi.json", "--exclude-path", "/stream"),
            *("--max-examples", "20", "--workers", "1", "--generation-database", "none", "--seed", "1"),
        ]
        found = await asyncio.create_subprocess_exec(
            *map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        told, _ = await asyncio.wait_for(found.communicate(), timeout=240)
        assert found.returncode == 0, told.decode()[-6000:]


async def test_every_route_describes_its_problems(queries: httpx.AsyncClient) -> None:
    described = (await queries.get("/openapi.json")).json()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                if status >= "4":
                    assert list(answer["content"]) == ["application/problem+json"], (method, path, status)


async def test_a_preference_is_described_as_what_it_is_not_as_a_token(queries: httpx.AsyncClient) -> None:
    described = (await queries.get("/openapi.json")).json()
    parameters = {each["name"].lower(): each for each in described["paths"]["/orders"]["get"]["parameters"]}
    assert '"^wait=[0-9]{1,6}$"' in json.dumps(parameters["prefer"]["schema"])
    assert "orders|products" in json.dumps(parameters["consistency-token"]["schema"])
    for preferred in ("wait=1", "respond-async, wait=1", 'wait="1"'):
        answer = await queries.get(
            "/orders", headers={"Prefer": preferred, "Consistency-Token": "orders:order-1-A:1"}
        )
        assert "within 1 s" in answer.json()["detail"], preferred
