-- What of a product was sold in orders that count. An order with several lines of a product counts once among its orders.
INSERT INTO product_sales AS s (product_id, quantity, revenue_cents, orders)
SELECT line.product_id,
       sum(added * line.quantity),
       sum(added * line.quantity * line.unit_price_cents::numeric),
       sum(added * line.first)
FROM (
    SELECT lines, 1 AS added FROM new_orders WHERE counts
    UNION ALL
    SELECT lines, -1 FROM old_orders WHERE counts
) AS change,
LATERAL (
    SELECT product_id, quantity, unit_price_cents, (row_number() OVER (PARTITION BY product_id) = 1)::integer AS first
    FROM jsonb_to_recordset(lines) AS each (product_id text, quantity bigint, unit_price_cents bigint)
) AS line
GROUP BY line.product_id
ORDER BY line.product_id
ON CONFLICT (product_id) DO UPDATE SET
    quantity = s.quantity + excluded.quantity,
    revenue_cents = s.revenue_cents + excluded.revenue_cents,
    orders = s.orders + excluded.orders
