"""One real schema registry for all tests of this folder; subjects of its own for each."""

import uuid
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from devservers.ports import free_ports
from tests.support.apicurio import Apicurio, apicurio
from tests.support.wire_format import Subjects

_RUNNING = pytest.StashKey[Apicurio]()


@pytest.fixture(scope="session")
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apicurio]:
    """A real Apicurio Registry."""
    with apicurio(tmp_path_factory.mktemp("registry"), port=free_ports(1)[0]) as registry:
        request.config.stash[_RUNNING] = registry
        yield registry


@pytest.fixture
def registry_url(registry: Apicurio) -> str:
    """The registry's Confluent-compatible API."""
    return registry.url


@pytest.fixture
def subjects(registry_url: str) -> Subjects:
    return Subjects(url=registry_url, prefix=f"{uuid.uuid4().hex[:8]}-")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the registry's download and start, which have limits of their own, out of the time of the test that comes first."""
    for item in items:
        if "registry" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(func_only=True))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """A failed test shows what the registry said meanwhile, and where its threads stand."""
    report = yield
    if report.failed and (running := item.config.stash.get(_RUNNING, None)):
        report.sections.append(("schema registry", running.account()))
    return report
