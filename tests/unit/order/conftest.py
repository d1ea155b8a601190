"""The application without Kafka."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.order_api import Api, order_api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """One instance's HTTP interface on a fresh SQLite database."""
    async with order_api(tmp_path) as api:
        yield api
