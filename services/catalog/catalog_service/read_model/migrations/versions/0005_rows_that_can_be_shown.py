"""Rows that every query can show: lines that are lines, ids that can be asked for, texts that a page has room for.

A JSON column takes anything, and one order whose lines are something else is an error of every page that it stands on; an id
longer than a question may name would end the pages behind it; and a record may have a megabyte, a page 200 rows.

As in 0002 the constraints are NOT VALID, and their names are part of the contract.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_LONGEST_ID, _LONGEST_TEXT = 128, 10_000
# Strict: what a path does not find makes its condition unknown, so that only whole lines are counted.
_LINES = """CASE WHEN jsonb_typeof(lines) = 'array' THEN
    jsonb_array_length(lines) <= 100 AND char_length(lines::text) <= 32768 AND
    jsonb_array_length(jsonb_path_query_array(lines, 'strict $[*] ? (
        @.product_id.type() == "string"
        && @.quantity >= 1 && @.quantity <= 1000000 && @.quantity.floor() == @.quantity
        && @.unit_price_cents >= 0 && @.unit_price_cents <= 9223372036854775807
        && @.unit_price_cents.floor() == @.unit_price_cents)')) = jsonb_array_length(lines)
    ELSE false END"""
_IDS = {
    "orders": ("order_id", "user_id", "status"),
    "order_history": ("order_id", "user_id", "status"),
    "products": ("product_id", "instance"),
}


def upgrade() -> None:
    """Add the checks."""
    for table, names in _IDS.items():
        _check(
            table, "ids_in_bounds", " AND ".join(f"char_length({name}) <= {_LONGEST_ID}" for name in names)
        )
        text = "name" if table == "products" else "reason"
        _check(table, f"{text}_in_bounds", f"char_length({text}) <= {_LONGEST_TEXT}")
        if table != "products":
            _check(table, "lines_are_lines", _LINES)


def _check(table: str, rule: str, condition: str) -> None:
    op.create_check_constraint(f"{table}_{rule}", table, sa.text(condition), postgresql_not_valid=True)


def downgrade() -> None:
    """Take them away."""
    for table in _IDS:
        op.drop_constraint(f"{table}_ids_in_bounds", table)
        op.drop_constraint(f"{table}_{'name' if table == 'products' else 'reason'}_in_bounds", table)
        if table != "products":
            op.drop_constraint(f"{table}_lines_are_lines", table)
