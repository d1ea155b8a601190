"""The instance's own database: tables, group commit, reads. SQLite by default, PostgreSQL by URL, one code."""
