-- name: bound_locks
-- Who waits for what this transaction holds is not to wait for what it waits for.
SET LOCAL lock_timeout = '2s';

-- name: sequences
-- How far each sequence that this role may see has come.
SELECT format('%I.%I', schemaname, sequencename) AS name, last_value FROM pg_sequences
WHERE last_value IS NOT NULL;

-- name: has_state
SELECT to_regclass('sink.offsets') IS NOT NULL AND to_regclass('sink.dead_letters') IS NOT NULL;

-- name: next_offset
-- Where the connector goes on in a partition; none for one that was reset, or never claimed.
SELECT next_offset FROM sink.offsets
WHERE connector = $1 AND topic = $2 AND partition = $3 AND next_offset >= 0;

-- name: dead_letter
SELECT id, stage, error_class, error, to_char(parked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS parked_at
FROM sink.dead_letters
WHERE connector = $1 AND topic = $2 AND partition = $3 AND "offset" = $4;
