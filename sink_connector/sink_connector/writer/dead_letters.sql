-- name: park
INSERT INTO sink.dead_letters
    (connector, topic, partition, "offset", "timestamp", key, value, headers, stage, error_class, error)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (connector, topic, partition, "offset") DO NOTHING;
