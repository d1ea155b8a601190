-- The records after a position, in commit order as far as it is decided. An id is taken from the sequence before its
-- transaction commits, so a lower id may become visible after a higher one and `id > last` would pass it over for ever.
-- Rows of a transaction are shown only when every transaction that began writing before it has ended: below the
-- snapshot's xmin nothing can appear any more.
SELECT CAST(CAST(xid AS text) AS bigint) AS xid, id, topic, key, value, headers
FROM outbox
WHERE xid < pg_snapshot_xmin(pg_current_snapshot())
  AND (xid, id) > (CAST(CAST(CAST(:xid AS bigint) AS text) AS xid8), CAST(:id AS bigint))
ORDER BY outbox.xid, outbox.id  -- the columns, which the index has in order; `xid` alone is the number selected above
LIMIT :limit
