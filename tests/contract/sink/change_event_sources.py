"""The tables and the changes that `record_change_events` records."""

TABLES = ("customers", "items", "kinds")
PLACES = ("north", "south")
"""What the field `place` of `customers` and others may hold: topics of records that are routed by it."""

_CHANGES = [
    "INSERT INTO customers (id, name, place) VALUES (1, 'Ada', 'north'), (2, 'Grace', 'south'), (3, 'Größe', 'north')",
    "UPDATE customers SET name = 'Ada L.' WHERE id = 1",
    "DELETE FROM customers WHERE id = 2",
    "INSERT INTO customers (id, name, place) VALUES (2, 'Grace again', 'south')",
    "UPDATE customers SET id = 30 WHERE id = 3",
    "INSERT INTO items (order_id, line, price, place) VALUES ('o-1', 1, 12.34, 'north'), ('o-1', 2, 0.10, 'north')",
    "UPDATE items SET price = 99999999.99 WHERE line = 2",
    "DELETE FROM items WHERE line = 1",
]

POSTGRESQL = [
    "CREATE SCHEMA shop",
    "CREATE TABLE shop.customers (id int PRIMARY KEY, name varchar(40) NOT NULL, place text NOT NULL, note text DEFAULT 'none')",
    "CREATE TABLE shop.items (order_id text, line int, price numeric(12,2), place text, PRIMARY KEY (order_id, line))",
    """CREATE TABLE shop.kinds (id bigint PRIMARY KEY, place text, n numeric, big numeric(38,10), b bit(8), vb varbit(16),
    f boolean, r real, d float8, at timestamptz, ts timestamp, ts0 timestamp(0), day date, clock time, zoned timetz, iv interval,
    u uuid, j jsonb, ip inet, tags text[], raw bytea, m money)""",
    *(
        change.replace("INTO ", "INTO shop.")
        .replace("UPDATE ", "UPDATE shop.")
        .replace("FROM ", "FROM shop.")
        for change in _CHANGES
    ),
    """INSERT INTO shop.kinds VALUES (1, 'south', 123.45, 1234567890123456789012345678.0123456789, '10101010', '101', true, 1.5, 0.1,
    '2024-01-01 10:00:00.123456+02', '2024-01-01 10:00:00.123456', '2024-01-01 10:00:00', '2024-02-29', '23:59:59.999999',
    '10:00:00+02', '1 day 02:00:00', '3cfda21b-62c8-47e9-af8b-1b9e46e30bad', '{"a": [1, null]}', '10.0.0.1',
    '{a,"b,c",NULL}', '\\x00ff', 12.34)""",
    "INSERT INTO shop.kinds (id, place) VALUES (2, 'south')",
    "INSERT INTO shop.kinds (id, place, n, iv) VALUES (3, 'south', 1e20, '30 hours'), (4, 'south', 0.000001, '-1 hour')",
    "UPDATE shop.kinds SET f = false WHERE id = 1",
]
