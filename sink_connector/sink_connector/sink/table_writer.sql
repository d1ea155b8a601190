-- name: bound_lock_waits
-- Have a wait for a lock end before the statement that waits does, so that a locked table is not taken for a slow one: $1 is
-- the longest that a command may take, in milliseconds.
SELECT set_config(
    'lock_timeout',
    greatest(1, least(nullif(l.setting::bigint, 0), 4 * least($1::bigint, nullif(s.setting::bigint, 0)) / 5))::text,
    false)
FROM pg_settings s, pg_settings l
WHERE s.name = 'statement_timeout' AND l.name = 'lock_timeout';

-- name: check_constraints
-- Of what was written so far, whatever would be checked by COMMIT is checked now.
SET CONSTRAINTS ALL IMMEDIATE;

-- name: defer_constraints
SET CONSTRAINTS ALL DEFERRED;
