"""Records of `orders` and `products` as the contract has them (contracts/README.md)."""

import msgspec


def record_key(aggregate_id: str) -> bytes:
    """The key of every record of an order or a product."""
    return (
        b'{"schema":{"type":"string","optional":false},"payload":' + msgspec.json.encode(aggregate_id) + b"}"
    )
