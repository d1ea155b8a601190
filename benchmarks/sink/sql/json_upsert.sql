-- A batch as one JSON array; of a key that is in it more than once, the last version.
INSERT INTO orders ({columns})
SELECT DISTINCT ON (order_id) {columns}
FROM json_populate_recordset(NULL::orders, $1::json)
ORDER BY order_id, version DESC
ON CONFLICT (order_id) DO UPDATE
SET user_id = excluded.user_id,
    status = excluded.status,
    lines = excluded.lines,
    total_cents = excluded.total_cents,
    version = excluded.version,
    placed_at = excluded.placed_at
WHERE orders.version < excluded.version;
