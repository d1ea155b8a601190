-- How many records wait behind a position, those whose turn is not yet decided included.
SELECT count(*)
FROM outbox
WHERE (xid, id) > (CAST(CAST(CAST(:xid AS bigint) AS text) AS xid8), CAST(:id AS bigint))
