-- name: columns
-- format_type with a modifier of -1 gives the names that cast without cutting: bpchar, not character(1). The base type is what
-- is left when domains are taken off, those of an array's elements too; the modifier is the one that was met on the way there.
SELECT
    a.attname AS name,
    format_type(a.atttypid, -1) AS type,
    format_type(b.id, -1) || CASE WHEN b.is_array THEN '[]' ELSE '' END AS base_type,
    b.modifier,
    a.attnotnull AS not_null,
    a.atthasdef OR a.attidentity <> '' AS has_default,
    a.attgenerated <> '' OR a.attidentity = 'a' AS generated
FROM pg_attribute a
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
