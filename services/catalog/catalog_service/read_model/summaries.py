"""What the sink adds up while it writes: a user's orders, a product's sales."""

from collections.abc import Sequence

from catalog_service.read_model import STATEMENTS
from catalog_service.read_model.orders import Row, RowSource


async def get_user_summary(rows: RowSource, user_id: str) -> Row | None:
    """How many orders the user has placed and what they cost; None for a user who never ordered."""
    return await rows.fetch_row(STATEMENTS["user_summary"], user_id)


async def list_best_sellers(rows: RowSource, *, limit: int) -> Sequence[Row]:
    """The `limit` products sold most, best first."""
    return await rows.fetch(STATEMENTS["best_sellers"], limit)
