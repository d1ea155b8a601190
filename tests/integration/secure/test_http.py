"""An order instance as a process: https, tokens of the development issuer, and the brokers' log-in, all by its settings."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from devservers.issuer import DevelopmentIssuer
from devservers.ports import free_ports
from devservers.process import ChildProcess, minimal_environment
from tests.integration.secure.conftest import SecureKafka
from tests.support.waiting import wait_until

BASKET = {"user_id": "ada", "lines": [{"product_id": "tea", "quantity": 1}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecureOrder:
    """The instance that runs at `url`, and who signs the tokens that it believes."""

    url: str
    issuer: DevelopmentIssuer
    kafka: SecureKafka
    log: Path

    def client(self, token: str | None) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(
            base_url=self.url, headers=headers, verify=self.kafka.authority.client_context(), timeout=20
        )

    def token(self, user: str, *roles: str) -> str:
        return self.issuer.token(user, audience="shop", roles=roles)


@pytest.fixture
async def order(secure_kafka: SecureKafka, tmp_path: Path) -> AsyncIterator[SecureOrder]:
    authority = secure_kafka.authority
    issuer_port, port = free_ports(2)
    issuer = DevelopmentIssuer(url=f"https://127.0.0.1:{issuer_port}", key_file=tmp_path / "issuer.jwk")
    issuer.make_key()
    password = tmp_path / "password"
    password.write_text(secure_kafka.security.passwords["order-1"])
    env = minimal_environment() | {
        "ORDER_INSTANCE": "order-1",
        "ORDER_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/orders.db",
        "ORDER_PORT": str(port),
        "ORDER_TLS_CERTFILE": str(authority.issue("order-1")),
        "ORDER_TLS_CAFILE": str(authority.certificate),
        "ORDER_AUTH_ISSUER": issuer.url,
        "ORDER_KAFKA_BOOTSTRAP": secure_kafka.bootstrap,
        "ORDER_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "ORDER_KAFKA_SASL_USERNAME": "order-1",
        "ORDER_KAFKA_SASL_PASSWORD_FILE": str(password),
        "ORDER_KAFKA_SSL_CAFILE": str(authority.certificate),
    }
    log = tmp_path / "log"
    script = str(Path(sys.executable).with_name("order-service"))
    words = ("--url", issuer.url, "--port", str(issuer_port), "--key", str(issuer.key_file))
    publishing = (
        sys.executable,
        "-m",
        "devservers.issuer",
        *words,
        "--certificate",
        str(authority.issue("issuer")),
    )
    assert await (await ChildProcess.start((script, "migrate"), log=log, env=env, cwd=tmp_path)).wait() == 0
    children = [
        await ChildProcess.start(command, log=log, env=env, cwd=tmp_path)
        for command in (publishing, (script, "serve"))
    ]
    running = SecureOrder(url=f"https://127.0.0.1:{port}", issuer=issuer, kafka=secure_kafka, log=log)
    try:
        async with running.client(None) as client:

            async def ready() -> bool:
                try:
                    return (await client.get("/health/ready")).is_success
                except httpx.TransportError:
                    return False

            await wait_until(ready, what="the instance is ready", timeout_s=120)
        yield running
    finally:
        await asyncio.gather(*(child.stop() for child in children))


async def test_a_token_decides_who_may_do_what(order: SecureOrder) -> None:
    async with (
        order.client(order.token("ada")) as ada,
        order.client(order.token("bob")) as bob,
        order.client(order.token("sam", "shop:staff")) as staff,
    ):
        tea = {"product_id": "tea", "name": "Tea", "unit_price_cents": 450, "stock": 10}
        assert (await ada.post("/products", json=tea)).status_code == 403
        assert (await staff.post("/products", json=tea)).status_code == 201
        placed = await ada.post("/orders", json=BASKET)
        assert placed.status_code == 201, placed.text
        path = f"/orders/{placed.json()['order_id']}"
        assert (await ada.get(path)).status_code == 200
        assert (await ada.get("/orders", params={"user_id": "ada"})).status_code == 200
        refused = [
            await bob.post("/orders", json=BASKET),
            await bob.get(path),
            await bob.get("/orders", params={"user_id": "ada"}),
            await bob.post(f"{path}/cancel"),
            await ada.post(f"{path}/ship"),
            await ada.post("/products/tea/restock", json={"quantity": 1}),
            await ada.post("/products/tea/price", json={"unit_price_cents": 1}),
            await ada.get("/metrics"),
        ]
        assert [each.status_code for each in refused] == [403] * len(refused)
        assert {each.headers["content-type"] for each in refused} == {"application/problem+json"}
        assert (await staff.post("/products/tea/restock", json={"quantity": 1})).status_code == 200
        assert (await ada.post(f"{path}/cancel")).status_code == 200


async def test_without_a_good_token_there_is_nothing(order: SecureOrder, tmp_path: Path) -> None:
    other = DevelopmentIssuer(url=order.issuer.url, key_file=tmp_path / "other.jwk")
    other.make_key()
    foreign = DevelopmentIssuer(url="https://else.example", key_file=order.issuer.key_file)
    for token in (
        None,
        other.token("ada", audience="shop"),
        foreign.token("ada", audience="shop"),
        order.issuer.token("ada", audience="else"),
        order.issuer.token("ada", audience="shop", life_s=-60),
    ):
        async with order.client(token) as client:
            for path in ("/orders?user_id=ada", "/products/tea", "/metrics", "/docs", "/openapi.json"):
                answer = await client.get(path)
                assert (answer.status_code, "www-authenticate" in answer.headers) == (401, True), path
    async with httpx.AsyncClient(timeout=20) as plain:
        with pytest.raises(httpx.TransportError):
            await plain.get(order.url.replace("https:", "http:"))


async def test_no_token_and_no_password_is_in_the_log(order: SecureOrder) -> None:
    token = order.token("ada")
    async with order.client(token) as client:
        await client.get("/orders", params={"user_id": "ada"})
        await client.get("/orders", headers={"authorization": f"Bearer {token}x"})
    log = order.log.read_text()
    assert log
    assert token.rpartition(".")[0] not in log
    assert order.kafka.security.passwords["order-1"] not in log
