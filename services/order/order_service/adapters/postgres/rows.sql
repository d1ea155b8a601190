-- Rows of the tables, many at a time. A parameter is written {} and holds one column of all rows: statements about
-- different tables are sent as one (`WITH a AS (…) …`), and each parameter gets its number in the statement it travels in.

-- name: select_positions
SELECT source, next_offset, topic_id
FROM positions
WHERE source = ANY ($1::text[])
ORDER BY source
FOR UPDATE

-- name: insert_positions
INSERT INTO positions (source, next_offset, topic_id)
SELECT v.source, v.next_offset, v.topic_id
FROM unnest({}::text[], {}::bigint[], {}::text[]) AS v (source, next_offset, topic_id)

-- name: update_positions
UPDATE positions SET
    next_offset = v.next_offset, topic_id = v.topic_id
FROM unnest({}::text[], {}::bigint[], {}::text[]) AS v (source, next_offset, topic_id)
WHERE positions.source = v.source

-- name: select_relay_position
SELECT relay, xid, id
FROM relay_position
WHERE relay = ANY ($1::text[])
ORDER BY relay
FOR UPDATE

-- name: insert_relay_position
INSERT INTO relay_position (relay, xid, id)
SELECT v.relay, v.xid, v.id
FROM unnest({}::text[], {}::bigint[], {}::bigint[]) AS v (relay, xid, id)

-- name: update_relay_position
UPDATE relay_position SET
    xid = v.xid, id = v.id
FROM unnest({}::text[], {}::bigint[], {}::bigint[]) AS v (relay, xid, id)
WHERE relay_position.relay = v.relay

-- name: select_set_aside
SELECT record, xid, id, topic, reason
FROM set_aside
WHERE record = ANY ($1::text[])
ORDER BY record
FOR UPDATE

-- name: insert_set_aside
INSERT INTO set_aside (record, xid, id, topic, reason)
SELECT v.record, v.xid, v.id, v.topic, v.reason
FROM unnest({}::text[], {}::bigint[], {}::bigint[], {}::text[], {}::text[]) AS v (record, xid, id, topic, reason)

-- name: update_set_aside
UPDATE set_aside SET
    xid = v.xid, id = v.id, topic = v.topic, reason = v.reason
FROM unnest({}::text[], {}::bigint[], {}::bigint[], {}::text[], {}::text[]) AS v (record, xid, id, topic, reason)
WHERE set_aside.record = v.record

-- name: select_claims
SELECT name, instance, fingerprint, claimed_at
FROM claims
WHERE name = ANY ($1::text[])
ORDER BY name
FOR UPDATE

-- name: insert_claims
INSERT INTO claims (name, instance, fingerprint, claimed_at)
SELECT v.name, v.instance, v.fingerprint, v.claimed_at
FROM unnest({}::text[], {}::text[], {}::text[], {}::bigint[]) AS v (name, instance, fingerprint, claimed_at)

-- name: update_claims
UPDATE claims SET
    instance = v.instance, fingerprint = v.fingerprint, claimed_at = v.claimed_at
FROM unnest({}::text[], {}::text[], {}::text[], {}::bigint[]) AS v (name, instance, fingerprint, claimed_at)
WHERE claims.name = v.name

-- name: select_answers
SELECT key, fingerprint, status, headers, body, answered_at
FROM answers
WHERE key = ANY ($1::text[])
ORDER BY key
FOR UPDATE

-- name: insert_answers
INSERT INTO answers (key, fingerprint, status, headers, body, answered_at)
SELECT v.key, v.fingerprint, v.status, v.headers::jsonb, v.body, v.answered_at
FROM unnest({}::text[], {}::text[], {}::integer[], {}::text[], {}::bytea[], {}::bigint[]) AS v (key, fingerprint, status, headers, body, answered_at)

-- name: update_answers
UPDATE answers SET
    fingerprint = v.fingerprint, status = v.status, headers = v.headers::jsonb, body = v.body, answered_at =
    v.answered_at
FROM unnest({}::text[], {}::text[], {}::integer[], {}::text[], {}::bytea[], {}::bigint[]) AS v (key, fingerprint, status, headers, body, answered_at)
WHERE answers.key = v.key

-- name: select_orders
SELECT order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at, holds, asks, ask_again_at
FROM orders
WHERE order_id = ANY ($1::text[])
ORDER BY order_id
FOR UPDATE

-- name: insert_orders
INSERT INTO orders (order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at, holds, asks, ask_again_at)
SELECT v.order_id, v.user_id, v.status, v.lines::jsonb, v.total_cents, v.version, v.instance, v.reason, v.placed_at, v.updated_at, v.holds::jsonb, v.asks, v.ask_again_at
FROM unnest({}::text[], {}::text[], {}::text[], {}::text[], {}::bigint[], {}::bigint[], {}::text[], {}::text[], {}::bigint[], {}::bigint[], {}::text[], {}::smallint[], {}::bigint[]) AS v (order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at, holds, asks, ask_again_at)

-- name: update_orders
UPDATE orders SET
    user_id = v.user_id, status = v.status, lines = v.lines::jsonb, total_cents = v.total_cents, version =
    v.version, instance = v.instance, reason = v.reason, placed_at = v.placed_at, updated_at = v.updated_at,
    holds = v.holds::jsonb, asks = v.asks, ask_again_at = v.ask_again_at
FROM unnest({}::text[], {}::text[], {}::text[], {}::text[], {}::bigint[], {}::bigint[], {}::text[], {}::text[], {}::bigint[], {}::bigint[], {}::text[], {}::smallint[], {}::bigint[]) AS v (order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at, holds, asks, ask_again_at)
WHERE orders.order_id = v.order_id

-- name: select_reservations
SELECT order_id, order_version, held, goods, reason
FROM reservations
WHERE order_id = ANY ($1::text[])
ORDER BY order_id
FOR UPDATE

-- name: insert_reservations
INSERT INTO reservations (order_id, order_version, held, goods, reason)
SELECT v.order_id, v.order_version, v.held, v.goods::jsonb, v.reason
FROM unnest({}::text[], {}::bigint[], {}::text[], {}::text[], {}::text[]) AS v (order_id, order_version, held, goods, reason)

-- name: update_reservations
UPDATE reservations SET
    order_version = v.order_version, held = v.held, goods = v.goods::jsonb, reason = v.reason
FROM unnest({}::text[], {}::bigint[], {}::text[], {}::text[], {}::text[]) AS v (order_id, order_version, held, goods, reason)
WHERE reservations.order_id = v.order_id

-- name: select_products
SELECT product_id, name, unit_price_cents, stock_received, stock_available, stock_reserved, stock_shipped, version, instance, updated_at
FROM products
WHERE product_id = ANY ($1::text[])
ORDER BY product_id
FOR UPDATE

-- name: insert_products
INSERT INTO products (product_id, name, unit_price_cents, stock_received, stock_available, stock_reserved, stock_shipped, version, instance, updated_at)
SELECT v.product_id, v.name, v.unit_price_cents, v.stock_received, v.stock_available, v.stock_reserved, v.stock_shipped, v.version, v.instance, v.updated_at
FROM unnest({}::text[], {}::text[], {}::bigint[], {}::bigint[], {}::bigint[], {}::bigint[], {}::bigint[], {}::bigint[], {}::text[], {}::bigint[]) AS v (product_id, name, unit_price_cents, stock_received, stock_available, stock_reserved, stock_shipped, version, instance, updated_at)

-- name: update_products
UPDATE products SET
    name = v.name, unit_price_cents = v.unit_price_cents, stock_received = v.stock_received, stock_available =
    v.stock_available, stock_reserved = v.stock_reserved, stock_shipped = v.stock_shipped, version =
    v.version, instance = v.instance, updated_at = v.updated_at
FROM unnest({}::text[], {}::text[], {}::bigint[], {}::bigint[], {}::bigint[], {}::bigint[], {}::bigint[], {}::bigint[], {}::text[], {}::bigint[]) AS v (product_id, name, unit_price_cents, stock_received, stock_available, stock_reserved, stock_shipped, version, instance, updated_at)
WHERE products.product_id = v.product_id

-- name: select_offers
SELECT product_id, name, unit_price_cents, instance, version
FROM offers
WHERE product_id = ANY ($1::text[])
ORDER BY product_id
FOR UPDATE

-- name: insert_offers
INSERT INTO offers (product_id, name, unit_price_cents, instance, version)
SELECT v.product_id, v.name, v.unit_price_cents, v.instance, v.version
FROM unnest({}::text[], {}::text[], {}::bigint[], {}::text[], {}::bigint[]) AS v (product_id, name, unit_price_cents, instance, version)

-- name: update_offers
UPDATE offers SET
    name = v.name, unit_price_cents = v.unit_price_cents, instance = v.instance, version = v.version
FROM unnest({}::text[], {}::text[], {}::bigint[], {}::text[], {}::bigint[]) AS v (product_id, name, unit_price_cents, instance, version)
WHERE offers.product_id = v.product_id

-- A record met again, after a position was lost, is the same dead letter.
-- name: insert_dead_letters
INSERT INTO dead_letters (record, key, value, headers, reason, recorded_at)
SELECT v.record, v.key, v.value, v.headers, v.reason, v.recorded_at
FROM unnest({}::text[], {}::bytea[], {}::bytea[], {}::text[], {}::text[], {}::bigint[]) AS v (record, key, value, headers, reason, recorded_at)
ON CONFLICT (record) DO UPDATE SET
    key = excluded.key, value = excluded.value, headers = excluded.headers, reason = excluded.reason,
    recorded_at = excluded.recorded_at

-- The order of the rows is the order of their ids.
-- name: insert_outbox
INSERT INTO outbox (topic, key, value, headers)
SELECT v.topic, v.key, v.value, v.headers
FROM unnest({}::text[], {}::bytea[], {}::bytea[], {}::text[]) WITH ORDINALITY AS v (topic, key, value, headers, n)
ORDER BY n
