-- What the connector keeps in the target database besides the rows. Every statement may be run again.

-- name: create_schema
CREATE SCHEMA IF NOT EXISTS sink;

-- name: create_offsets
-- The offset each partition is to be read from next. A writer may move it only with the epoch it claimed last.
CREATE TABLE IF NOT EXISTS sink.offsets (
    connector   text    NOT NULL,
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL,
    epoch       bigint  NOT NULL,
    topic_id    text    NOT NULL,
    PRIMARY KEY (connector, topic, partition)
) WITH (fillfactor = 50);

-- name: create_dead_letters
-- Records that could not be delivered, with the bytes they came as.
CREATE TABLE IF NOT EXISTS sink.dead_letters (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connector   text        NOT NULL,
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    "offset"    bigint      NOT NULL,
    "timestamp" timestamptz,
    key         bytea,
    value       bytea,
    headers     jsonb       NOT NULL,
    stage       text        NOT NULL,
    error_class text        NOT NULL,
    error       text        NOT NULL,
    parked_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (connector, topic, partition, "offset")
);

-- name: create_dead_letters_by_key
-- Who waits for a certain record asks whether it is a dead letter. A hash takes keys of any length.
DROP INDEX IF EXISTS sink.dead_letters_by_key;
CREATE INDEX IF NOT EXISTS dead_letters_by_key_hash ON sink.dead_letters USING hash (key);

-- name: create_persisted
-- How far what was committed of a partition was sent to the connector's persisted.topic.name, and when that last moved.
CREATE TABLE IF NOT EXISTS sink.persisted (
    connector   text        NOT NULL,
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    next_offset bigint      NOT NULL,
    moved_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connector, topic, partition)
) WITH (fillfactor = 50);

-- name: create_views
-- What others read; the tables are nobody's but the sink's. Whoever reads relies on these columns, their order and their
-- types: a column may be added at the end, any other change is a view of the next number beside this one.
CREATE OR REPLACE VIEW sink.offsets_v1 AS
SELECT connector, topic, partition, next_offset, epoch
FROM sink.offsets WHERE next_offset >= 0 AND topic <> '';

CREATE OR REPLACE VIEW sink.dead_letters_v1 AS
SELECT id, connector, topic, partition, "offset", "timestamp", key, value, stage, error_class, error, parked_at
FROM sink.dead_letters;

-- name: create_functions
-- What others may have done to the tables, with the rights of who calls: whoever may not write them may not call these.
-- A batch moves its offsets before it writes a row: until the caller's transaction ends, these connectors commit nothing.
CREATE OR REPLACE FUNCTION sink.hold_v1(connectors text[])
RETURNS TABLE (connector text, topic text, partition integer, next_offset bigint) LANGUAGE sql AS $$
    WITH held AS (
        SELECT o.connector, o.topic, o.partition, o.next_offset FROM sink.offsets o WHERE o.connector = ANY (connectors)
        ORDER BY o.connector, o.topic, o.partition FOR UPDATE
    )
    SELECT * FROM held WHERE held.next_offset >= 0 AND held.topic <> '';
$$;

-- Offsets first: a task of theirs that still writes is refused from then on.
CREATE OR REPLACE FUNCTION sink.forget_v1(connectors text[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM sink.offsets WHERE connector = ANY (connectors);
    DELETE FROM sink.dead_letters WHERE connector = ANY (connectors);
$$;

-- Side by side: what one of `givers` has noted becomes what the one of `takers` has. The epoch rises: a task of the taker's
-- that claimed its partitions before is refused from then on.
CREATE OR REPLACE FUNCTION sink.take_over_v1(takers text[], givers text[]) RETURNS void LANGUAGE sql AS $$
    WITH given AS (
        DELETE FROM sink.offsets WHERE connector = ANY (givers) RETURNING *
    )
    INSERT INTO sink.offsets AS o (connector, topic, partition, next_offset, epoch, topic_id)
    SELECT pair.taker, given.topic, given.partition, given.next_offset, 1, given.topic_id
    FROM given JOIN unnest(takers, givers) AS pair (taker, giver) ON pair.giver = given.connector
    ON CONFLICT (connector, topic, partition) DO UPDATE
    SET next_offset = excluded.next_offset, topic_id = excluded.topic_id, epoch = o.epoch + 1;
    DELETE FROM sink.dead_letters WHERE connector = ANY (takers);
    UPDATE sink.dead_letters d SET connector = pair.taker
    FROM unnest(takers, givers) AS pair (taker, giver) WHERE d.connector = pair.giver;
$$;

-- name: lock_setup
SELECT pg_advisory_xact_lock(hashtextextended('sink schema', 0));

-- name: is_ready
-- Whether everything is there, of this version.
SELECT to_regclass('sink.offsets') IS NOT NULL AND to_regclass('sink.dead_letters_by_key_hash') IS NOT NULL
   AND to_regclass('sink.persisted') IS NOT NULL AND to_regclass('sink.offsets_v1') IS NOT NULL AND to_regprocedure('sink.take_over_v1(text[], text[])') IS NOT NULL;
