"""Products: a page of them, and one."""

from catalog_service.read_model import STATEMENTS
from catalog_service.read_model.cursor import Id, open_cursor, seal_cursor
from catalog_service.read_model.orders import Page, Row, RowSource


async def list_products(rows: RowSource, *, instance: str | None, limit: int, cursor: str | None) -> Page:
    """The page of at most `limit` products after `cursor`, by id, optionally of one owning instance.

    Raises:
        BadCursorError: the cursor belongs to another question.
    """
    question = ("products", instance)
    after = open_cursor(question, cursor, tuple[Id])[0] if cursor is not None else None
    found = await rows.fetch(STATEMENTS["products"], instance, after, limit + 1)
    items = found[:limit]
    more = len(found) > len(items)
    return Page(items, seal_cursor(question, (items[-1]["product_id"],)) if more else None)


async def get_product(rows: RowSource, product_id: str) -> Row | None:
    """The product's newest visible state."""
    return await rows.fetch_row(STATEMENTS["product"], product_id)
