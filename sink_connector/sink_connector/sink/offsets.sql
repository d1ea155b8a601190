-- name: claim
-- Raises the epoch of a partition, so that every earlier claimant is refused from now on. Waits for a transaction of
-- theirs that is already moving the offset, and therefore returns what that one committed. A next offset of -1 was reset:
-- it begins where $5 says; an empty topic id was set by hand: it is the topic's of today.
INSERT INTO sink.offsets AS o (connector, topic, partition, next_offset, epoch, topic_id)
VALUES ($1, $2, $3, $4, 1, $6)
ON CONFLICT (connector, topic, partition) DO UPDATE SET
    epoch = o.epoch + 1,
    next_offset = CASE WHEN o.next_offset < 0 THEN $5::bigint ELSE o.next_offset END,
    topic_id = CASE WHEN o.topic_id = '' THEN excluded.topic_id ELSE o.topic_id END
RETURNING next_offset, epoch, topic_id;

-- name: has_begun
-- Whether the connector was ever started, in this or another worker.
SELECT EXISTS (SELECT FROM sink.offsets WHERE connector = $1);

-- name: lock_beginning
SELECT pg_advisory_xact_lock(hashtextextended('sink.offsets ' || $1, 0));

-- name: begin
-- Where the partitions of the very first start begin; the row of a topic without a name says that there was one.
INSERT INTO sink.offsets (connector, topic, partition, next_offset, epoch, topic_id)
SELECT $1, first.topic, first.partition, first.next_offset, 0, first.topic_id
FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::text[]) AS first (topic, partition, next_offset, topic_id)
UNION ALL SELECT $1, '', -1, 0, 0, ''
ON CONFLICT DO NOTHING;

-- name: stored
SELECT topic, partition, next_offset FROM sink.offsets
WHERE connector = $1 AND next_offset >= 0 AND topic <> '' ORDER BY topic, partition;

-- name: alter
-- The epoch moves too: whoever still holds the partition may not overwrite what a person has set.
INSERT INTO sink.offsets AS o (connector, topic, partition, next_offset, epoch, topic_id)
VALUES ($1, $2, $3, $4, 1, '')
ON CONFLICT (connector, topic, partition) DO UPDATE SET epoch = o.epoch + 1, next_offset = $4, topic_id = '';

-- name: forget_sent
-- What was skipped by hand was not committed, and so is not to be sent.
DELETE FROM sink.persisted WHERE connector = $1 AND ($2::text[] IS NULL OR (topic, partition) IN (
    SELECT * FROM unnest($2::text[], $3::integer[])));

-- name: reset
UPDATE sink.offsets SET epoch = epoch + 1, next_offset = -1, topic_id = '' WHERE connector = $1;

-- name: moving
-- Moves every partition of a batch, each only if the epoch is still the one it was claimed with and the batch is not
-- in yet. `floor` is the next offset that the writer stored last. What follows says what came of it, and tells the listeners.
WITH batch AS (
    SELECT * FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::bigint[], $8::bigint[])
        AS batch (topic, partition, next_offset, epoch, floor)
), moved AS (
    UPDATE sink.offsets o
    SET next_offset = batch.next_offset
    FROM batch
    WHERE o.connector = $1 AND o.topic = batch.topic AND o.partition = batch.partition AND o.epoch = batch.epoch
      AND o.next_offset < batch.next_offset AND o.next_offset >= batch.floor
    RETURNING o.partition
)

-- name: moved
-- `moved` short of all is either the fence (another writer has claimed one) or a batch whose commit went through although
-- its answer was lost: then all of it is `there`, as part of a larger one perhaps. A partition is `behind` when this database
-- does not have what the writer has committed or claimed before.
SELECT
    (SELECT count(*) FROM moved) AS moved,
    (SELECT count(*) FROM sink.offsets o JOIN batch USING (topic, partition, epoch)
     WHERE o.connector = $1 AND o.next_offset >= batch.next_offset) AS there,
    (SELECT count(*) FROM batch LEFT JOIN sink.offsets o
        ON o.connector = $1 AND o.topic = batch.topic AND o.partition = batch.partition
     WHERE coalesce(o.epoch, 0) < batch.epoch OR (o.epoch = batch.epoch AND o.next_offset < batch.floor)) AS behind,
    CASE WHEN $6::text <> '' THEN pg_notify($6, $7) END;

-- Parts of what moves partitions and writes rows at once: whatever is not as it was expected ends it, with all that it wrote, and
-- who tries it finds out the other way. $9 and $10 are the id of the table and its state.
-- name: all_moved
CAST(CASE
    WHEN (SELECT count(*) FROM moved) < (SELECT count(*) FROM batch) THEN 'sink: the offsets were not moved' ELSE '0'
END AS integer)

-- The locks of the statement that asks, or of those before it, are taken before its snapshot.
-- name: unchanged
CAST(CASE
    WHEN (SELECT state FROM found) IS DISTINCT FROM $10::bigint THEN 'sink: the table was changed' ELSE '0'
END AS integer)

-- name: told
CAST(CASE WHEN $6::text <> '' THEN pg_notify($6, $7) END AS text)
