"""Every table of orders and products has the schema's fields as columns, and beyond them only what is named here."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg

from catalog_service.read_model.migrate import upgrade
from order_service.adapters.schema import migrate

SCHEMAS = Path(__file__).parents[2] / "contracts" / "schemas"
INT32 = 2**31 - 1
COLUMNS = """
    SELECT column_name, data_type, is_nullable = 'YES' FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER'"""
GENERATED = """
    SELECT column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'ALWAYS' ORDER BY 1"""
OWN_OF_ORDERS = {"holds", "asks", "ask_again_at"}
OWN_OF_PRODUCTS = {"stock_received", "stock_shipped"}


def fields(name: str) -> dict[str, tuple[str, bool]]:
    """PostgreSQL's type of each field, and whether it may be null."""
    schema = json.loads((SCHEMAS / f"{name}.v1.json").read_text(encoding="utf-8"))
    return {
        field: (column_type(field, rule), "null" in rule.get("type", ()))
        for field, rule in schema["properties"].items()
    }


def column_type(field: str, rule: dict[str, Any]) -> str:
    if field.endswith("_at"):
        return "timestamp with time zone"
    if rule.get("type") == "array":
        return "jsonb"
    if rule.get("type") == "integer":
        return "integer" if rule["maximum"] <= INT32 else "bigint"
    return "text"


async def test_the_read_tables_have_the_fields_with_their_types_and_compute_the_rest(database: str) -> None:
    await upgrade(database)
    connection = await asyncpg.connect(database)
    try:
        for table, name, computed in (
            ("orders", "order", ["counts", "product_ids"]),
            ("order_history", "order", []),
            ("products", "product", []),
        ):
            columns = {row[0]: (row[1], row[2]) for row in await connection.fetch(COLUMNS, table)}
            assert columns == fields(name), table
            assert [row[0] for row in await connection.fetch(GENERATED, table)] == computed
    finally:
        await connection.close()


async def test_an_instances_tables_have_the_fields_and_what_only_it_knows(tmp_path: Path) -> None:
    file = tmp_path / "orders.db"
    await migrate(f"sqlite+aiosqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection:
        for table, name, own in (
            ("orders", "order", OWN_OF_ORDERS),
            ("products", "product", OWN_OF_PRODUCTS),
        ):
            columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            assert columns == fields(name).keys() | own
