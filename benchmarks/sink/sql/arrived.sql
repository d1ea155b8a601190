-- How many of the last records of the partitions are there; six index look-ups, cheap enough to ask during a run.
SELECT count(*)
FROM unnest($1::text[], $2::bigint[]) AS last (order_id, version)
JOIN orders USING (order_id, version);
