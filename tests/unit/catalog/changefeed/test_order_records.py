"""When an order was placed, by its id."""

import pytest
from ulid_transform import ulid_at_time

from catalog_service.changefeed.order_records import placed_at_ms


@pytest.mark.parametrize("placed_ms", [0, 1, 1_795_968_123_456, 2**48 - 1])
def test_an_id_tells_when_its_order_was_placed(placed_ms: int) -> None:
    assert placed_at_ms(f"order-2-{ulid_at_time(placed_ms / 1000)}") == placed_ms


@pytest.mark.parametrize(
    "order_id",
    [
        "",
        "order-1-000001",
        "01J8ZK3V9Q6T4M2W1X0Y5R7N8P",  # whose?
        "-01J8ZK3V9Q6T4M2W1X0Y5R7N8P",
        "order-1-01J8ZK3V9Q6T4M2W1X0Y5R7N8U",  # no digit of Crockford's
        "order-1-01j8zk3v9q6t4m2w1x0y5r7n8p",
        "order-1-81J8ZK3V9Q6T4M2W1X0Y5R7N8P",  # more than 48 bits of milliseconds
        "order-1-０1J8ZK3V9Q6T4M2W1X0Y5R7N8P",  # noqa: RUF001 - a digit of another script
    ],
)
def test_an_id_that_no_instance_gives_tells_nothing(order_id: str) -> None:
    assert placed_at_ms(order_id) is None
