"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

json = sa.JSON().with_variant(JSONB(), "postgresql")
sequence = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make what is new."""
    _orders()
    _products()
    _reservations()
    _outbox()
    _consumed()
    _answers()


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("lines", json, nullable=False),
        sa.Column("total_cents", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("instance", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("placed_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("holds", json, nullable=False),
        sa.Column("asks", sa.SmallInteger, nullable=False),
        sa.Column("ask_again_at", sa.BigInteger),
    )
    op.create_index("orders_user_id", "orders", ["user_id", "order_id"])
    owed = sa.text("ask_again_at IS NOT NULL")
    op.create_index(
        "orders_ask_again_at", "orders", ["ask_again_at"], sqlite_where=owed, postgresql_where=owed
    )


def _products() -> None:
    op.create_table(
        "products",
        sa.Column("product_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("unit_price_cents", sa.BigInteger, nullable=False),
        sa.Column("stock_received", sa.BigInteger, nullable=False),
        sa.Column("stock_available", sa.BigInteger, nullable=False),
        sa.Column("stock_reserved", sa.BigInteger, nullable=False),
        sa.Column("stock_shipped", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("instance", sa.Text, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint(
            "stock_available >= 0 AND stock_reserved >= 0 AND stock_shipped >= 0"
            " AND stock_received = stock_available + stock_reserved + stock_shipped",
            name="stock_adds_up",
        ),
    )
    op.create_table(
        "offers",
        sa.Column("product_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("unit_price_cents", sa.BigInteger, nullable=False),
        sa.Column("instance", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )


def _reservations() -> None:
    op.create_table(
        "reservations",
        sa.Column("order_id", sa.Text, primary_key=True),
        sa.Column("order_version", sa.BigInteger, nullable=False),
        sa.Column("held", sa.Text, nullable=False),
        sa.Column("goods", json, nullable=False),
        sa.Column("reason", sa.Text),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sequence, primary_key=True, autoincrement=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("headers", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE outbox ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id()")
        op.execute("CREATE INDEX outbox_commit_order ON outbox (xid, id)")
    op.create_table(
        "relay_position",
        sa.Column("relay", sa.Text, primary_key=True),
        sa.Column("xid", sa.BigInteger, nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
    )


def _consumed() -> None:
    op.create_table(
        "positions",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "parked",
        sa.Column("record", sa.Text, primary_key=True),
        sa.Column("key", sa.LargeBinary),
        sa.Column("value", sa.LargeBinary),
        sa.Column("reason", sa.Text, nullable=False),
    )


def _answers() -> None:
    op.create_table(
        "answers",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("headers", json, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("answered_at", sa.BigInteger, nullable=False),
    )
    op.create_index("answers_answered_at", "answers", ["answered_at"])
    op.create_table(
        "claims",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("instance", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("claimed_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Take it back, with what it holds."""
    for table in ("claims", "answers", "parked", "positions", "relay_position", "outbox"):
        op.drop_table(table)
    for table in ("reservations", "offers", "products", "orders"):
        op.drop_table(table)
