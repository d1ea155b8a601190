"""The tables, for SQLAlchemy Core. Times are integers, milliseconds since 1970, UTC, exactly as the events carry them.

The migrations are what makes them; `tests/integration/order` compares the two.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

Json = JSON().with_variant(JSONB(), "postgresql")
Sequence = BigInteger().with_variant(Integer(), "sqlite")  # AUTOINCREMENT on SQLite wants the type INTEGER

orders = Table(
    "orders",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("lines", Json, nullable=False),
    Column("total_cents", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("instance", Text, nullable=False),
    Column("reason", Text),
    Column("placed_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("holds", Json, nullable=False),
    Column("asks", SmallInteger, nullable=False),
    Column("ask_again_at", BigInteger),
    Index("orders_user_id", "user_id", "order_id"),
)
Index(
    "orders_ask_again_at",
    orders.c.ask_again_at,
    sqlite_where=orders.c.ask_again_at.is_not(None),
    postgresql_where=orders.c.ask_again_at.is_not(None),
)

products = Table(
    "products",
    metadata,
    Column("product_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("unit_price_cents", BigInteger, nullable=False),
    Column("stock_received", BigInteger, nullable=False),
    Column("stock_available", BigInteger, nullable=False),
    Column("stock_reserved", BigInteger, nullable=False),
    Column("stock_shipped", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("instance", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    CheckConstraint(
        "stock_available >= 0 AND stock_reserved >= 0 AND stock_shipped >= 0"
        " AND stock_received = stock_available + stock_reserved + stock_shipped",
        name="stock_adds_up",
    ),
)

offers = Table(
    "offers",
    metadata,
    Column("product_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("unit_price_cents", BigInteger, nullable=False),
    Column("instance", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    comment="replica of the topic `products`: what this instance knows of every product of the house",
)

reservations = Table(
    "reservations",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("order_version", BigInteger, nullable=False),
    Column("held", Text, nullable=False),
    Column("goods", Json, nullable=False),
    Column("reason", Text),
    comment="goods of this home that orders (of any home) have asked for",
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Sequence, primary_key=True, autoincrement=True),
    Column("topic", Text, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("headers", Text, nullable=False),
    sqlite_autoincrement=True,
    comment="the event log: every record to publish, kept for ever; PostgreSQL adds the column xid",
)

relay_position = Table(
    "relay_position",
    metadata,
    Column("relay", Text, primary_key=True),
    Column("xid", BigInteger, nullable=False),
    Column("id", BigInteger, nullable=False),
    comment="up to where the outbox is known to be in Kafka",
)

positions = Table(
    "positions",
    metadata,
    Column("source", Text, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
    comment="`topic/partition` → up to where this instance has taken it in; changes with the effect",
)

answers = Table(
    "answers",
    metadata,
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Json, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("answered_at", BigInteger, nullable=False),
    Index("answers_answered_at", "answered_at"),
    comment="answers to commands that carried an Idempotency-Key",
)

claims = Table(
    "claims",
    metadata,
    Column("name", Text, primary_key=True),
    Column("instance", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("claimed_at", BigInteger, nullable=False),
    comment="names unique in the whole house, kept by the instance that their hash picks: who claimed them first",
)

parked = Table(
    "parked",
    metadata,
    Column("record", Text, primary_key=True),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    Column("reason", Text, nullable=False),
    comment="consumed records (`topic/partition/offset`) that could not be understood",
)
