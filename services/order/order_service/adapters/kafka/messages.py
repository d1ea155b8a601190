"""What other instances may say, with the bounds of `contracts/schemas`. Whatever is outside of them is not decoded."""

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from order_service.domain.stock import DesiredHold, HoldState

P = TypeVar("P")

INT64 = 2**63 - 1
# \Z, for $ would let a newline pass at the end.
Instance = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\Z", max_length=32)]
OrderId = Annotated[str, Meta(pattern=r"^[a-z0-9][A-Za-z0-9-]*-[A-Za-z0-9]+\Z", max_length=80)]
ProductId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}\Z", max_length=64)]
Version = Annotated[int, Meta(ge=1, le=INT64)]
Text = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]*\Z", max_length=10_000)]
Name = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]+\Z", max_length=200)]


class Envelope(msgspec.Struct, Generic[P]):
    """Connect's JSON envelope. `schema` is passed over: the type of the event already says what the payload is."""

    payload: P


class OfferMessage(msgspec.Struct, frozen=True):
    """Of a product's state what other instances need."""

    product_id: ProductId
    name: Name
    unit_price_cents: Annotated[int, Meta(ge=0, le=INT64)]
    instance: Instance
    version: Version


class LineItemMessage(msgspec.Struct, frozen=True):
    """So many of one product."""

    product_id: ProductId
    quantity: Annotated[int, Meta(ge=1, le=10**6)]


class StockRequestMessage(msgspec.Struct, frozen=True):
    """From an order's owner (`instance`) to the owner of its goods (`home`)."""

    order_id: OrderId
    order_version: Version
    instance: Instance
    home: Instance
    wanted: DesiredHold
    goods: Annotated[tuple[LineItemMessage, ...], Meta(min_length=1, max_length=100)]


class StockAnswerMessage(msgspec.Struct, frozen=True):
    """From the owner of some goods (`home`) to the order's owner (`instance`)."""

    order_id: OrderId
    order_version: Version
    instance: Instance
    home: Instance
    held: HoldState
    reason: Text | None


Key = Envelope[Annotated[str, Meta(min_length=1, max_length=80)]]
