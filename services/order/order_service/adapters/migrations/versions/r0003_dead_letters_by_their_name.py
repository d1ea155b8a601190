"""The table of dead letters is called what it holds, as it is in the sink."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Rename; what it holds stays."""
    op.rename_table("parked", "dead_letters")
    op.execute("ALTER TABLE dead_letters RENAME COLUMN parked_at TO recorded_at")


def downgrade() -> None:
    """Take it back."""
    op.execute("ALTER TABLE dead_letters RENAME COLUMN recorded_at TO parked_at")
    op.rename_table("dead_letters", "parked")
