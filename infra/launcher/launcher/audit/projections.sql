-- The projections, worked out anew from the read database's orders: what the sink keeps by increments must equal this.
CREATE TABLE expected_projection AS
SELECT 'user_summary' AS name, user_id AS key,
       json_object('last_order_at', max(placed_at), 'orders', count(*), 'spend_cents', sum(total_cents)) AS body
FROM placed WHERE status NOT IN ('REJECTED', 'CANCELLED') GROUP BY user_id;
CREATE INDEX expected_projection_key ON expected_projection (name, key);

INSERT INTO expected_projection
SELECT 'product_sales', product_id,
       json_object('orders', count(*), 'quantity', sum(quantity), 'revenue_cents', sum(quantity * unit_price_cents))
FROM line WHERE status NOT IN ('REJECTED', 'CANCELLED') GROUP BY product_id;
