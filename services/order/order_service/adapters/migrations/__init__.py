"""Alembic's scripts, shipped with the service: `order-service migrate` needs no other file."""
