-- How many records wait behind a position.
SELECT count(*) FROM outbox WHERE id > :id AND :xid = 0
