-- The read database, times as milliseconds since 1970. Statements of one name as a topic or a projection are its rows.

-- name: orders
SELECT order_id, user_id, status, lines, total_cents, version, instance, reason,
       (extract(epoch FROM placed_at) * 1000)::bigint AS placed_at,
       (extract(epoch FROM updated_at) * 1000)::bigint AS updated_at
  FROM orders

-- name: counted
SELECT order_id
  FROM orders
 WHERE counts

-- name: products
SELECT product_id, name, unit_price_cents, stock_available, stock_reserved, version, instance,
       (extract(epoch FROM updated_at) * 1000)::bigint AS updated_at
  FROM products

-- name: order_history
SELECT order_id, user_id, status, lines, total_cents, version, instance, reason,
       (extract(epoch FROM placed_at) * 1000)::bigint AS placed_at,
       (extract(epoch FROM updated_at) * 1000)::bigint AS updated_at
  FROM order_history

-- name: user_summary
SELECT user_id, orders, spend_cents, (extract(epoch FROM last_order_at) * 1000)::bigint AS last_order_at
  FROM user_summary

-- name: product_sales
SELECT product_id, quantity, revenue_cents, orders
  FROM product_sales

-- name: progress
SELECT connector, topic, partition, next_offset
  FROM sink.offsets_v1

-- name: dead_letters
SELECT connector, topic, partition, "offset", stage || ': ' || error
  FROM sink.dead_letters_v1
