-- name: begin
-- Of partitions claimed, $2 to $4 are topics, partitions and epochs: what was committed before the key was set is not sent,
-- and after the offset was set back by hand its records are sent again.
INSERT INTO sink.persisted AS p (connector, topic, partition, next_offset)
SELECT o.connector, o.topic, o.partition, o.next_offset
FROM sink.offsets o JOIN unnest($2::text[], $3::integer[], $4::bigint[]) AS mine (topic, partition, epoch)
    USING (topic, partition, epoch)
WHERE o.connector = $1
ON CONFLICT (connector, topic, partition) DO UPDATE SET next_offset = excluded.next_offset, moved_at = now()
WHERE p.next_offset > excluded.next_offset;

-- name: hold
-- How far these partitions were committed and sent. Until the transaction ends, nobody else can claim one that is still of
-- this epoch; of those that were claimed since there is no row.
SELECT o.topic, o.partition, o.next_offset AS committed, p.next_offset AS sent
FROM sink.offsets o
JOIN unnest($2::text[], $3::integer[], $4::bigint[]) AS mine (topic, partition, epoch) USING (topic, partition, epoch)
JOIN sink.persisted p USING (connector, topic, partition)
WHERE o.connector = $1
ORDER BY o.topic, o.partition
FOR SHARE OF o;

-- name: is_behind
-- Whether this database lacks what these partitions were claimed with: it is not the one that they were claimed in.
SELECT EXISTS (
    SELECT FROM unnest($2::text[], $3::integer[], $4::bigint[]) AS mine (topic, partition, epoch)
    LEFT JOIN sink.offsets o ON o.connector = $1 AND o.topic = mine.topic AND o.partition = mine.partition
    LEFT JOIN sink.persisted p ON p.connector = $1 AND p.topic = mine.topic AND p.partition = mine.partition
    WHERE coalesce(o.epoch, 0) < mine.epoch OR (o.epoch = mine.epoch AND p.topic IS NULL)
);

-- name: dead
-- Which of the records not sent yet are dead letters. One parked earlier than the last record was sent is of an earlier time
-- at which the same offset was read.
SELECT d.topic, d.partition, d."offset"
FROM sink.dead_letters d
JOIN unnest($2::text[], $3::integer[]) AS mine (topic, partition) USING (topic, partition)
JOIN sink.persisted p USING (connector, topic, partition)
WHERE d.connector = $1 AND d."offset" >= p.next_offset AND d.parked_at >= p.moved_at;

-- name: move
UPDATE sink.persisted p SET next_offset = moved.next_offset, moved_at = now()
FROM unnest($2::text[], $3::integer[], $4::bigint[]) AS moved (topic, partition, next_offset)
WHERE p.connector = $1 AND p.topic = moved.topic AND p.partition = moved.partition;
