"""Alembic's entry: the caller (`read_model/migrate.py`) holds the transaction and hands over its connection."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
