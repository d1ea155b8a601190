-- When each row was committed, in seconds since 1970.
SELECT order_id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS committed_at
FROM orders;
