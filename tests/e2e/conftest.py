"""The clients these tests speak with."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.stack import RunningStack


@pytest.fixture
async def http(stack: RunningStack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60, **stack.access) as client:
        yield client


@pytest.fixture
def order_1(stack: RunningStack) -> str:
    """Base URL of one of the order instances."""
    return stack.instances["order-1"]
