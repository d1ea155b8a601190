-- The same table with the time as it is in the record, and the table of the others as a view of it.
ALTER TABLE orders RENAME TO orders_in_ms;
ALTER TABLE orders_in_ms
ALTER COLUMN placed_at TYPE bigint USING (extract(epoch FROM placed_at) * 1000)::bigint;
CREATE VIEW orders AS
SELECT xmin, order_id, user_id, status, lines, total_cents, version,
       to_timestamp(placed_at / 1000.0) AS placed_at
FROM orders_in_ms;
