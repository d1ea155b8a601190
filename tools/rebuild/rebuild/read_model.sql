-- What a rebuild does to the read database, as its owner.

-- name: lock
-- One rebuild at a time; the lock goes with the session, however that ends.
SELECT pg_try_advisory_lock(hashtext('demo rebuild'))

-- name: outsiders
-- Views that somebody has built upon the tables of schema $1 and no migration has made in $2: they would go with the old ones.
SELECT DISTINCT v.oid::regclass::text
FROM pg_depend d
JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
JOIN pg_class v ON v.oid = r.ev_class
JOIN pg_class t ON t.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass AND t.oid <> v.oid
WHERE t.relnamespace = $1::regnamespace
  AND NOT (v.relnamespace = $1::regnamespace
           AND EXISTS (SELECT FROM pg_class n WHERE n.relnamespace = $2::regnamespace AND n.relname = v.relname))

-- name: additions
-- Statements that give the tables of schema $2 the checks and triggers that those of schema $1 have and no migration has made.
SELECT format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', $2::text, n.relname, c.conname, pg_get_constraintdef(c.oid))
FROM pg_constraint c
JOIN pg_class o ON o.oid = c.conrelid AND o.relnamespace = to_regnamespace($1)
JOIN pg_class n ON n.relnamespace = to_regnamespace($2) AND n.relname = o.relname
WHERE c.contype = 'c'
  AND NOT EXISTS (SELECT FROM pg_constraint made WHERE made.conrelid = n.oid AND made.conname = c.conname)
UNION ALL
SELECT replace(pg_get_triggerdef(t.oid), format(' ON %I.%I ', $1::text, o.relname), format(' ON %I.%I ', $2::text, n.relname))
FROM pg_trigger t
JOIN pg_class o ON o.oid = t.tgrelid AND o.relnamespace = to_regnamespace($1)
JOIN pg_class n ON n.relnamespace = to_regnamespace($2) AND n.relname = o.relname
WHERE NOT t.tgisinternal
  AND NOT EXISTS (SELECT FROM pg_trigger made WHERE made.tgrelid = n.oid AND made.tgname = t.tgname)

-- name: forget
-- What connectors have noted: their offsets and dead letters.
SELECT sink.forget_v1($1)

-- name: tables
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = $1

-- name: shared_tables
-- The tables that schemas $1 and $2 both have, as they are called in $1.
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables o
WHERE schemaname = $1 AND EXISTS (SELECT FROM pg_tables n WHERE n.schemaname = $2 AND n.tablename = o.tablename)

-- name: offsets
SELECT connector, topic, partition, next_offset FROM sink.offsets_v1 WHERE connector = ANY ($1::text[])

-- name: epochs
-- Each rises when a task claims its partition.
SELECT connector, topic, partition, epoch FROM sink.offsets_v1 WHERE connector = ANY ($1::text[])

-- name: hold
-- Until the transaction ends the connectors $1 commit nothing.
SELECT connector, topic, partition, next_offset FROM sink.hold_v1($1)

-- name: moves
-- What carries tables, views and functions of schema $1 into $2; with a $3, only those that it has as well.
WITH object AS (
    SELECT relnamespace AS schema, CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS kind,
           format('%I', relname) AS name
    FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')
    UNION ALL
    SELECT pronamespace, 'ROUTINE', format('%I(%s)', proname, pg_get_function_identity_arguments(oid)) FROM pg_proc
)
SELECT format('ALTER %s %I.%s SET SCHEMA %I', kind, $1::text, name, $2::text)
FROM object o
WHERE schema = to_regnamespace($1)
  AND ($3::text IS NULL OR EXISTS (SELECT FROM object n WHERE n.schema = to_regnamespace($3) AND (n.kind, n.name) = (o.kind, o.name)))

-- name: take_over
-- Offsets and dead letters of the connectors $2 become those of the connectors $1, side by side; the tasks of $1 are refused
-- from here on.
SELECT sink.take_over_v1($1, $2)

-- name: tell
-- A notification without offsets: look them up. Who listens hears it when the switch is committed.
SELECT pg_notify($1, '{"connector":"rebuild","topics":{}}')
