-- name: claim
-- Raises the epoch of a partition, so that every earlier claimant is refused from now on. Waits for a transaction of
-- theirs that is already moving the offset, and therefore returns what that one committed.
INSERT INTO sink.offsets AS o (connector, topic, partition, next_offset, epoch, topic_id)
VALUES ($1, $2, $3, $4, 1, $5)
ON CONFLICT (connector, topic, partition) DO UPDATE SET epoch = o.epoch + 1
RETURNING next_offset, epoch, topic_id;

-- name: stored
SELECT topic, partition, next_offset, topic_id FROM sink.offsets WHERE connector = $1;

-- name: advance
-- Moves every partition of a batch, each only if the epoch is still the one it was claimed with, and tells the
-- listeners. The count of moved partitions is the fence: fewer than asked for means another writer has claimed one.
WITH moved AS (
    UPDATE sink.offsets o
    SET next_offset = batch.next_offset
    FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::bigint[]) AS batch (topic, partition, next_offset, epoch)
    WHERE o.connector = $1 AND o.topic = batch.topic AND o.partition = batch.partition AND o.epoch = batch.epoch
    RETURNING o.partition
)
SELECT count(*), CASE WHEN $6::text <> '' THEN pg_notify($6, $7) END FROM moved;
