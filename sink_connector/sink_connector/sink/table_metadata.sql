-- name: columns
-- format_type with a modifier of -1 gives the names that cast without cutting: bpchar, not character(1).
SELECT
    a.attname AS name,
    format_type(a.atttypid, -1) AS type,
    coalesce(nullif(t.typbasetype, 0), t.oid)::regtype::text AS base_type,
    a.attnotnull AS not_null,
    a.atthasdef OR a.attidentity <> '' AS has_default,
    a.attgenerated <> '' OR a.attidentity = 'a' AS generated
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- name: keys
-- Every unique index that ON CONFLICT can name: no expression, no predicate. The primary key comes first.
SELECT
    i.indisprimary AS is_primary,
    ARRAY(SELECT a.attname FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k (number, place)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number ORDER BY k.place)::text[] AS columns
FROM pg_index i
WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indimmediate
  AND i.indpred IS NULL AND i.indexprs IS NULL
ORDER BY i.indisprimary DESC;
