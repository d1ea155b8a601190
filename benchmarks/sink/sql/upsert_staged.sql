INSERT INTO orders
SELECT * FROM staged
ON CONFLICT (order_id) DO UPDATE
SET user_id = excluded.user_id,
    status = excluded.status,
    lines = excluded.lines,
    total_cents = excluded.total_cents,
    version = excluded.version,
    placed_at = excluded.placed_at;
