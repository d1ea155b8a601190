"""Sums that no order can overflow: a total may be as large as a bigint, and a sum of two of them is larger.

The order whose total would not fit into its user's sum, honest or not, was refused by the read database, and with it every
later order of that user.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_SUMS = {"user_summary": ("spend_cents",), "product_sales": ("quantity", "revenue_cents")}


def upgrade() -> None:
    """Make numbers of any size of them."""
    _make(sa.Numeric())


def _make(kind: sa.Numeric[Any] | sa.BigInteger) -> None:
    for table, columns in _SUMS.items():
        for column in columns:
            op.alter_column(table, column, type_=kind)


def downgrade() -> None:
    """Make bigints of them again, which fails for a sum that is none."""
    _make(sa.BigInteger())
