"""The read model: orders and products as their events carry them, and the tables derived from them.

Ids are compared byte by byte (collation "C"): keyset pages need one order that no locale changes, and it is the fastest.
There are no foreign keys: each topic arrives at its own pace, and an order may come before its product.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None

_ID = sa.Text(collation="C")
_TIME = sa.TIMESTAMP(timezone=True)


def _order_state() -> list[sa.Column[object]]:
    return [
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("status", _ID, nullable=False),
        sa.Column("lines", JSONB, nullable=False),
        sa.Column("total_cents", sa.BigInteger, nullable=False),
        sa.Column("instance", _ID, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("placed_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
    ]


def upgrade() -> None:
    """Create the tables, and the indexes of their pages."""
    _create_orders()
    op.create_table(
        "order_history",
        sa.Column("order_id", _ID, primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True),
        *_order_state(),
    )
    op.create_table(
        "products",
        sa.Column("product_id", _ID, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("unit_price_cents", sa.BigInteger, nullable=False),
        sa.Column("stock_available", sa.Integer, nullable=False),
        sa.Column("stock_reserved", sa.Integer, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("instance", _ID, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
    )
    op.create_index("products_by_instance", "products", ["instance", "product_id"])
    op.create_table(
        "user_summary",
        sa.Column("user_id", _ID, primary_key=True),
        sa.Column("orders", sa.BigInteger, nullable=False),
        sa.Column("spend_cents", sa.BigInteger, nullable=False),
        sa.Column("last_order_at", _TIME, nullable=False),
    )
    op.create_table(
        "product_sales",
        sa.Column("product_id", _ID, primary_key=True),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("revenue_cents", sa.BigInteger, nullable=False),
        sa.Column("orders", sa.BigInteger, nullable=False),
    )
    op.create_index("product_sales_by_quantity", "product_sales", [sa.text("quantity DESC"), "product_id"])


def _create_orders() -> None:
    # The products of an order as an array of their own: PostgreSQL keeps statistics of an array's elements (it has
    # none of a jsonb's), so that the planner knows a best seller from a rarity and picks the right index for each.
    op.execute(
        """CREATE FUNCTION line_product_ids(lines jsonb) RETURNS text[]
           LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
           RETURN ARRAY(SELECT jsonb_path_query(lines, '$[*].product_id') #>> '{}')"""
    )
    op.create_table(
        "orders",
        sa.Column("order_id", _ID, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        *_order_state(),
        sa.Column("product_ids", ARRAY(sa.Text), sa.Computed("line_product_ids(lines)", persisted=True)),
    )
    # One index per combination of equality filters, each ending in the order of the pages: a page is one index scan
    # of `limit` rows, however deep it lies. They are walked backwards for "newest first".
    op.create_index("orders_by_time", "orders", ["placed_at", "order_id"])
    op.create_index("orders_by_user", "orders", ["user_id", "placed_at", "order_id"])
    op.create_index("orders_by_status", "orders", ["status", "placed_at", "order_id"])
    op.create_index("orders_by_user_status", "orders", ["user_id", "status", "placed_at", "order_id"])
    # fastupdate off: an insert pays for itself, none pays for a thousand others.
    op.create_index(
        "orders_by_product",
        "orders",
        ["product_ids"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("product_sales", "user_summary", "products", "order_history", "orders"):
        op.drop_table(table)
    op.execute("DROP FUNCTION line_product_ids(jsonb)")
