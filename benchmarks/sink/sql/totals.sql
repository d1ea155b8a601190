-- What a correct drain leaves: compared with the sums over the records sent.
SELECT count(*) AS rows,
       coalesce(sum(version), 0)::bigint AS versions,
       coalesce(sum(total_cents), 0)::bigint AS cents,
       coalesce(sum(jsonb_array_length(lines)), 0)::bigint AS lines,
       coalesce(sum((extract(epoch FROM placed_at) * 1000)::bigint), 0)::bigint AS placed_ms
FROM orders;
