"""Workers of one group that ask each other for certificates: any of them answers for all, and nobody else gets an answer."""

import asyncio
import contextlib
import shutil
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from devservers.certificates import Authority
from devservers.ports import free_ports
from tests.conftest import MakeTopic
from tests.contract.sink.record_connect_rest import delete_topics
from tests.support.sink_worker import Group, SinkWorker, is_rebalancing, sink_worker
from tests.support.waiting import wait_until

PATH = "/connectors/orders/config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What the workers and the test's own client read, of one authority after another."""

    directory: Path
    names: tuple[str, ...]

    def put(self, authority: Authority) -> None:
        """Everybody's certificate and whom they trust, each file in one step."""
        for name in (*self.names, "client"):
            self._replace(f"{name}.pem", authority.issue(name))
        self._replace("ca.pem", authority.certificate)

    def _replace(self, name: str, source: Path) -> None:
        copied = Path(shutil.copy(source, self.directory / f"{name}.new"))
        copied.replace(self.directory / name)

    def environment(self, name: str, *, port: int) -> dict[str, str]:
        https = "SINK_LISTENERS_HTTPS_SSL"
        return {
            "SINK_LISTENERS": f"https://127.0.0.1:{port}",
            f"{https}_KEYSTORE_TYPE": "PEM",
            f"{https}_KEYSTORE_LOCATION": str(self.directory / f"{name}.pem"),
            f"{https}_TRUSTSTORE_TYPE": "PEM",
            f"{https}_TRUSTSTORE_LOCATION": str(self.directory / "ca.pem"),
            f"{https}_CLIENT_AUTH": "required",
        }

    def client(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.directory / "ca.pem")
        context.load_cert_chain(self.directory / "client.pem")
        return context


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Two workers, both ready; whichever leads, the other hands commands on."""

    files: Files
    authority: Authority
    running: tuple[SinkWorker, ...]
    config: dict[str, str]

    async def configured(self) -> list[int]:
        """What each of them answers to a command."""
        statuses = []
        for worker in self.running:
            async with httpx.AsyncClient(
                base_url=worker.url, verify=self.files.client(), timeout=60
            ) as client:

                async def answered(client: httpx.AsyncClient = client) -> int:
                    answer = await client.put(PATH, json=self.config)
                    return 0 if is_rebalancing(answer) else answer.status_code

                statuses.append(await wait_until(answered, what="the command is answered"))
        return statuses


@pytest.fixture
async def workers(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> AsyncIterator[Workers]:
    authority = Authority(tmp_path / "authority").make()
    files = Files(directory=tmp_path, names=("worker-1", "worker-2"))
    files.put(authority)
    group = Group(bootstrap=kafka_bootstrap)
    config = {
        "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
        "tasks.max": "1",
        "topics": await make_topic(partitions=1),
        "connection.url": database,
    }
    with contextlib.ExitStack() as running:

        def start(name: str, port: int) -> SinkWorker:
            environment = files.environment(name, port=port)
            worker = sink_worker(
                group, port=port, directory=tmp_path, environment=environment, verify=files.client()
            )
            return running.enter_context(worker)

        ports = free_ports(len(files.names))
        started = await asyncio.gather(
            *(asyncio.to_thread(start, name, port) for name, port in zip(files.names, ports, strict=True))
        )
        yield Workers(files=files, authority=authority, running=tuple(started), config=config)
    await delete_topics(kafka_bootstrap, group.topics)


@pytest.mark.parametrize("renewed", [False, True], ids=["as at the start", "vouched for by another since"])
async def test_a_command_is_handed_on_by_mutual_tls(
    workers: Workers, tmp_path: Path, *, renewed: bool
) -> None:
    before = workers.files.client()
    if renewed:
        workers.files.put(Authority(tmp_path / "next").make())
        await refused(workers, before)
    assert await workers.configured() == [201, 200], "one of them is not the leader"
    async with httpx.AsyncClient(verify=workers.files.client(), timeout=60) as client:
        for worker in workers.running:
            assert (await client.get(f"{worker.url}/connectors")).json() == ["orders"]


@pytest.mark.parametrize("of", ["nobody", "another authority"])
async def test_who_shows_no_certificate_of_the_authority_gets_nothing(
    workers: Workers, tmp_path: Path, of: str
) -> None:
    context = workers.authority.client_context()
    if of == "another authority":
        context.load_cert_chain(Authority(tmp_path / "other").make().issue("client"))
    await refused(workers, context)
    for worker in workers.running:
        async with httpx.AsyncClient(timeout=20) as plain:
            with pytest.raises(httpx.TransportError):
                await plain.get(worker.url.replace("https:", "http:"))


async def refused(workers: Workers, context: ssl.SSLContext) -> None:
    for worker in workers.running:
        async with httpx.AsyncClient(verify=context, timeout=20) as client:
            for path in ("/", "/health", "/metrics", "/connectors"):
                with pytest.raises(httpx.TransportError):
                    await client.get(f"{worker.url}{path}")
