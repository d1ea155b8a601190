-- name: store
-- A record that fails again on being read again is not stored twice, but its latest reason counts.
INSERT INTO sink.dead_letters
    (connector, topic, partition, "offset", "timestamp", key, value, headers, stage, error_class, error)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (connector, topic, partition, "offset") DO UPDATE SET
    stage = excluded.stage, error_class = excluded.error_class, error = excluded.error, parked_at = excluded.parked_at;

-- name: list
SELECT id, topic, partition, "offset", "timestamp", key, value, headers, stage, error_class, error,
       to_char(parked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS parked_at
FROM sink.dead_letters
WHERE connector = $1 AND ($2::bigint[] IS NULL OR id = ANY ($2))
ORDER BY topic, partition, "offset";

-- name: drop
WITH dropped AS (
    DELETE FROM sink.dead_letters WHERE connector = $1 AND ($2::bigint[] IS NULL OR id = ANY ($2)) RETURNING 1
)
SELECT count(*) FROM dropped;
