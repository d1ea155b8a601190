"""One real schema registry for all tests of this folder; subjects of its own for each."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from devservers.ports import free_ports
from tests.support.apicurio import apicurio
from tests.support.wire_format import Subjects


@pytest.fixture(scope="session")
def registry_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The Confluent-compatible API of a real Apicurio Registry."""
    directory: Path = tmp_path_factory.mktemp("registry")
    with apicurio(directory, port=free_ports(1)[0]) as url:
        yield url


@pytest.fixture
def subjects(registry_url: str) -> Subjects:
    return Subjects(url=registry_url, prefix=f"{uuid.uuid4().hex[:8]}-")
