-- The write databases: the same statements on SQLite and on PostgreSQL.

-- name: orders
SELECT order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at
  FROM orders

-- name: products
SELECT product_id, name, unit_price_cents, stock_available, stock_reserved, version, instance, updated_at
  FROM products

-- name: outbox
SELECT id, topic, key, value, headers
  FROM outbox
 ORDER BY id

-- name: offers
SELECT product_id, name, unit_price_cents, instance
  FROM offers

-- name: positions
SELECT source, next_offset
  FROM positions

-- name: dead_letters
SELECT record, reason
  FROM dead_letters

-- name: set_aside
SELECT id, topic, reason
  FROM set_aside
