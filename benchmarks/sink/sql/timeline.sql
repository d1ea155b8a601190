-- Marker rows ($1: every how many orders) per commit, in the order of the commits; needs track_commit_timestamp.
SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS committed_at,
       count(*) FILTER (WHERE right(order_id, 12)::bigint % $1 = 0) AS markers
FROM orders
GROUP BY 1
ORDER BY 1;
