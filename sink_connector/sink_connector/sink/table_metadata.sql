-- name: relation
-- The relation a name means. Never one of the session's temporary ones, which the server itself would look at first.
SELECT
    c.oid::bigint AS id,
    n.nspname::text AS schema,
    c.relkind::text AS kind,
    row_security_active(c.oid) AS has_policies,
    EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN') AS has_rules,
    EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal) AS has_triggers,
    ARRAY(SELECT f.confrelid::bigint FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f') AS parents
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'f', 'm')
  AND n.nspname::text = ANY (CASE WHEN $1::text IS NULL THEN current_schemas(false)::text[] ELSE ARRAY[$1::text] END)
ORDER BY array_position(current_schemas(false)::text[], n.nspname::text)
LIMIT 1;

-- name: columns
-- format_type with a modifier of -1 gives the names that cast without cutting: bpchar, not character(1). `key_type` is the
-- type, a domain taken off, in which values are compared: with the modifier where it rounds, without it where it cuts.
SELECT
    a.attname::text AS name,
    format_type(a.atttypid, -1) AS type,
    coalesce(nullif(t.typbasetype, 0), t.oid)::regtype::text AS base_type,
    a.attnotnull AS not_null,
    a.atthasdef OR a.attidentity <> '' AS has_default,
    a.attgenerated <> '' OR a.attidentity = 'a' AS generated,
    a.attidentity = 'a' AS identity_always,
    m.modifier AS modifier,
    format_type(b.oid, CASE WHEN b.typcategory IN ('N', 'D', 'T') THEN m.modifier ELSE -1 END) AS key_type,
    coalesce(l.collisdeterministic, true) AS deterministic,
    CASE WHEN l.oid IS NULL OR l.collname = 'default' THEN ''
         ELSE format('%I.%I', ln.nspname, l.collname) END AS collation
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type b ON b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
CROSS JOIN LATERAL (SELECT CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS modifier) m
LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace
WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- name: keys
-- Every unique index without expression and predicate. ON CONFLICT can name those that are checked at once. The primary key
-- comes first.
SELECT
    i.indisprimary AS is_primary,
    i.indimmediate AS is_immediate,
    ARRAY(SELECT a.attname FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k (number, place)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number ORDER BY k.place)::text[] AS columns
FROM pg_index i
WHERE i.indrelid = $1::bigint::oid AND i.indisunique AND i.indisvalid
  AND i.indpred IS NULL AND i.indexprs IS NULL
ORDER BY i.indisprimary DESC;
