"""infra/docker/secure.yml as it runs: who has a token, a certificate or a password is served, and nobody else gets anything."""

import asyncio
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from devservers.certificates import Authority
from devservers.issuer import DISCOVERY
from devservers.kafka import brokers_seen
from devservers.ports import HOST, Ports
from tests.support.compose import MAIN, PROJECT, containers_up, docker, merged_services, missing_engine
from tests.support.waiting import wait_until

SECURE, WITHOUT_TLS = "infra/docker/secure.yml", "tests/compose/postgres_without_tls.yml"
SPEAKS_TLS = 'grep -q SSL_CTX_new "$(readlink -f "$(command -v postgres)")" && echo yes || echo no'
JOBS = ("secrets", "keys", "access-lists", "topics", "migrate-read", "migrate-sink", "connectors", "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Secure:
    """The stack, and what an operator takes out of it: the authority's certificate and, for a test, those of parts."""

    ports: Ports
    directory: Path
    tokens: dict[str, str]

    @property
    def cafile(self) -> Path:
        return self.directory / "ca.pem"

    @property
    def services(self) -> dict[str, str]:
        """Base URLs of what is asked with tokens."""
        numbered = {f"order-{n}": self.ports.order(n) for n in (1, 2, 3)}
        return {
            name: f"https://{HOST}:{port}"
            for name, port in {**numbered, "catalog": self.ports.catalog}.items()
        }

    @property
    def sink(self) -> str:
        return f"https://{HOST}:{self.ports.sink}"

    @property
    def issuer(self) -> str:
        return f"https://{HOST}:{self.ports.issuer}"

    @property
    def bootstrap(self) -> str:
        return ",".join(f"{HOST}:{self.ports.broker(n)}" for n in (1, 2, 3))

    def client(self, user: str | None = None) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {self.tokens[user]}"} if user else {}
        context = ssl.create_default_context(cafile=self.cafile)
        return httpx.AsyncClient(verify=context, headers=headers, timeout=30, trust_env=False)

    def kafka_login(self, part: str) -> dict[str, Any]:
        """How `part` proves to the brokers who it is."""
        context = ssl.create_default_context(cafile=self.cafile)
        context.load_cert_chain(self.taken(f"{part}.pem", of=part))
        return {"bootstrap_servers": self.bootstrap, "security_protocol": "SSL", "ssl_context": context}

    def taken(self, secret: str, *, of: str) -> Path:
        """A file of the volume with secrets, which only who rules the engine can take."""
        copied = self.directory / secret
        docker("compose", "cp", f"{of}:/run/secrets/{secret}", str(copied))
        return copied


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    if why := missing_engine():
        pytest.skip(f"no Docker engine to run containers on: {why}")
    image = merged_services(MAIN, SECURE)["read-db"]["image"]
    asked = ("run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-c", SPEAKS_TLS)
    overrides = (SECURE,) if docker(*asked).strip() == "yes" else (SECURE, WITHOUT_TLS)
    with containers_up(*overrides, project=f"{PROJECT}-secure") as ports:
        tokens = {
            user: docker("compose", "run", "--rm", "token", user).strip() for user in ("ada", "bob", "staff")
        }
        stack = Secure(ports=ports, directory=tmp_path_factory.mktemp("secure"), tokens=tokens)
        stack.taken("ca.pem", of="catalog")
        yield stack


pytestmark = pytest.mark.timeout(480)


async def test_an_order_is_seen_by_its_user_and_the_staff_and_by_nobody_else(secure: Secure) -> None:
    order, catalog = secure.services["order-2"], secure.services["catalog"]
    basket = {"user_id": "ada", "lines": [{"product_id": "espresso-beans", "quantity": 1}]}
    async with secure.client("ada") as ada, secure.client("bob") as bob, secure.client("staff") as staff:
        assert (await bob.post(f"{order}/orders", json=basket)).status_code == 403
        placed = await ada.post(f"{order}/orders", json=basket)
        assert placed.status_code == 201, placed.text
        seen = f"{catalog}/orders/{placed.json()['order_id']}"
        waiting = {"Consistency-Token": placed.headers["consistency-token"], "Prefer": "wait=30"}
        assert (await ada.get(seen, headers=waiting)).status_code == 200

        async def confirmed() -> bool:
            return bool((await ada.get(seen)).json()["status"] == "CONFIRMED")

        await wait_until(confirmed, timeout_s=60, what="the owner of the product to confirm the order")
        listed = await ada.get(f"{catalog}/orders", params={"user_id": "ada"})
        assert [each["order_id"] for each in listed.json()["items"]] == [placed.json()["order_id"]]
        for path in (
            seen,
            f"{catalog}/orders?user_id=ada",
            f"{catalog}/sync",
            f"{catalog}/stream?user_id=ada",
        ):
            assert (await bob.get(path)).status_code == 403, path
        assert (await staff.get(seen)).status_code == 200

        async def unwell() -> dict[str, str]:
            parts = (await staff.get(f"{catalog}/sync")).json()["parts"]
            assert {"sink", "order-1", "order-2", "order-3"} <= {each["name"] for each in parts}
            return {each["name"]: each["state"] for each in parts if each["state"] != "up"}

        async def all_well() -> bool:
            return not await unwell()

        await wait_until(all_well, what="the catalog to reach every part")


async def test_without_a_token_of_the_issuer_there_are_probes_and_nothing_else(
    secure: Secure, tmp_path: Path
) -> None:
    forged = f"{secure.tokens['ada'][:-6]}AAAAAA"
    async with secure.client() as nobody:
        for url in secure.services.values():
            assert (await nobody.get(f"{url}/health/ready")).status_code == 200
            for path in ("/orders?user_id=ada", "/products/espresso-beans", "/metrics", "/openapi.json"):
                assert (await nobody.get(url + path)).status_code == 401, url + path
                bearer = {"authorization": f"Bearer {forged}"}
                assert (await nobody.get(url + path, headers=bearer)).status_code == 401, url + path
        for url in list(secure.services.values())[:3]:
            assert (await nobody.post(f"{url}/internal/claims", json={})).status_code in {401, 403, 404}
        for login in (None, httpx.BasicAuth("operator", "a password"), httpx.BasicAuth("operator", "")):
            assert (await nobody.get(f"{secure.sink}/connectors", auth=login)).status_code == 401
        described = (await nobody.get(f"{secure.issuer}{DISCOVERY}")).json()
        assert described["issuer"] == f"https://issuer.localhost:{secure.ports.issuer}"
    password = secure.taken("catalog_sink_password", of="catalog").read_text()
    async with secure.client() as operator:
        found = await operator.get(f"{secure.sink}/connectors", auth=httpx.BasicAuth("operator", password))
    assert sorted(found.json()) == ["order-history", "orders", "products"]


async def test_who_speaks_without_tls_gets_nothing_from_any_port(secure: Secure) -> None:
    async with httpx.AsyncClient(timeout=10, trust_env=False) as plain:
        for url in (*secure.services.values(), secure.sink, secure.issuer):
            with pytest.raises(httpx.TransportError):
                await plain.get(url.replace("https:", "http:"))
    assert await brokers_seen(secure.bootstrap) == frozenset()
    address = f"postgresql://catalog_reader:x@{HOST}:{secure.ports.postgres}/read"
    with pytest.raises((asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError)):
        await asyncpg.connect(address, ssl=False)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"{address}?sslmode=verify-full&sslrootcert={secure.cafile}")


@pytest.mark.parametrize("shows", ["no certificate", "one of another authority"])
async def test_the_brokers_talk_to_nobody_without_a_certificate_of_the_stack(
    secure: Secure, tmp_path: Path, shows: str
) -> None:
    context = ssl.create_default_context(cafile=secure.cafile)
    if shows != "no certificate":
        context.load_cert_chain(Authority(tmp_path / "other").make().issue("kafka-1"))
    client = AIOKafkaClient(
        bootstrap_servers=secure.bootstrap,
        security_protocol="SSL",
        ssl_context=context,
        request_timeout_ms=5_000,
    )
    with pytest.raises(KafkaError):
        await client.bootstrap()
    await client.close()


async def test_a_part_reads_what_is_its_and_is_refused_what_is_anothers(secure: Secure) -> None:
    login = await asyncio.to_thread(secure.kafka_login, "catalog")
    async with AIOKafkaProducer(**login) as producer:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait("orders", b"forged", key=b"1")
    consumer = AIOKafkaConsumer(enable_auto_commit=False, **login)
    await consumer.start()
    try:
        products = [TopicPartition("products", number) for number in range(6)]
        assert sum((await consumer.end_offsets(products)).values()) > 0, "the seeds"
    finally:
        await consumer.stop()
    of_another = AIOKafkaConsumer("inbox.order-1", **login)
    try:
        with pytest.raises(TopicAuthorizationFailedError):
            await of_another.start()
    finally:
        await of_another.stop()


def test_every_job_ended_well_and_no_log_holds_a_token_or_a_password(secure: Secure) -> None:
    lines = docker("compose", "ps", "--all", "--format", "json").splitlines()
    states = {each["Service"]: each for each in map(json.loads, lines)}
    assert {name: states[name]["ExitCode"] for name in JOBS} == dict.fromkeys(JOBS, 0)
    logs = docker("compose", "logs", "--no-color")
    password = secure.taken("catalog_sink_password", of="catalog").read_text()
    assert "catalog.started" in logs
    assert not [word for word in ("eyJ", password, "PRIVATE KEY") if word in logs]
