-- Forgetting what nobody may rely on any more, a bounded number of rows at a time.

-- name: expire_answers
DELETE FROM answers
WHERE key IN (SELECT key FROM answers WHERE answered_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)

-- Names of products have no fingerprint and stay.
-- name: expire_claims
DELETE FROM claims
WHERE name IN (
    SELECT name FROM claims WHERE fingerprint <> '' AND claimed_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
