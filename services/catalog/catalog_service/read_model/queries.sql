-- Every page statement is one index scan without a join. Optional filters read `$n IS NULL OR column = $n`; the pool
-- asks for custom plans, so a filter that is not given is gone before the planner chooses the index. A page asks for
-- one row more than it shows: that row says whether there is a next page.

-- name: orders_newest_first
-- $1 user_id, $2 status, $3 product_id, $4 placed at or after, $5 placed before, $6 $7 the last row seen, $8 rows
SELECT order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at
  FROM orders
 WHERE ($1::text IS NULL OR user_id = $1)
   AND ($2::text IS NULL OR status = $2)
   AND ($3::text IS NULL OR product_ids @> ARRAY[$3])
   AND ($4::timestamptz IS NULL OR placed_at >= $4)
   AND ($5::timestamptz IS NULL OR placed_at < $5)
   AND ($6::timestamptz IS NULL OR (placed_at, order_id) < ($6, $7::text))
 ORDER BY placed_at DESC, order_id DESC
 LIMIT $8

-- name: orders_oldest_first
SELECT order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at
  FROM orders
 WHERE ($1::text IS NULL OR user_id = $1)
   AND ($2::text IS NULL OR status = $2)
   AND ($3::text IS NULL OR product_ids @> ARRAY[$3])
   AND ($4::timestamptz IS NULL OR placed_at >= $4)
   AND ($5::timestamptz IS NULL OR placed_at < $5)
   AND ($6::timestamptz IS NULL OR (placed_at, order_id) > ($6, $7::text))
 ORDER BY placed_at, order_id
 LIMIT $8

-- name: order
SELECT order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at
  FROM orders
 WHERE order_id = $1

-- name: order_history
-- $1 order_id, $2 the last version seen, $3 rows
SELECT order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at
  FROM order_history
 WHERE order_id = $1
   AND version > $2
 ORDER BY version
 LIMIT $3

-- name: products
-- $1 instance, $2 the last product_id seen, $3 rows
SELECT product_id, name, unit_price_cents, stock_available, stock_reserved, version, instance, updated_at
  FROM products
 WHERE ($1::text IS NULL OR instance = $1)
   AND ($2::text IS NULL OR product_id > $2)
 ORDER BY product_id
 LIMIT $3

-- name: product
SELECT product_id, name, unit_price_cents, stock_available, stock_reserved, version, instance, updated_at
  FROM products
 WHERE product_id = $1

-- name: product_instances
SELECT product_id, instance FROM products

-- name: user_summary
SELECT user_id, orders, spend_cents, last_order_at
  FROM user_summary
 WHERE user_id = $1

-- name: best_sellers
SELECT product_id, quantity, revenue_cents, orders
  FROM product_sales
 ORDER BY quantity DESC, product_id
 LIMIT $1

-- name: revision
SELECT version_num FROM alembic_version

-- name: hold_read_model
-- First in a snapshot of several statements. LOCK takes no snapshot itself: the one that follows is either wholly before
-- or wholly after another copy of these tables takes their place (docs/adr/0010-rebuild.md).
LOCK TABLE orders, products IN ACCESS SHARE MODE

-- name: sink_begun
SELECT to_regclass('sink.offsets_v1') IS NOT NULL AS begun

-- name: applied_offsets
SELECT connector, topic, partition, next_offset
  FROM sink.offsets_v1
 ORDER BY connector, topic, partition

-- name: visible_versions
-- $1 order ids, $2 product ids
SELECT 'orders' AS topic, order_id AS id, version FROM orders WHERE order_id = ANY ($1::text[])
 UNION ALL
SELECT 'products', product_id, version FROM products WHERE product_id = ANY ($2::text[])

-- name: visible_history
-- The history holds every version up to its newest: they come in order, through one partition.
SELECT 'orders' AS topic, order_id AS id, max(version) AS version
  FROM order_history
 WHERE order_id = ANY ($1::text[])
 GROUP BY order_id
 UNION ALL
SELECT 'products', product_id, version FROM products WHERE product_id = ANY ($2::text[])

-- name: dead_letters_of
-- $1 topics, $2 keys, side by side; $3 connectors
SELECT topic, partition, "offset", key, value, error
  FROM sink.dead_letters_v1
 WHERE (topic, key) IN (SELECT * FROM unnest($1::text[], $2::bytea[]))
   AND connector = ANY ($3::text[])
 ORDER BY id

-- name: dead_letters
-- $1 rows
SELECT connector, topic, partition, "offset", stage, error, parked_at,
       count(*) OVER () AS total, min(parked_at) OVER () AS oldest
  FROM sink.dead_letters_v1
 ORDER BY id DESC
 LIMIT $1

-- name: dead_letters_of_order
-- $1 topic, $2 key, $3 rows
SELECT connector, topic, partition, "offset", stage, error, parked_at
  FROM sink.dead_letters_v1
 WHERE key = $2
   AND topic = $1
 ORDER BY id DESC
 LIMIT $3
