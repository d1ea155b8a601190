"""Dead letters with headers and time, records that the relay has set aside, topics told apart by their ids."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make what is new."""
    op.add_column("parked", sa.Column("headers", sa.Text))
    op.add_column("parked", sa.Column("parked_at", sa.BigInteger))
    op.add_column("positions", sa.Column("topic_id", sa.Text))
    op.create_table(
        "set_aside",
        sa.Column("record", sa.Text, primary_key=True),
        sa.Column("xid", sa.BigInteger, nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("set_aside_topic", "set_aside", ["topic", "xid", "id"])
    lapses = sa.text("fingerprint <> ''")
    op.create_index(
        "claims_claimed_at", "claims", ["claimed_at"], sqlite_where=lapses, postgresql_where=lapses
    )


def downgrade() -> None:
    """Take it back, with what it holds."""
    op.drop_index("claims_claimed_at", "claims")
    op.drop_table("set_aside")
    op.drop_column("positions", "topic_id")
    op.drop_column("parked", "parked_at")
    op.drop_column("parked", "headers")
