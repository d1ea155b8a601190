"""What may be sent and what is answered, for validation and for OpenAPI."""

import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

LONGEST_USER_ID = 64
ID = r"^[A-Za-z0-9][A-Za-z0-9._~-]*$"
# Characters that show nothing or reorder what is shown: two names could look the same, or one like something else.
_UNSEEN = (
    r"\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
)
_UNSEEN_CATEGORIES = frozenset(
    {"Cc", "Cf", "Cs", "Zl", "Zp"}
)  # those outside of `_UNSEEN`: beyond U+FFFF, or rare
# Nor may white space stand where nobody sees it: at either end, or alone.
VISIBLE = rf"^[^{_UNSEEN}\s](?:[^{_UNSEEN}]*[^{_UNSEEN}\s])?$"


def _visible(text: str) -> str:
    if not text.isprintable():
        for character in text:
            if unicodedata.category(character) in _UNSEEN_CATEGORIES:
                raise ValueError(f"should not hold U+{ord(character):04X}")
    return text


def _one_form(text: str) -> str:
    """NFC: a letter with its accent is one user's, however a keyboard writes it. Case tells users apart, as in a token."""
    normal = unicodedata.normalize("NFC", text)
    if len(normal) > LONGEST_USER_ID:
        raise ValueError(f"should have at most {LONGEST_USER_ID} characters in NFC")
    return normal


ProductId = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=ID)]
UserId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_USER_ID, pattern=VISIBLE),
    AfterValidator(_visible),
    AfterValidator(_one_form),
]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=VISIBLE), AfterValidator(_visible)
]
Cents = Annotated[int, Field(ge=0, le=10**9, description="minor units")]
Stock = Annotated[int, Field(ge=0, le=10**9)]
Quantity = Annotated[int, Field(ge=1, le=10**6)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RegisterProductBody(_Body):
    """A product to register, with its first stock."""

    product_id: ProductId
    name: Name
    unit_price_cents: Cents
    stock: Stock


class RestockBody(_Body):
    """Goods that have arrived."""

    quantity: Annotated[int, Field(ge=1, le=10**9)]


class PriceBody(_Body):
    """The price of orders to come."""

    unit_price_cents: Cents


class OrderLineBody(_Body):
    """One product of an order to place."""

    product_id: ProductId
    quantity: Quantity


class PlaceOrderBody(_Body):
    """An order to place; a product stands in one line only."""

    user_id: UserId
    lines: Annotated[list[OrderLineBody], Field(min_length=1, max_length=100)]


class LineView(BaseModel):
    """One line of an order, at the price of the moment it was placed."""

    product_id: str
    quantity: int
    unit_price_cents: int


class OrderView(BaseModel):
    """An order as its owning instance has it; times are RFC 3339 in UTC."""

    order_id: str
    user_id: str
    status: Literal["PENDING", "CONFIRMED", "REJECTED", "SHIPPED", "CANCELLED"]
    lines: list[LineView]
    total_cents: int
    version: int
    instance: str
    reason: str | None
    placed_at: str
    updated_at: str


class OrderList(BaseModel):
    """Orders, the latest first."""

    items: list[OrderView]


class ProductView(BaseModel):
    """A product with its stock as its owning instance has it."""

    product_id: str
    name: str
    unit_price_cents: int
    stock_available: int
    stock_reserved: int
    version: int
    instance: str
    updated_at: str


class FieldError(BaseModel):
    """One thing that is wrong, and where: a pointer into the body, a parameter or a header."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldError] | None = None
