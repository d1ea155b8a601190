"""The read database: its schema (Alembic) and the one door through which queries reach it."""
