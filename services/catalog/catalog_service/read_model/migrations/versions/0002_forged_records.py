"""Records that contradict themselves are refused: the sink parks them as dead letters (SQLSTATE 23514), neighbours go on.

Whoever may write to the topics can write any version of any order. A record that names another instance than its order's
id, or a version no order reaches, would otherwise stand above every honest version that follows. Times stay within what
a client can read. A product's id does not name its instance: the first record decides, and no later one may move it.

The constraints are NOT VALID: rows of before are neither read nor refused, whatever is written from now on is checked.
Their names are part of the contract: dead letters carry them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_INSTANCE_FITS_ID = (
    # An order's id is its instance, a hyphen and a tail without one.
    "instance <> '' AND starts_with(order_id, instance || '-') "
    "AND strpos(substr(order_id, length(instance) + 2), '-') = 0"
)
_VERSION_IN_RANGE = "version BETWEEN 1 AND 1000000000000"
_FIRST, _LAST = "'0001-01-01 00:00:00+00'", "'9999-12-31 23:59:59.999+00'"


def upgrade() -> None:
    """Add the checks, and the trigger that keeps a product with its instance."""
    for table in ("orders", "order_history"):
        _check(table, "instance_fits_id", _INSTANCE_FITS_ID)
    for table in ("orders", "order_history", "products"):
        _check(table, "version_in_range", _VERSION_IN_RANGE)
        times = ("updated_at",) if table == "products" else ("placed_at", "updated_at")
        _check(
            table, "times_in_range", " AND ".join(f"{time} BETWEEN {_FIRST} AND {_LAST}" for time in times)
        )
    op.execute(
        """CREATE FUNCTION refuse_other_instance() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN
               RAISE EXCEPTION 'product % belongs to instance %, not to %', old.product_id, old.instance, new.instance
                   USING ERRCODE = 'check_violation', CONSTRAINT = 'products_instance_stays',
                         TABLE = tg_table_name, SCHEMA = tg_table_schema;
           END $$"""
    )
    op.execute(
        """CREATE TRIGGER products_instance_stays BEFORE UPDATE ON products FOR EACH ROW
           WHEN (old.instance IS DISTINCT FROM new.instance) EXECUTE FUNCTION refuse_other_instance()"""
    )


def _check(table: str, rule: str, condition: str) -> None:
    op.create_check_constraint(f"{table}_{rule}", table, sa.text(condition), postgresql_not_valid=True)


def downgrade() -> None:
    """Take them away."""
    op.execute("DROP TRIGGER products_instance_stays ON products")
    op.execute("DROP FUNCTION refuse_other_instance()")
    for table in ("orders", "order_history", "products"):
        for rule in ("version_in_range", "times_in_range"):
            op.drop_constraint(f"{table}_{rule}", table)
    for table in ("orders", "order_history"):
        op.drop_constraint(f"{table}_instance_fits_id", table)
