-- Reading the outbox in commit order. Positions are ($1 xid, $2 id).

-- The records after a position, in commit order as far as it is decided. An id is taken from the sequence before its
-- transaction commits, so a lower id may become visible after a higher one and `id > last` would pass it over for ever.
-- Rows of a transaction are shown only when every transaction that began writing before it has ended: below the
-- snapshot's xmin nothing can appear any more.
-- name: outbox_after
SELECT xid::text::bigint AS xid, id, topic, key, value, headers
FROM outbox
WHERE xid < pg_snapshot_xmin(pg_current_snapshot())
  AND (xid, id) > ($1::bigint::text::xid8, $2::bigint)
ORDER BY outbox.xid, outbox.id
LIMIT $3

-- How many records wait behind a position, those whose turn is not yet decided included.
-- name: outbox_pending
SELECT count(*)
FROM outbox
WHERE (xid, id) > ($1::bigint::text::xid8, $2::bigint)

-- The oldest record behind a position, and whether an open transaction of the server keeps it from being read.
-- name: outbox_oldest
SELECT topic, headers, xid >= pg_snapshot_xmin(pg_current_snapshot())
FROM outbox
WHERE (xid, id) > ($1::bigint::text::xid8, $2::bigint)
ORDER BY outbox.xid, outbox.id
LIMIT 1

-- Where a relay stored that it is, and the newest record, behind which it cannot be.
-- name: relay_position
SELECT stored.xid, stored.id, newest.xid::text::bigint, newest.id
FROM relay_position AS stored
LEFT JOIN LATERAL (SELECT xid, id FROM outbox ORDER BY outbox.xid DESC, outbox.id DESC LIMIT 1) AS newest ON true
WHERE stored.relay = $1

-- name: forget_relay_position
DELETE FROM relay_position WHERE relay = $1

-- Which topics have records set aside, and how many.
-- name: set_aside_topics
SELECT topic, count(*) FROM set_aside GROUP BY topic ORDER BY topic

-- The first records of a topic ($1) that were set aside behind a place, in commit order; those that were unreadable then
-- only if they are wanted ($4).
-- name: set_aside_records
SELECT s.record, s.xid, s.id, o.xid::text::bigint, o.id, o.topic, o.key, o.value, o.headers
FROM set_aside AS s
JOIN outbox AS o ON o.id = s.id
WHERE s.topic = $1
  AND (s.xid, s.id) > ($2::bigint, $3::bigint)
  AND ($4::boolean OR s.reason NOT LIKE 'unreadable: %')
ORDER BY s.xid, s.id
LIMIT $5

-- Rows that hold no record wait for a hand, not for Kafka: they are counted by topic only.
-- name: set_aside_oldest
SELECT o.topic, o.headers, s.reason
FROM set_aside AS s
JOIN outbox AS o ON o.id = s.id
WHERE s.reason NOT LIKE 'unreadable: %'
ORDER BY s.xid, s.id
LIMIT 1

-- name: forget_set_aside
DELETE FROM set_aside WHERE record = ANY ($1::text[])
