-- What routes, tasks and health checks read. One statement each, so each is a snapshot.

-- name: order
SELECT order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at, holds, asks, ask_again_at
FROM orders
WHERE order_id = ?

-- name: orders_of_user
SELECT order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at, holds, asks, ask_again_at
FROM orders
WHERE user_id = ?
ORDER BY order_id DESC
LIMIT ?

-- name: product
SELECT product_id, name, unit_price_cents, stock_received, stock_available, stock_reserved, stock_shipped, version, instance, updated_at
FROM products
WHERE product_id = ?

-- name: offer
SELECT product_id, name, unit_price_cents, instance, version
FROM offers
WHERE product_id = ?

-- name: answer
SELECT key, fingerprint, status, headers, body, answered_at
FROM answers
WHERE key = ?

-- Orders whose time to ask again has come (the first value is now), the most overdue first. A time further off than any pause (the
-- second is now and the longest) was set by a clock that has been set back since.
-- name: overdue_orders
SELECT order_id
FROM orders
WHERE ask_again_at <= ? OR ask_again_at > ?
ORDER BY ask_again_at
LIMIT ?

-- name: stored_positions
SELECT source, next_offset, topic_id
FROM positions
WHERE source IN (SELECT value FROM json_each(?))

-- name: revision
SELECT version_num FROM alembic_version
