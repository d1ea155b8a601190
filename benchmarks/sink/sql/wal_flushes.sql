-- Flushes of the log by sessions so far and the milliseconds they took; needs track_wal_io_timing.
SELECT coalesce(sum(fsyncs), 0)::bigint AS flushes, coalesce(sum(fsync_time), 0)::float8 AS milliseconds
FROM pg_stat_io
WHERE object = 'wal' AND backend_type = 'client backend';
