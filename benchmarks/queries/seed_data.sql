-- A shop's orders, the same at every run: users and products skewed as in a real shop, statuses mostly SHIPPED.

-- name: orders
-- $1 how many. Users and products follow a power law: user-0 placed some 6 of 100 orders, product p-0 is in 1 of 10, and
-- every order has a second product from an even spread over 1,000.
INSERT INTO orders (order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at)
SELECT format('order-%s-%s', 1 + n % 3, lpad(n::text, 12, '0')),
       format('user-%s', floor(($1::float8 / 10) ^ ((n * 7919 % 1000003) / 1000003.0)) - 1),
       CASE WHEN n % 100 < 90 THEN 'SHIPPED' WHEN n % 100 < 95 THEN 'CONFIRMED' WHEN n % 100 < 97 THEN 'CANCELLED'
            WHEN n % 100 < 99 THEN 'REJECTED' ELSE 'PENDING' END,
       jsonb_build_array(
           jsonb_build_object('product_id', format('p-%s', floor(1000 ^ ((n * 104729 % 1000003) / 1000003.0)) - 1),
                              'quantity', 1 + n % 3, 'unit_price_cents', 450),
           jsonb_build_object('product_id', format('p-%s', (n * 15485863) % 1000), 'quantity', 1, 'unit_price_cents', 1200)),
       1200 + 450 * (1 + n % 3), 2, format('order-%s', 1 + n % 3), NULL,
       '2026-01-01T00:00:00Z'::timestamptz + n * interval '25 seconds',
       '2026-01-01T00:00:00Z'::timestamptz + n * interval '25 seconds'
  FROM generate_series(0::bigint, $1 - 1) AS n

-- name: indexes
-- All but the primary key's.
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
  FROM pg_index WHERE indrelid = 'orders'::regclass AND NOT indisprimary
