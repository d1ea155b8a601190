-- name: relation
-- The relation a name means. Never one of the session's temporary ones, which the server itself would look at first.
SELECT
    c.oid::bigint AS id,
    n.nspname::text AS schema,
    c.relkind::text AS kind
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'f', 'm')
  AND n.nspname::text = ANY (CASE WHEN $1::text IS NULL THEN current_schemas(false)::text[] ELSE ARRAY[$1::text] END)
ORDER BY array_position(current_schemas(false)::text[], n.nspname::text)
LIMIT 1;

-- name: traits
-- What is on a relation; no row where it is gone.
SELECT
    row_security_active(c.oid) AS has_policies,
    EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN') AS has_rules,
    EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal) AS has_triggers,
    EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgtype & 7 = 7) AS changes_new_rows,
    EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) AS has_primary_key,
    ARRAY(SELECT coalesce(a.attname::text, 'an expression')
          FROM pg_partitioned_table p CROSS JOIN unnest(p.partattrs) AS k (number)
          LEFT JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = k.number
          WHERE p.partrelid = c.oid) AS partitioned_by,
    has_any_column_privilege(c.oid, 'UPDATE') AS may_lock_rows,
    ARRAY(SELECT f.confrelid::bigint FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f') AS parents
FROM pg_class c
WHERE c.oid = $1::bigint::oid;

-- name: of_relation
-- What the columns of a relation, or the attributes of a composite type, are read from.
SELECT a.attname, a.attnum, a.atttypid, a.atttypmod, a.attnotnull, a.atthasdef, a.attidentity, a.attgenerated, a.attcollation, a.attrelid
FROM pg_attribute a WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped

-- name: of_range
-- A range's bounds as if they were a column, and so the ranges of a multirange, which PostgreSQL has since 14.
SELECT 'bound'::name, 1, r.id, -1, false, false, '', '', r.collation, 0::oid
FROM (SELECT rngsubtype AS id, rngcollation AS collation FROM pg_range WHERE rngtypid = $1::bigint::oid
      UNION ALL SELECT g.rngtypid, 0::oid FROM pg_range g WHERE to_jsonb(g) ->> 'rngmultitypid' = $1::bigint::text) r

-- name: columns
-- format_type with a modifier of -1 gives the names that cast without cutting: bpchar, not character(1). The base type is what
-- is left when domains are taken off, those of an array's elements too; the modifier is the one that was met on the way there.
-- `key_type` is the base type in which values are compared: with the modifier where it rounds, without it where it cuts.
-- `casts_from` are the types that can be cast to it, null where every one can; a text can be read as any.
-- `takes_documents` is whether there is a cast of a jsonb to the base type, of an array's elements to theirs. `kind`, `base_id`
-- and `relation` are the base type's own, its elements' where it is an array.
SELECT
    a.attname::text AS name,
    a.atttypid::bigint AS type_id,
    format_type(a.atttypid, -1) AS type,
    format_type(b.id, -1) || CASE WHEN b.is_array THEN '[]' ELSE '' END AS base_type,
    b.modifier,
    a.attnotnull AS not_null,
    a.attnotnull
        OR EXISTS (SELECT FROM pg_type t WHERE t.oid = a.atttypid AND t.typnotnull)
        OR EXISTS (SELECT FROM pg_constraint h WHERE h.conrelid = a.attrelid AND h.contype = 'c' AND a.attnum = ANY (h.conkey))
        AS may_refuse_null,
    a.atthasdef OR a.attidentity <> '' AS has_default,
    a.attgenerated <> '' OR a.attidentity = 'a' AS generated,
    a.attidentity = 'a' AS identity_always,
    format_type(b.id, CASE WHEN k.typcategory IN ('N', 'D', 'T') THEN b.modifier ELSE -1 END)
        || CASE WHEN b.is_array THEN '[]' ELSE '' END AS key_type,
    (k.typcategory = 'S' AND b.id <> 'name'::regtype) OR b.id = 'jsonb'::regtype OR EXISTS (
        SELECT FROM pg_cast d WHERE d.castsource = 'jsonb'::regtype AND d.casttarget = b.id) AS takes_documents,
    CASE WHEN k.typcategory <> 'S'
         THEN ARRAY(SELECT format_type(d.castsource, -1) FROM pg_cast d WHERE d.casttarget = b.id ORDER BY d.castsource) END
        AS casts_from,
    b.id = 'money'::regtype AND CAST(CAST(0.5 AS money) AS text) LIKE '%,5%' AS has_decimal_comma,
    coalesce(l.collisdeterministic, true) AS deterministic,
    CASE WHEN l.oid IS NULL OR l.collname = 'default' THEN ''
         ELSE format('%I.%I', ln.nspname, l.collname) END AS collation,
    k.typtype::text AS kind,
    b.id::bigint AS base_id,
    k.typrelid::bigint AS relation
FROM a
CROSS JOIN LATERAL (
    WITH RECURSIVE chain (id, modifier, is_array, depth) AS (
        SELECT a.atttypid, a.atttypmod, false, 0
        UNION ALL
        SELECT CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.typelem END,
               CASE WHEN t.typtype = 'd' AND c.modifier = -1 THEN t.typtypmod ELSE c.modifier END,
               c.is_array OR t.typtype <> 'd', c.depth + 1
        FROM chain c JOIN pg_type t ON t.oid = c.id
        WHERE t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0)
    )
    SELECT id, modifier, is_array FROM chain ORDER BY depth DESC LIMIT 1
) b
JOIN pg_type k ON k.oid = b.id
LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace
ORDER BY a.attnum;

-- name: state
-- A hash of what each table `known` by its id is written by: its name and kind, its columns, its rules, triggers and policies; null
-- where there is none. So of a composite type, which is a relation, too.
SELECT known.id, (
    SELECT hashtextextended(concat_ws(
        ' ', n.nspname, c.relname, c.relkind, row_security_active(c.oid),
        (SELECT sum(hashtextextended(
             concat_ws(' ', a.atttypid, a.atttypmod, a.attcollation, a.attnotnull, a.attidentity, a.attgenerated, a.atthasdef, a.attnum, a.attname), 0))
         FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
        (SELECT sum(r.oid::bigint) FROM pg_rewrite r WHERE r.ev_class = c.oid),
        (SELECT sum(f.oid::bigint) FROM pg_constraint f WHERE f.conrelid = c.oid),
        (SELECT sum(g.oid::bigint) FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal)
    ), 0)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = known.id::oid
) AS state
FROM known

-- name: keys
-- Every unique index without expression, predicate and ranges that may not overlap. ON CONFLICT can name those that are checked
-- at once. The primary key comes first.
SELECT
    i.indisprimary AS is_primary,
    i.indimmediate AS is_immediate,
    ARRAY(SELECT a.attname FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k (number, place)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number ORDER BY k.place)::text[] AS columns
FROM pg_index i
WHERE i.indrelid = $1::bigint::oid AND i.indisunique AND i.indisvalid
  AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT i.indisexclusion
ORDER BY i.indisprimary DESC;
