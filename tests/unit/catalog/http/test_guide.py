"""The guide: the files of one folder, whenever they are built, under a policy that lets nothing in from elsewhere."""

import contextlib
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from catalog_service.bootstrap import running
from catalog_service.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")


@contextlib.asynccontextmanager
async def catalog(guide: Path | None, *, issuer: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"),
        kafka_bootstrap="127.0.0.1:1",
        guide=guide,
        auth_issuer=issuer,
    )
    async with running(settings) as service:
        transport = httpx.ASGITransport(service.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            yield client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the guide is looked for."""
    return tmp_path_factory.mktemp("docs") / "guide"


@pytest.fixture
def built(folder: Path) -> Iterator[Path]:
    """The folder with a guide in it, while the test runs."""
    (folder / "_static").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>Guide</h1>")
    (folder / "kafka.html").write_text("<h1>Kafka</h1>")
    (folder / "_static" / "theme.css").write_text("h1 {}")
    (folder.parent / "secret.txt").write_text("nobody's")
    yield folder
    shutil.rmtree(folder)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with catalog(folder) as client:
        yield client


@pytest.mark.parametrize("path", ["/guide/", "/guide/kafka.html"])
async def test_a_guide_that_was_not_built_is_a_problem_that_says_what_builds_it(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/guide-not-built")
    assert "./demo docs" in answer.json()["detail"]


async def test_a_guide_without_a_folder_is_the_same_problem() -> None:
    async with catalog(None) as client:
        for path in ("/guide/", "/guide/kafka.html"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["type"]) == (404, "/problems/guide-not-built")
            assert "./demo docs" in answer.json()["detail"]


async def test_it_appears_when_it_is_built_and_goes_when_it_is_removed(
    client: httpx.AsyncClient, built: Path
) -> None:
    start = built / "index.html"
    page = start.read_text()
    start.unlink()
    assert (await client.get("/guide/")).status_code == 404
    start.write_text(page)
    assert (await client.get("/guide")).headers["location"] == "/guide/"
    assert (await client.get("/guide/")).text == page
    assert "Kafka" in (await client.get("/guide/kafka.html")).text
    start.unlink()
    assert (await client.get("/guide/kafka.html")).status_code == 404


async def test_its_policy_lets_nothing_in_and_is_there_when_nothing_has_changed(
    client: httpx.AsyncClient, built: Path
) -> None:
    first = await client.get("/guide/")
    again = await client.get("/guide/", headers={"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    for answer in (first, again):
        policy = dict(
            each.strip().split(" ", 1) for each in answer.headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert not {"unsafe-inline", "unsafe-eval"} & {
            word.strip("'") for word in " ".join(policy.values()).split()
        }
        assert answer.headers["cache-control"] == "no-cache"
    style = await client.get("/guide/_static/theme.css")
    assert style.headers["cache-control"] == "max-age=3600"
    assert style.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize(
    "path",
    [
        "/guide/..%2fsecret.txt",
        "/guide/%2e%2e/secret.txt",
        "/guide/_static/..%2f..%2fsecret.txt",
        "/guide/%2fetc%2fpasswd",
        "/guide//etc/passwd",
        "/guide/..%5csecret.txt",
        "/guide/secret-link.txt",
        "/guide/index.html%00.txt",
        "/guide/_static",
        "/guide/unknown.html",
    ],
)
async def test_nothing_outside_of_its_folder_is_served(
    client: httpx.AsyncClient, built: Path, path: str
) -> None:
    (built / "secret-link.txt").symlink_to(built.parent / "secret.txt")
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_it_is_only_read(client: httpx.AsyncClient, built: Path) -> None:
    answer = await client.post("/guide/index.html")
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    assert "GET" in answer.headers["allow"]


async def test_nobody_is_asked_for_a_token(built: Path) -> None:
    async with catalog(built, issuer="http://127.0.0.1:1") as client:
        assert (await client.get("/guide/")).status_code == 200
        assert (await client.get("/orders")).status_code == 401
