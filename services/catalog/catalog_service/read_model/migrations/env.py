"""Alembic's entry: the caller (`storage/migrate.py`) holds the transaction and hands over its connection."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
