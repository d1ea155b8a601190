"""How values travel to PostgreSQL, type by type."""
