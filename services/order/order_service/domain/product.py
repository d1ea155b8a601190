"""A product and its stock. Its owning instance alone changes it, so it can never be oversold."""

from dataclasses import dataclass, field, replace
from typing import Self

from order_service.domain.errors import StockLimitError

MAX_STOCK = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What every instance knows of a product: enough to price an order and to find the stock's owner."""

    product_id: str
    name: str
    unit_price_cents: int
    instance: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Definition and stock. At every version: received = available + reserved + shipped, none of them negative.

    `version` counts the product's events from 1; times are milliseconds since 1970, UTC.
    """

    product_id: str
    name: str
    unit_price_cents: int
    stock_received: int
    stock_available: int
    stock_reserved: int
    stock_shipped: int
    version: int
    instance: str
    updated_at: int
    recorded: tuple[str, ...] = field(default=(), compare=False, repr=False)
    """Bare types of the events that are to be published with this state, in order."""

    def __post_init__(self) -> None:
        """Raises `AssertionError` when the stock does not add up: a defect, which must not be stored."""
        parts = (self.stock_available, self.stock_reserved, self.stock_shipped)
        if min(parts) < 0 or sum(parts) != self.stock_received:
            raise AssertionError(
                f"stock of {self.product_id} does not add up: {self.stock_received} != {parts}"
            )

    @classmethod
    def register(  # noqa: PLR0913 - a product is made of this much
        cls, *, product_id: str, name: str, unit_price_cents: int, stock: int, instance: str, at: int
    ) -> Self:
        """The first version, with everything that was delivered available."""
        _within_limit(stock)
        return cls(
            product_id=product_id,
            name=name,
            unit_price_cents=unit_price_cents,
            stock_received=stock,
            stock_available=stock,
            stock_reserved=0,
            stock_shipped=0,
            version=1,
            instance=instance,
            updated_at=at,
            recorded=("product.registered",),
        )

    @property
    def offer(self) -> Offer:
        """What other instances need to know of it."""
        return Offer(
            product_id=self.product_id,
            name=self.name,
            unit_price_cents=self.unit_price_cents,
            instance=self.instance,
            version=self.version,
        )

    def published(self) -> Self:
        """The same state, with nothing left to publish."""
        return replace(self, recorded=())

    def restock(self, quantity: int, *, at: int) -> Self:
        """More goods arrived. Refuses with `StockLimit` beyond int32."""
        _within_limit(self.stock_available + self.stock_reserved + quantity)
        return replace(
            self,
            stock_received=self.stock_received + quantity,
            stock_available=self.stock_available + quantity,
            version=self.version + 1,
            updated_at=at,
            recorded=(*self.recorded, "product.restocked"),
        )

    def reprice(self, unit_price_cents: int, *, at: int) -> Self:
        """A new price for orders to come; orders already placed keep theirs."""
        return replace(
            self,
            unit_price_cents=unit_price_cents,
            version=self.version + 1,
            updated_at=at,
            recorded=(*self.recorded, "product.repriced"),
        )

    def can_reserve(self, quantity: int) -> bool:
        """So many are available."""
        return quantity <= self.stock_available

    def reserve(self, quantity: int, *, at: int) -> Self:
        """Set goods aside. Ask `can_reserve` first."""
        return self._moved("product.stock-reserved", available=-quantity, reserved=quantity, at=at)

    def release(self, quantity: int, *, at: int) -> Self:
        """Give reserved goods back."""
        return self._moved("product.stock-released", available=quantity, reserved=-quantity, at=at)

    def ship(self, quantity: int, *, at: int) -> Self:
        """Reserved goods leave the warehouse."""
        return self._moved("product.stock-shipped", reserved=-quantity, shipped=quantity, at=at)

    def _moved(self, event: str, *, at: int, available: int = 0, reserved: int = 0, shipped: int = 0) -> Self:
        return replace(
            self,
            stock_available=self.stock_available + available,
            stock_reserved=self.stock_reserved + reserved,
            stock_shipped=self.stock_shipped + shipped,
            version=self.version + 1,
            updated_at=at,
            recorded=(*self.recorded, event),
        )


def _within_limit(stock: int) -> None:
    if stock > MAX_STOCK:
        raise StockLimitError(f"a stock of {stock} is more than {MAX_STOCK}", pointer="/quantity")
