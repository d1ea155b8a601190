-- The records after a position, in commit order. A writer holds SQLite's one write lock from BEGIN IMMEDIATE to COMMIT,
-- so ids are given out and become visible in the same order.
SELECT 0 AS xid, id, topic, key, value, headers
FROM outbox
WHERE id > :id AND :xid = 0
ORDER BY id
LIMIT :limit
