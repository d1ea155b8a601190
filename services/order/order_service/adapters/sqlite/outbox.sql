-- Reading the outbox in commit order. Positions are (xid, id) as on PostgreSQL, with an xid of 0.

-- The records after a position, in commit order. A writer holds SQLite's one write lock from BEGIN IMMEDIATE to COMMIT,
-- so ids are given out and become visible in the same order.
-- name: outbox_after
SELECT 0 AS xid, id, topic, key, value, headers
FROM outbox
WHERE ?1 = 0 AND id > ?2
ORDER BY id
LIMIT ?3

-- How many records wait behind a position.
-- name: outbox_pending
SELECT count(*) FROM outbox WHERE ?1 = 0 AND id > ?2

-- The oldest record behind a position; nothing holds it back here.
-- name: outbox_oldest
SELECT topic, headers, 0
FROM outbox
WHERE ?1 = 0 AND id > ?2
ORDER BY id
LIMIT 1

-- Where a relay stored that it is, and the newest record, behind which it cannot be.
-- name: relay_position
SELECT xid, id, 0, (SELECT max(id) FROM outbox) FROM relay_position WHERE relay = ?

-- name: forget_relay_position
DELETE FROM relay_position WHERE relay = ?

-- Which topics have records set aside, and how many.
-- name: set_aside_topics
SELECT topic, count(*) FROM set_aside GROUP BY topic ORDER BY topic

-- The first records of a topic that were set aside behind a place, in commit order; those that were unreadable then only
-- if they are wanted (?4). A column may hold anything but what its key is: a row is found again by that.
-- name: set_aside_records
SELECT json_array(s.rowid, s.id), s.xid, s.id, 0, o.id, o.topic, o.key, o.value, o.headers
FROM set_aside AS s
JOIN outbox AS o ON o.id = s.id
WHERE s.topic = ?1
  AND (s.xid, s.id) > (?2, ?3)
  AND (?4 OR s.reason NOT LIKE 'unreadable: %')
ORDER BY s.xid, s.id
LIMIT ?5

-- Rows that hold no record wait for a hand, not for Kafka: they are counted by topic only.
-- name: set_aside_oldest
SELECT o.topic, o.headers, s.reason
FROM set_aside AS s
JOIN outbox AS o ON o.id = s.id
WHERE s.reason NOT LIKE 'unreadable: %'
ORDER BY s.xid, s.id
LIMIT 1

-- name: forget_set_aside
DELETE FROM set_aside
WHERE (rowid, id) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))
