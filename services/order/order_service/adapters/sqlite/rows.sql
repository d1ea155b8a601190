-- Rows of the tables, many at a time: {rows} is as many tuples of question marks as there are rows.

-- name: select_positions
SELECT source, next_offset, topic_id
FROM positions
WHERE source IN (SELECT value FROM json_each(?))
ORDER BY source

-- name: insert_positions
INSERT INTO positions (source, next_offset, topic_id)
VALUES {rows}

-- name: update_positions
INSERT INTO positions (source, next_offset, topic_id)
VALUES {rows}
ON CONFLICT (source) DO UPDATE SET
    next_offset = excluded.next_offset, topic_id = excluded.topic_id

-- name: select_relay_position
SELECT relay, xid, id
FROM relay_position
WHERE relay IN (SELECT value FROM json_each(?))
ORDER BY relay

-- name: insert_relay_position
INSERT INTO relay_position (relay, xid, id)
VALUES {rows}

-- name: update_relay_position
INSERT INTO relay_position (relay, xid, id)
VALUES {rows}
ON CONFLICT (relay) DO UPDATE SET
    xid = excluded.xid, id = excluded.id

-- name: select_set_aside
SELECT record, xid, id, topic, reason
FROM set_aside
WHERE record IN (SELECT value FROM json_each(?))
ORDER BY record

-- name: insert_set_aside
INSERT INTO set_aside (record, xid, id, topic, reason)
VALUES {rows}

-- name: update_set_aside
INSERT INTO set_aside (record, xid, id, topic, reason)
VALUES {rows}
ON CONFLICT (record) DO UPDATE SET
    xid = excluded.xid, id = excluded.id, topic = excluded.topic, reason = excluded.reason

-- name: select_claims
SELECT name, instance, fingerprint, claimed_at
FROM claims
WHERE name IN (SELECT value FROM json_each(?))
ORDER BY name

-- name: insert_claims
INSERT INTO claims (name, instance, fingerprint, claimed_at)
VALUES {rows}

-- name: update_claims
INSERT INTO claims (name, instance, fingerprint, claimed_at)
VALUES {rows}
ON CONFLICT (name) DO UPDATE SET
    instance = excluded.instance, fingerprint = excluded.fingerprint, claimed_at = excluded.claimed_at

-- name: select_answers
SELECT key, fingerprint, status, headers, body, answered_at
FROM answers
WHERE key IN (SELECT value FROM json_each(?))
ORDER BY key

-- name: insert_answers
INSERT INTO answers (key, fingerprint, status, headers, body, answered_at)
VALUES {rows}

-- name: update_answers
INSERT INTO answers (key, fingerprint, status, headers, body, answered_at)
VALUES {rows}
ON CONFLICT (key) DO UPDATE SET
    fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers, body =
    excluded.body, answered_at = excluded.answered_at

-- name: select_orders
SELECT order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at, holds, asks, ask_again_at
FROM orders
WHERE order_id IN (SELECT value FROM json_each(?))
ORDER BY order_id

-- name: insert_orders
INSERT INTO orders (order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at, holds, asks, ask_again_at)
VALUES {rows}

-- name: update_orders
INSERT INTO orders (order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at, holds, asks, ask_again_at)
VALUES {rows}
ON CONFLICT (order_id) DO UPDATE SET
    user_id = excluded.user_id, status = excluded.status, lines = excluded.lines, total_cents =
    excluded.total_cents, version = excluded.version, instance = excluded.instance, reason = excluded.reason,
    placed_at = excluded.placed_at, updated_at = excluded.updated_at, holds = excluded.holds, asks =
    excluded.asks, ask_again_at = excluded.ask_again_at

-- name: select_reservations
SELECT order_id, order_version, held, goods, reason
FROM reservations
WHERE order_id IN (SELECT value FROM json_each(?))
ORDER BY order_id

-- name: insert_reservations
INSERT INTO reservations (order_id, order_version, held, goods, reason)
VALUES {rows}

-- name: update_reservations
INSERT INTO reservations (order_id, order_version, held, goods, reason)
VALUES {rows}
ON CONFLICT (order_id) DO UPDATE SET
    order_version = excluded.order_version, held = excluded.held, goods = excluded.goods, reason =
    excluded.reason

-- name: select_products
SELECT product_id, name, unit_price_cents, stock_received, stock_available, stock_reserved, stock_shipped, version, instance, updated_at
FROM products
WHERE product_id IN (SELECT value FROM json_each(?))
ORDER BY product_id

-- name: insert_products
INSERT INTO products (product_id, name, unit_price_cents, stock_received, stock_available, stock_reserved, stock_shipped, version, instance, updated_at)
VALUES {rows}

-- name: update_products
INSERT INTO products (product_id, name, unit_price_cents, stock_received, stock_available, stock_reserved, stock_shipped, version, instance, updated_at)
VALUES {rows}
ON CONFLICT (product_id) DO UPDATE SET
    name = excluded.name, unit_price_cents = excluded.unit_price_cents, stock_received =
    excluded.stock_received, stock_available = excluded.stock_available, stock_reserved =
    excluded.stock_reserved, stock_shipped = excluded.stock_shipped, version = excluded.version, instance =
    excluded.instance, updated_at = excluded.updated_at

-- name: select_offers
SELECT product_id, name, unit_price_cents, instance, version
FROM offers
WHERE product_id IN (SELECT value FROM json_each(?))
ORDER BY product_id

-- name: insert_offers
INSERT INTO offers (product_id, name, unit_price_cents, instance, version)
VALUES {rows}

-- name: update_offers
INSERT INTO offers (product_id, name, unit_price_cents, instance, version)
VALUES {rows}
ON CONFLICT (product_id) DO UPDATE SET
    name = excluded.name, unit_price_cents = excluded.unit_price_cents, instance = excluded.instance, version
    = excluded.version

-- A record met again, after a position was lost, is the same dead letter.
-- name: insert_dead_letters
INSERT INTO dead_letters (record, key, value, headers, reason, recorded_at)
VALUES {rows}
ON CONFLICT (record) DO UPDATE SET
    key = excluded.key, value = excluded.value, headers = excluded.headers, reason = excluded.reason,
    recorded_at = excluded.recorded_at

-- name: insert_outbox
INSERT INTO outbox (topic, key, value, headers)
VALUES {rows}
