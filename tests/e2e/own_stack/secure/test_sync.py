"""The sync tests, asked with a token over TLS: what holds for an open stack holds for one that is secure."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.e2e import test_sync
from tests.e2e.own_stack.secure.conftest import client_of
from tests.support.stack import RunningStack

post, product = test_sync.post, test_sync.product


@pytest.fixture
def stack(secure_stack: RunningStack) -> RunningStack:
    return secure_stack


@pytest.fixture
async def http(secure_stack: RunningStack) -> AsyncIterator[httpx.AsyncClient]:
    """The staff's, who may order in anybody's name."""
    async with client_of(secure_stack, "staff") as client:
        yield client


test_orders_of_one_user_at_three_instances_are_one_list_in_the_catalog = (
    test_sync.test_orders_of_one_user_at_three_instances_are_one_list_in_the_catalog
)
test_orders_through_every_instance_appear_once_each_whole_and_equal = (
    test_sync.test_orders_through_every_instance_appear_once_each_whole_and_equal
)
test_updates_of_one_aggregate_arrive_in_order = test_sync.test_updates_of_one_aggregate_arrive_in_order
test_the_history_of_an_order_is_every_version_in_order = (
    test_sync.test_the_history_of_an_order_is_every_version_in_order
)
