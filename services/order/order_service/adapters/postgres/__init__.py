"""An instance's database on PostgreSQL."""
