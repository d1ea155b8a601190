-- The projections, computed from the read database's orders: what the sink keeps by increments must equal this.
-- Which orders count, the read database says. One that does not has a row of its user all the same. A product of which nothing
-- counts may have a row of zeros or none: that depends on how the sink happened to cut its batches.
CREATE TABLE expected_projection AS
SELECT 'user_summary' AS name, user_id AS key, 1 AS required,
       json_object('last_order_at', max(placed_at), 'orders', sum(counts), 'spend_cents', json(sum_exact(counts, total_cents))) AS body
FROM placed GROUP BY user_id
UNION ALL
SELECT 'product_sales', product_id, max(counts),
       json_object('orders', sum(counts), 'quantity', json(sum_exact(counts, quantity)),
                   'revenue_cents', json(sum_exact(counts, quantity, unit_price_cents)))
FROM line GROUP BY product_id;
CREATE INDEX expected_projection_key ON expected_projection (name, key);
