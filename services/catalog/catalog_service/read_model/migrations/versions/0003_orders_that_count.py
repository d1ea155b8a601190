"""Which orders count in sums, said once: a user's spending and a product's sales are of orders whose `counts` is true.

Who adds up (the connectors' projections, the auditor) reads the column. It is virtual: computed where it is read, so that
neither this revision nor a write touches a row for it.
"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column to the orders."""
    op.execute(
        "ALTER TABLE orders ADD COLUMN counts boolean "
        "GENERATED ALWAYS AS (status NOT IN ('REJECTED', 'CANCELLED')) VIRTUAL"
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_column("orders", "counts")
